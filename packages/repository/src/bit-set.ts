/** A set of whole numbers below `size`: a bit each, so that 50 million blobs take 6 MB. */
export class BitSet {
  readonly #words: Uint32Array

  constructor(size: number) {
    this.#words = new Uint32Array(Math.ceil(size / 32))
  }

  has(number: number): boolean {
    return ((this.#words[number >>> 5] ?? 0) & (1 << (number & 31))) !== 0
  }

  /** Whether it was not there before. */
  add(number: number): boolean {
    if (this.has(number)) return false
    const word = number >>> 5
    this.#words[word] = (this.#words[word] ?? 0) | (1 << (number & 31))
    return true
  }

  clear(): void {
    this.#words.fill(0)
  }
}
