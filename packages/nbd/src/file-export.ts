import { close, fdatasync, fstat, open, read, readSync, write } from 'node:fs'
import { promisify } from 'node:util'
import type { NbdExport } from './export.ts'

const calls = {
  open: promisify(open),
  close: promisify(close),
  fdatasync: promisify(fdatasync),
  fstat: promisify(fstat),
}

/**
 * A raw file as an export, of the size that it has now.
 * @throws what the file system says
 */
export async function openFileExport(path: string, { readOnly }: { readonly readOnly: boolean }): Promise<FileExport> {
  const fd = await calls.open(path, readOnly ? 'r' : 'r+')
  const { size } = await calls.fstat(fd)
  const eager = new EagerReader(fd)
  const readInto = (into: Uint8Array, offset: number) => wholly(read, fd, into, offset)
  const readable = {
    size,
    readInto,
    readNow: (into: Uint8Array, offset: number) => eager.read(into, offset),
    async read(offset: number, length: number) {
      const into = new Uint8Array(length)
      await readInto(into, offset)
      return into
    },
    [Symbol.asyncDispose]: () => calls.close(fd),
  }
  if (readOnly) return { ...readable, readOnly }
  return {
    ...readable,
    coherent: true,
    write: (offset, data) => wholly(write, fd, data, offset),
    flush: () => calls.fdatasync(fd),
  }
}

/** One read slower than this, and the disk is asked for what follows, not the page cache. */
const SLOW_MS = 2
const PATIENT_READS_MIN = 64
const PATIENT_READS_MAX = 16_384

/**
 * Reads on this thread what the page cache has: handing a read to the thread pool costs more than the copy. Nothing says
 * beforehand whether it is there. So a read that took long sends the next ones through the pool, and twice as many of them
 * when the next try is slow again.
 */
class EagerReader {
  readonly #fd: number
  #patient = 0 // reads that go through the pool before the next try
  #penalty = PATIENT_READS_MIN

  constructor(fd: number) {
    this.#fd = fd
  }

  read(into: Uint8Array, offset: number): boolean {
    if (this.#patient > 0) {
      this.#patient--
      return false
    }
    const startedAt = performance.now()
    const count = readSync(this.#fd, into, 0, into.length, offset)
    if (performance.now() - startedAt < SLOW_MS * Math.max(1, into.length / 2 ** 20)) {
      this.#penalty = Math.max(PATIENT_READS_MIN, this.#penalty / 2)
    } else {
      this.#patient = this.#penalty
      this.#penalty = Math.min(PATIENT_READS_MAX, this.#penalty * 2)
    }
    return count === into.length
  }
}

/** Serves any number of connections; disposal closes the file. */
export type FileExport = NbdExport & AsyncDisposable

type Transfer = (
  fd: number,
  bytes: Uint8Array,
  from: number,
  length: number,
  position: number,
  done: (error: Error | null, count: number) => void,
) => void

/** Reads or writes all of the bytes, however many calls that takes. */
function wholly(transfer: Transfer, fd: number, bytes: Uint8Array, offset: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let at = 0
    const goOn = () => transfer(fd, bytes, at, bytes.length - at, offset + at, settle)
    const settle = (error: Error | null, count: number) => {
      if (error !== null) return reject(error)
      at += count
      if (at === bytes.length) return resolve()
      if (count === 0) return reject(new Error(`the file ends at ${offset + at}`))
      goOn()
    }
    goOn()
  })
}
