import { createCipheriv } from 'node:crypto'
import { encodeIndex } from '../../src/format/index-file.ts'
import type { Sealer } from '../../src/format/crypto.ts'
import { saveUnpacked } from '../../src/unpacked.ts'
import type { Backend } from '../../src/backends/backend.ts'

/** Blobs of one pack. */
const PACK_BLOBS = 250

/** IDs that look like hashes, the same for the same number: 32 bytes each. */
export function syntheticIds(from: number, count: number): Buffer {
  const start = Buffer.alloc(16)
  start.writeBigUInt64BE(BigInt(from) * 2n, 8)
  return createCipheriv('aes-128-ctr', Buffer.alloc(16, 7), start).update(Buffer.alloc(count * 32))
}

/** The JSON of an index of blobs that do not exist, as restic and we write it. */
export function syntheticIndex(from: number, count: number, plain = 65_536): Uint8Array {
  const ids = syntheticIds(from, count).toString('hex')
  const packs: string[] = []
  for (let first = 0; first < count; first += PACK_BLOBS) {
    const pack = syntheticIds(2 ** 40 + from + first, 1).toString('hex')
    const blobs: string[] = []
    for (let i = first; i < Math.min(first + PACK_BLOBS, count); i++) {
      const offset = (i - first) * 40_000
      blobs.push(
        `{"id":"${ids.slice(i * 64, i * 64 + 64)}","type":"data","offset":${offset},"length":40000,"uncompressed_length":${plain}}`,
      )
    }
    packs.push(`{"id":"${pack}","blobs":[${blobs.join(',')}]}`)
  }
  return encodeIndex(packs)
}

/** Puts such an index file into a repository; returns its name. @param plain size of each blob */
export const saveSyntheticIndex = (
  backend: Backend,
  sealer: Sealer,
  from: number,
  count: number,
  plain?: number,
): Promise<string> => saveUnpacked(backend, sealer, 'index', syntheticIndex(from, count, plain))
