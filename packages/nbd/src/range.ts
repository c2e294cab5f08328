import { NbdError } from './error.ts'

/** Sizes a server wants its requests to keep to, in bytes. */
export interface BlockSize {
  /** Offsets and lengths are multiples of it. */
  readonly minimum: number
  /** Requests of this size are efficient. */
  readonly preferred: number
  /** Longest READ or WRITE. */
  readonly maximum: number
}

/** @throws NbdError NBD_RANGE (no whole numbers, empty, or past the end) */
export function checkRange(offset: number, length: number, size: number): void {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length <= 0) {
    throw new NbdError('NBD_RANGE', `${length} bytes at ${offset} is no range`, { offset, length })
  }
  if (offset + length > size) {
    throw new NbdError('NBD_RANGE', `${length} bytes at ${offset} end past the export of ${size}`, { offset, length })
  }
}

/** @throws NbdError NBD_RANGE (not on the block size; the end of the export always is) */
export function checkAligned(offset: number, length: number, size: number, { minimum }: BlockSize): void {
  const end = offset + length
  if (offset % minimum === 0 && (end % minimum === 0 || end === size)) return
  throw new NbdError('NBD_RANGE', `${length} bytes at ${offset} are not on the block size ${minimum}`, {
    offset,
    length,
  })
}

/** @throws NbdError NBD_RANGE (longer than one request may be) */
export function checkMaximum(offset: number, length: number, { maximum }: BlockSize): void {
  if (length <= maximum) return
  throw new NbdError('NBD_RANGE', `${length} bytes are more than one request may have, ${maximum}`, { offset, length })
}

/** The smallest range on the block size around a range. */
export function widen(offset: number, length: number, size: number, { minimum }: Pick<BlockSize, 'minimum'>) {
  const from = offset - (offset % minimum)
  const to = Math.min(Math.ceil((offset + length) / minimum) * minimum, size)
  return { offset: from, length: to - from }
}

/** A range in pieces of at most `longest` bytes, which split at multiples of it. */
export function* split(offset: number, length: number, longest: number): Generator<{ offset: number; length: number }> {
  const end = offset + length
  for (let at = offset; at < end;) {
    const stop = Math.min(Math.floor(at / longest) * longest + longest, end)
    yield { offset: at, length: stop - at }
    at = stop
  }
}
