import fs from 'node:fs'
import { join } from 'node:path'
import { bitmapLength, bytes, type Bitmap } from '@tidemark/blocks'
import type { OpenFiles } from './files.ts'

/**
 * The bitmaps of the change logs, one file each, bits as on the wire. A file may be shorter than its disk's bitmap: what
 * it lacks was never marked. The bitmaps of disks that are being written are kept in memory: 2 MiB for a disk of 1 TiB.
 */
export class ChangeLogs {
  readonly directory: string
  readonly #files: OpenFiles
  readonly #written = new Map<number, Bitmap>()

  constructor(directory: string, files: OpenFiles) {
    this.directory = directory
    this.#files = files
  }

  /** Makes the file of a log, empty or with the given bits. */
  create(file: number, bitmap: Bitmap = new Uint8Array()): void {
    fs.writeFileSync(this.#path(file), bitmap, { mode: 0o600 })
  }

  /** A copy of the bitmap of a log, for a disk of `size`. @throws LabError LAB_STORAGE_DAMAGED */
  read(file: number, size: number): Bitmap {
    const known = this.#written.get(file)
    const bitmap = new Uint8Array(bitmapLength(bytes(size)))
    if (known === undefined) this.#files.readNow(this.#path(file), 0, bitmap)
    else bitmap.set(known)
    return bitmap
  }

  /** Marks the blocks from `first` to `last`, both included. When it returns, the bits are in the file. */
  mark(file: number, size: number, first: number, last: number): void {
    const bitmap = this.#writable(file, size)
    const from = first >>> 3
    const wanted = bitmap.slice(from, (last >>> 3) + 1)
    markRange(wanted, first - from * 8, last - from * 8)
    if (Buffer.compare(wanted, bitmap.subarray(from, from + wanted.length)) === 0) return
    this.#files.writeNow(this.#path(file), from, wanted)
    bitmap.set(wanted, from)
  }

  /** No more marks come for now: gives up the memory. */
  forget(file: number): void {
    this.#written.delete(file)
  }

  sync(file: number): Promise<void> {
    return this.#files.sync(this.#path(file))
  }

  remove(file: number): void {
    this.forget(file)
    this.#files.remove(this.#path(file))
  }

  #writable(file: number, size: number): Bitmap {
    const known = this.#written.get(file)
    if (known !== undefined && known.length === bitmapLength(bytes(size))) return known
    const bitmap = this.read(file, size)
    this.#written.set(file, bitmap)
    return bitmap
  }

  #path(file: number): string {
    return join(this.directory, `${file}.cbt`)
  }
}

function markRange(bitmap: Bitmap, first: number, last: number): void {
  for (let block = first; block <= last;) {
    const at = block >>> 3
    if (block % 8 === 0 && block + 7 <= last) {
      bitmap[at] = 0xff
      block += 8
    } else {
      bitmap[at] = (bitmap[at] ?? 0) | (0x80 >> (block & 7))
      block++
    }
  }
}
