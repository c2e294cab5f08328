import type { FileHandle } from 'node:fs/promises'

/** Writes all of `data`, however many writes the system makes of it. */
export async function writeWhole(file: FileHandle, data: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < data.length;) {
    done += (await file.write(data, done, data.length - done, offset + done)).bytesWritten
  }
}
