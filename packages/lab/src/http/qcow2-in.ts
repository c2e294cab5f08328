import { readQcow2 } from '../qcow2/read.ts'
import { ioError } from './raw-in.ts'
import type { DiskSink } from './sink.ts'

/** Only the clusters that the image has are written: a difference merges with what the disk holds. */
export async function takeQcow2(body: AsyncIterable<Uint8Array>, sink: DiskSink): Promise<void> {
  const image = await readQcow2(body)
  if (image.size > sink.size) throw ioError()
  for await (const { offset, data } of image.clusters()) {
    await sink.write(offset, data)
    sink.progress(offset / image.size)
  }
}
