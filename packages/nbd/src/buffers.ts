/** Room before the payload of a pooled buffer, in bytes: the longest head of a reply, and the payload on an even address. */
export const HEAD_ROOM = 32

const PAYLOAD_BYTES_MIN = 4096

/**
 * Buffers that are used again. A fresh buffer costs a page fault for every 4 KiB of it, which is more than reading the
 * bytes into it from the page cache does.
 */
export class BufferPool {
  readonly #free = new Map<number, Uint8Array[]>()
  readonly #bytesMax: number
  #bytes = 0

  /** @param bytesMax of the buffers that are kept while nobody uses them */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** A buffer with room for `HEAD_ROOM` bytes and `length` behind them. It holds what its last user left there. */
  take(length: number): Uint8Array {
    const size = sizeFor(length)
    const known = this.#free.get(size)?.pop()
    if (known === undefined) return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer)
    this.#bytes -= size
    return known
  }

  /** Takes a buffer back that nobody reads or writes any more. */
  give(buffer: Uint8Array): void {
    if (this.#bytes + buffer.length > this.#bytesMax) return
    this.#bytes += buffer.length
    const alike = this.#free.get(buffer.length)
    if (alike === undefined) this.#free.set(buffer.length, [buffer])
    else alike.push(buffer)
  }
}

/** Powers of two, so that buffers fit requests of similar length. */
const sizeFor = (length: number): number => HEAD_ROOM + 2 ** Math.ceil(Math.log2(Math.max(length, PAYLOAD_BYTES_MIN)))
