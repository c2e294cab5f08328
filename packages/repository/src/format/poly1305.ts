import { createRequire } from 'node:module'
import { poly1305 as pureJs } from '@noble/ciphers/_poly1305.js'

/** Computes a Poly1305 tag: 16 bytes, of any message, under a 32-byte one-time key (`r`, then the nonce that is added). */
export type Poly1305 = (key: Uint8Array, message: Uint8Array) => Uint8Array

/** The part of sodium-native used here; the package brings no types. */
interface Sodium {
  readonly crypto_onetimeauth_STATEBYTES: number
  crypto_onetimeauth(output: Uint8Array, message: Uint8Array, key: Uint8Array): void
  crypto_onetimeauth_init(state: Uint8Array, key: Uint8Array): void
  crypto_onetimeauth_update(state: Uint8Array, part: Uint8Array): void
  crypto_onetimeauth_final(state: Uint8Array, output: Uint8Array): void
}

/** A tag of a message that comes in parts. */
export interface Poly1305Parts {
  update(part: Uint8Array): void
  tag(): Uint8Array
}

/** Poly1305 of the machine when sodium-native is installed (about 3 GB/s), else in JavaScript (about 0.2 GB/s). */
export function poly1305(key: Uint8Array, message: Uint8Array): Uint8Array {
  implementation ??= native() ?? portable
  return implementation(key, message)
}

/** As `poly1305`, for a message that comes in parts. */
export function poly1305Parts(key: Uint8Array, sodium: Sodium | undefined = loadSodium()): Poly1305Parts {
  if (sodium === undefined) {
    const state = pureJs.create(clamped(key))
    return { update: (part) => void state.update(part), tag: () => state.digest() }
  }
  const state = Buffer.alloc(sodium.crypto_onetimeauth_STATEBYTES)
  sodium.crypto_onetimeauth_init(state, key)
  return {
    update: (part) => sodium.crypto_onetimeauth_update(state, part),
    tag() {
      const tag = new Uint8Array(16)
      sodium.crypto_onetimeauth_final(state, tag)
      return tag
    },
  }
}

let implementation: Poly1305 | undefined

/** Poly1305 in JavaScript: the fallback, and the reference in tests. */
export const portable: Poly1305 = (key, message) => pureJs(message, clamped(key))

/** Poly1305 by libsodium, which clamps on its own, or undefined where its addon cannot be loaded. */
export function native(): Poly1305 | undefined {
  const sodium = loadSodium()
  if (sodium === undefined) return undefined
  return (key, message) => {
    const tag = new Uint8Array(16)
    sodium.crypto_onetimeauth(tag, message, key)
    return tag
  }
}

function loadSodium(): Sodium | undefined {
  try {
    return createRequire(import.meta.url)('sodium-native') as Sodium
  } catch {
    return undefined // an optional dependency: absent on platforms without a prebuilt addon
  }
}

/** Clears the bits of `r` that Poly1305 ignores. Old programs store `r` masked, new ones do not. restic-format.md §3. */
function clamped(key: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(key)
  for (const at of [3, 7, 11, 15]) copy[at] = (copy[at] ?? 0) & 0x0f
  for (const at of [4, 8, 12]) copy[at] = (copy[at] ?? 0) & 0xfc
  return copy
}
