import { release } from '../garbage.ts'
import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  randomBytes,
  timingSafeEqual,
  type Cipheriv,
  type KeyObject,
} from 'node:crypto'
import { poly1305, poly1305Parts } from './poly1305.ts'

/** The keys of a repository, or those derived from a password. restic-format.md §2. */
export interface MasterKey {
  /** AES-256 key, 32 bytes. */
  readonly encrypt: Uint8Array
  /** AES-128 key of the MAC's nonce, 16 bytes. */
  readonly k: Uint8Array
  /** First half of the Poly1305 key, 16 bytes. */
  readonly r: Uint8Array
}

export const IV_LENGTH = 16
export const MAC_LENGTH = 16

/** A sealed message is this much longer than what is in it: IV before, MAC after. */
export const SEAL_OVERHEAD = IV_LENGTH + MAC_LENGTH

/** IVs drawn and their nonces encrypted at once: two calls into OpenSSL per 256 messages instead of per message. */
const IV_BATCH = 256

/** Seals and opens messages under one key: `IV || AES-256-CTR || Poly1305 of the ciphertext`. restic-format.md §3. */
export class Sealer {
  /** A key object: Node takes 10 µs a message to look at raw bytes. */
  readonly #encrypt: KeyObject
  readonly #macKey = new Uint8Array(32)
  readonly #nonces: Cipheriv
  readonly #random: (length: number) => Uint8Array
  #ivs = new Uint8Array(0)
  #pads = new Uint8Array(0)
  #next = 0

  /** @param random draws IVs; tests give their own */
  constructor(key: MasterKey, random: (length: number) => Uint8Array = randomBytes) {
    this.#encrypt = createSecretKey(key.encrypt)
    this.#random = random
    this.#macKey.set(key.r)
    this.#nonces = createCipheriv('aes-128-ecb', key.k, null).setAutoPadding(false)
  }

  /** Writes the sealed form of `plain`, `plain.length + 32` bytes, to `target` at `offset`; returns that length. */
  sealInto(plain: Uint8Array, target: Uint8Array, offset: number): number {
    const { iv, pad } = this.#draw()
    const ciphertext = createCipheriv('aes-256-ctr', this.#encrypt, iv).update(plain)
    target.set(iv, offset)
    target.set(ciphertext, offset + IV_LENGTH)
    target.set(this.#mac(pad, ciphertext), offset + IV_LENGTH + ciphertext.length)
    release(ciphertext)
    return plain.length + SEAL_OVERHEAD
  }

  seal(plain: Uint8Array): Uint8Array {
    const sealed = new Uint8Array(plain.length + SEAL_OVERHEAD)
    this.sealInto(plain, sealed, 0)
    return sealed
  }

  /** The plain bytes, or undefined when the message is too short or its MAC does not verify. */
  open(sealed: Uint8Array): Uint8Array | undefined {
    if (sealed.length < SEAL_OVERHEAD) return undefined
    const iv = sealed.subarray(0, IV_LENGTH)
    if (isZero(iv)) return undefined
    const ciphertext = sealed.subarray(IV_LENGTH, sealed.length - MAC_LENGTH)
    const mac = this.#mac(this.#nonces.update(iv), ciphertext)
    if (!timingSafeEqual(mac, sealed.subarray(sealed.length - MAC_LENGTH))) return undefined
    return createDecipheriv('aes-256-ctr', this.#encrypt, iv).update(ciphertext)
  }

  /** Seals a message that comes in parts: `iv`, what `update` gives for each, and `mac()` at the end are its sealed form. */
  sealParts(): { readonly iv: Uint8Array; update(plain: Uint8Array): Uint8Array; mac(): Uint8Array } {
    const { iv, pad } = this.#draw()
    const cipher = createCipheriv('aes-256-ctr', this.#encrypt, iv)
    const tag = poly1305Parts(this.#macKeyOf(pad))
    const update = (plain: Uint8Array) => {
      const ciphertext = cipher.update(plain)
      tag.update(ciphertext)
      return ciphertext
    }
    return { iv, update, mac: () => tag.tag() }
  }

  /** Opens a message that comes in parts. Nothing that `update` gives may be believed before `verify` has answered true. */
  openParts(iv: Uint8Array): { update(ciphertext: Uint8Array): Uint8Array; verify(mac: Uint8Array): boolean } {
    const decipher = createDecipheriv('aes-256-ctr', this.#encrypt, iv)
    const tag = poly1305Parts(this.#macKeyOf(this.#nonces.update(iv)))
    const update = (ciphertext: Uint8Array) => {
      tag.update(ciphertext)
      return decipher.update(ciphertext)
    }
    return { update, verify: (mac) => !isZero(iv) && mac.length === MAC_LENGTH && timingSafeEqual(tag.tag(), mac) }
  }

  #macKeyOf(pad: Uint8Array): Uint8Array {
    const key = Uint8Array.from(this.#macKey)
    key.set(pad, 16)
    return key
  }

  #mac(pad: Uint8Array, ciphertext: Uint8Array): Uint8Array {
    this.#macKey.set(pad, 16)
    return poly1305(this.#macKey, ciphertext)
  }

  #draw(): { iv: Uint8Array; pad: Uint8Array } {
    for (;;) {
      if (this.#next >= this.#ivs.length) {
        this.#ivs = Uint8Array.from(this.#random(IV_BATCH * IV_LENGTH))
        this.#pads = Uint8Array.from(this.#nonces.update(this.#ivs))
        this.#next = 0
      }
      const at = this.#next
      this.#next += IV_LENGTH
      const iv = this.#ivs.subarray(at, at + IV_LENGTH)
      if (!isZero(iv)) return { iv, pad: this.#pads.subarray(at, at + IV_LENGTH) }
    }
  }
}

/** A key with a part of only zeros comes from a broken program. */
export const isUsable = ({ encrypt, k, r }: MasterKey): boolean =>
  encrypt.length === 32 && k.length === 16 && r.length === 16 && ![encrypt, k, r].some(isZero)

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0)
