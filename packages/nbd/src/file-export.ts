import { close, fdatasync, fstat, open, read, readSync, write, writeSync } from 'node:fs'
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
  const readInto = (into: Uint8Array, offset: number) => wholly(read, fd, into, offset)
  const readable = {
    size,
    readInto,
    readNow: eagerly((into, offset) => readSync(fd, into, 0, into.length, offset)),
    async read(offset: number, length: number) {
      const into = new Uint8Array(length)
      await readInto(into, offset)
      return into
    },
    [Symbol.asyncDispose]: () => calls.close(fd),
  }
  if (readOnly) return { ...readable, readOnly }
  const writeEagerly = eagerly((data, offset) => writeSync(fd, data, 0, data.length, offset))
  return {
    ...readable,
    coherent: true,
    writeNow: (offset, data) => writeEagerly(data, offset),
    write: (offset, data) => wholly(write, fd, data, offset),
    flush: () => calls.fdatasync(fd),
  }
}

/** A call slower than this waited for the disk, not for the page cache. */
const SLOW_MS = 2
const PATIENT_CALLS_MIN = 64
const PATIENT_CALLS_MAX = 16_384

/**
 * Reads or writes on this thread what the page cache has or takes: handing a call to the thread pool costs more than the
 * copy. Nothing says beforehand whether it has. So a call that took long sends the next ones through the pool, and twice as
 * many of them when the next try is slow again.
 */
function eagerly(
  transfer: (bytes: Uint8Array, offset: number) => number,
): (bytes: Uint8Array, offset: number) => boolean {
  let patient = 0 // calls that go through the pool before the next try
  let penalty = PATIENT_CALLS_MIN
  return (bytes, offset) => {
    if (patient > 0) {
      patient--
      return false
    }
    const startedAt = performance.now()
    const count = transfer(bytes, offset)
    if (performance.now() - startedAt < SLOW_MS * Math.max(1, bytes.length / 2 ** 20)) {
      penalty = Math.max(PATIENT_CALLS_MIN, penalty / 2)
    } else {
      patient = penalty
      penalty = Math.min(PATIENT_CALLS_MAX, penalty * 2)
    }
    return count === bytes.length
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
