import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Sealer, type MasterKey } from './crypto.ts'
import { keyOfPassword } from './kdf.ts'
import { native, portable } from './poly1305.ts'

const range = (from: number, length: number) => Uint8Array.from({ length }, (_, i) => from + i)
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

/** restic-format.md §16. */
const key: MasterKey = { encrypt: range(0, 32), k: range(0x20, 16), r: range(0x30, 16) }
const iv = range(0x40, 16)
const fixedIv = (length: number) => Uint8Array.from({ length }, (_, i) => 0x40 + (i % 16))

test('"hello" seals to the bytes of the vector', () => {
  const sealed = new Sealer(key, fixedIv).seal(Buffer.from('hello'))
  expect(hex(sealed)).toBe(`${hex(iv)}cb1bb353f860255c12bd4898af19d6fd7f7a8197f3`)
})

test('the MAC of the empty message is the encrypted IV', () => {
  expect(hex(new Sealer(key, fixedIv).seal(new Uint8Array()).subarray(16))).toBe('859469c07743c7e45b318d151d3d87e9')
})

test('scrypt derives the keys of the vector', async () => {
  const derived = await keyOfPassword('pässword', range(0x80, 64), { N: 1024, r: 8, p: 1 })
  expect(hex(derived.encrypt)).toBe('05f85781023852f93a17bd39bd062f5e9ade3656299c3a644ab3b6a95775ce9e')
  expect(hex(derived.k)).toBe('5358f744d05d75258a7079bfd12437de')
  expect(hex(derived.r)).toBe('e6bc7afa7de3e630910c28730e3722ff')
})

test('a message opens to what was sealed, and no bit of it may differ', () => {
  const sealer = new Sealer(key)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(), (plain, at) => {
      const sealed = sealer.seal(plain)
      expect(sealer.open(sealed)).toEqual(Buffer.from(plain))
      const bit = at % (sealed.length * 8)
      sealed[bit >> 3] = (sealed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(sealer.open(sealed)).toBeUndefined()
    }),
  )
})

test('every message has an IV of its own', () => {
  const sealer = new Sealer(key)
  const ivs = new Set(Array.from({ length: 1000 }, () => hex(sealer.seal(new Uint8Array(1)).subarray(0, 16))))
  expect(ivs.size).toBe(1000)
})

test('an IV of zeros and a message too short for a MAC are refused', () => {
  expect(new Sealer(key).open(new Uint8Array(40))).toBeUndefined()
  expect(new Sealer(key).open(range(1, 31))).toBeUndefined()
})

test('Poly1305 of libsodium and of JavaScript agree, whether or not r is masked', () => {
  const fast = native()
  if (fast === undefined) throw new Error('sodium-native is not installed: npm ci brings it')
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ maxLength: 200 }), (mac, message) => {
      expect(hex(fast(mac, message))).toBe(hex(portable(mac, message)))
    }),
  )
})
