import { readVhd } from '@tidemark/xenapi/vhd'
import { pieces, type Pieces } from '../streams/pieces.ts'
import { ioError } from './raw-in.ts'
import type { DiskSink } from './sink.ts'

/** Only what the stream holds is written: a difference merges with what the disk holds. */
export async function takeVhd(body: AsyncIterable<Uint8Array>, sink: DiskSink): Promise<void> {
  const vhd = await readVhd(body)
  if (vhd.size > sink.size) throw ioError()
  for await (const { offset, data } of vhd.blocks()) {
    await sink.write(offset, data)
    sink.progress(offset / vhd.size)
  }
}

const SECTOR = 512
const FOOTER = 512
const HEADER = 1024
const PIECE = 64 * 1024
const ABSENT = 0xff_ff_ff_ff
/** Entries of the block table that are read at most: 4 TiB in blocks of 2 MiB. */
const TABLE_MAX = 1 << 21

/**
 * The same stream, ending where the VHD in it ends: after the footer behind its last block. For a client that does not
 * know the length, announces an enormous one, and goes when its task is done. VHD specification 1.0.
 */
export async function* withinVhd(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const input = pieces(body)
  try {
    const footer = await input.take(FOOTER)
    yield footer
    const headerAt = u64(footer, 16)
    yield* pass(input, headerAt - FOOTER)
    const header = await input.take(HEADER)
    yield header
    const [tableAt, entries, blockSize] = [u64(header, 16), u32(header, 28), u32(header, 32)]
    if (entries > TABLE_MAX) throw ioError()
    yield* pass(input, tableAt - headerAt - HEADER)
    const table = await input.take(entries * 4)
    yield table
    const tableEnd = tableAt + table.length
    yield* pass(input, (lastBlockEnd(table, blockSize) ?? roundUp(tableEnd)) - tableEnd)
    yield await input.take(FOOTER)
  } finally {
    await input.close()
  }
}

async function* pass(input: Pieces, length: number): AsyncGenerator<Uint8Array, void, void> {
  for (let done = 0; done < length; done += PIECE) yield await input.take(Math.min(PIECE, length - done))
}

/** Byte of the stream where the block that lies furthest ends; a bitmap of its sectors goes before each. */
function lastBlockEnd(table: Uint8Array, blockSize: number): number | undefined {
  let last = -1
  for (let at = 0; at < table.length; at += 4) {
    const sector = u32(table, at)
    if (sector !== ABSENT && sector > last) last = sector
  }
  return last < 0 ? undefined : last * SECTOR + roundUp(blockSize / SECTOR / 8) + blockSize
}

const roundUp = (length: number): number => Math.ceil(length / SECTOR) * SECTOR
const viewOf = (data: Uint8Array): DataView => new DataView(data.buffer, data.byteOffset, data.byteLength)
const u32 = (data: Uint8Array, at: number): number => viewOf(data).getUint32(at)
const u64 = (data: Uint8Array, at: number): number => Number(viewOf(data).getBigUint64(at))
