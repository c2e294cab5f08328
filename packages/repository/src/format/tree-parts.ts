import { ID_LENGTH } from '../id.ts'
import { CONTENT_START, decodeNodes, type TreeNode } from './tree.ts'

/** An ID in a list with what follows it: 64 digits, quote, then comma and quote, or the end. */
const ID_DIGITS = ID_LENGTH * 2
const QUOTE = 0x22
const COMMA = 0x2c
const END = 0x5d

/** Values of hex digits; 255 for anything else. */
const DIGITS = Uint8Array.from({ length: 256 }, (_, code) => {
  const value = '0123456789abcdef'.indexOf(String.fromCodePoint(code))
  return value < 0 ? 255 : value
})

/** Reads a tree that comes in parts: lists become packed IDs at once, so that only those are in memory. */
export class TreeDecoder {
  /** Everything but the lists. */
  readonly #skeleton: Buffer[] = []
  readonly #contents: Uint8Array[] = []
  readonly #idsMax: number
  #carry: Buffer = Buffer.alloc(0)
  /** The list that is being read. */
  #list: Uint8Array | undefined
  #count = 0
  #isUsual = true

  /** @param length bytes of the whole tree */
  constructor(length: number) {
    this.#idsMax = Math.ceil(length / (ID_DIGITS + 3))
  }

  /** @returns false once a list is not in the form that Go and we write: the tree must be read as a whole then */
  push(part: Uint8Array): boolean {
    const bytes = Buffer.from(part.buffer, part.byteOffset, part.length)
    let data = this.#carry.length === 0 ? bytes : Buffer.concat([this.#carry, bytes])
    for (let next = this.#step(data); next !== undefined && this.#isUsual; next = this.#step(data)) data = next
    return this.#isUsual
  }

  /** @throws Error when it is no tree */
  finish(): TreeNode[] {
    if (this.#list !== undefined) throw new Error('it ends in a list')
    const skeleton = Buffer.concat([...this.#skeleton, this.#carry]).toString()
    return decodeNodes(skeleton, this.#contents)
  }

  /** Takes what it can from `data`; returns the rest when there is more to do, or keeps it for the next part. */
  #step(data: Buffer): Buffer | undefined {
    return this.#list === undefined ? this.#text(data) : this.#ids(data, this.#list)
  }

  #text(data: Buffer): Buffer | undefined {
    const found = data.indexOf(CONTENT_START)
    if (found < 0) {
      const kept = Math.min(data.length, CONTENT_START.length - 1)
      this.#skeleton.push(Buffer.from(data.subarray(0, data.length - kept)))
      this.#carry = Buffer.from(data.subarray(data.length - kept))
      return undefined
    }
    const start = found + CONTENT_START.length
    this.#skeleton.push(Buffer.from(data.subarray(0, start - 2)), Buffer.from(String(this.#contents.length)))
    this.#list = new Uint8Array(this.#idsMax * ID_LENGTH) // pages that are never touched cost nothing
    this.#count = 0
    return data.subarray(start)
  }

  #ids(data: Buffer, list: Uint8Array): Buffer | undefined {
    let at = 0
    for (; data.length - at > ID_DIGITS + 2; at += ID_DIGITS + 3) {
      const follows = data[at + ID_DIGITS + 1]
      if (!this.#id(data, at, list) || data[at + ID_DIGITS] !== QUOTE) return this.#giveUp()
      if (follows === END) {
        this.#contents.push(list.subarray(0, this.#count * ID_LENGTH))
        this.#list = undefined
        return data.subarray(at + ID_DIGITS + 2)
      }
      if (follows !== COMMA || data[at + ID_DIGITS + 2] !== QUOTE) return this.#giveUp()
    }
    this.#carry = Buffer.from(data.subarray(at))
    return undefined
  }

  #id(data: Buffer, at: number, list: Uint8Array): boolean {
    const to = this.#count++ * ID_LENGTH
    let all = 0
    for (let i = 0; i < ID_LENGTH; i++) {
      const high = DIGITS[data[at + i * 2] ?? 0] ?? 255
      const low = DIGITS[data[at + i * 2 + 1] ?? 0] ?? 255
      all |= high | low
      list[to + i] = (high << 4) | low
    }
    return all < 16
  }

  #giveUp(): undefined {
    this.#isUsual = false
  }
}
