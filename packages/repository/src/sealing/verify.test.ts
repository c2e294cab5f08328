import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { memoryBackend } from '../backends/memory.ts'
import { verifyInParts } from '../check/large-pack.ts'
import { compress } from '../format/compression.ts'
import { Sealer } from '../format/crypto.ts'
import { packTrailer, type PackedBlob } from '../format/pack.ts'
import { idAt, ID_LENGTH, sha256, sha256Hex } from '../id.ts'
import { verifyPack, type VerifyReply } from './verify.ts'

const sealer = new Sealer({ encrypt: randomBytes(32), k: randomBytes(16), r: randomBytes(16) })

/** A pack of blobs with these numbers of bytes; every second one is stored raw. */
function packOf(sizes: readonly number[]): { bytes: Uint8Array; blobs: PackedBlob[] } {
  const parts: Uint8Array[] = []
  const blobs: PackedBlob[] = []
  let offset = 0
  for (const [i, size] of sizes.entries()) {
    const plain = Buffer.concat([randomBytes(size / 2), Buffer.alloc(size / 2, randomBytes(99))])
    const isRaw = i % 2 === 1
    const sealed = sealer.seal(isRaw ? plain : compress(plain, 1))
    const place = { offset, length: sealed.length, uncompressedLength: isRaw ? 0 : size }
    blobs.push({ type: i % 3 === 0 ? 'tree' : 'data', id: sha256(plain), ...place })
    parts.push(sealed)
    offset += sealed.length
  }
  parts.push(packTrailer(blobs, sealer))
  return { bytes: Buffer.concat(parts), blobs }
}

type Verify = (name: string, bytes: Uint8Array) => Promise<VerifyReply>

/** As a thread does it, and as it is done with packs that are too large for that. */
const ways: Readonly<Record<string, Verify>> = {
  whole: (name, pack) => verifyPack({ kind: 'verify', name, pack: Uint8Array.from(pack) }, sealer),
  'in parts': (name, pack) => {
    const backend = memoryBackend(new Map([[`data/${name.slice(0, 2)}/${name}`, pack]]))
    return verifyInParts({ backend, sealer }, name, pack.length, new AbortController().signal)
  },
}

/** The third is opened in parts in either way. */
const SIZES = [100, 1000, 9 << 20, 1 << 20, 6]

const idOf = ({ ids }: VerifyReply, blob: number): string => idAt(ids, blob * ID_LENGTH)

for (const [way, verify] of Object.entries(ways)) {
  test(`a sound pack that is verified ${way} has no problems, and tells what is where`, async () => {
    const { bytes, blobs } = packOf(SIZES)
    const reply = await verify(sha256Hex(bytes), bytes)
    expect([reply.problems, reply.damaged]).toEqual([[], []])
    expect(blobs.map((_, i) => idOf(reply, i))).toEqual(blobs.map(({ id }) => idAt(id)))
    expect(Array.from(reply.places)).toEqual(
      blobs.flatMap((blob) => [Number(blob.type === 'tree'), blob.offset, blob.length, blob.uncompressedLength]),
    )
  })

  test(`of a pack that is verified ${way} each damaged blob is named, and only it`, async () => {
    const { bytes, blobs } = packOf(SIZES)
    for (const [i, { offset, length, id }] of blobs.entries()) {
      const broken = Uint8Array.from(bytes)
      broken[offset + (length >> 1)] = (broken[offset + (length >> 1)] ?? 0) ^ 1
      const reply = await verify(sha256Hex(bytes), broken)
      expect(reply.problems).toEqual([expect.stringContaining('SHA-256')])
      expect(reply.damaged.map(({ blob }) => blob)).toEqual([i])
      expect(idOf(reply, i)).toBe(idAt(id))
    }
  })

  test(`a pack that is verified ${way} under a wrong name, or whose header is damaged, is told`, async () => {
    const { bytes } = packOf(SIZES)
    const broken = Uint8Array.from(bytes)
    broken[bytes.length - 20] = (broken[bytes.length - 20] ?? 0) ^ 1
    expect((await verify('a'.repeat(64), bytes)).problems).toEqual([expect.stringContaining('SHA-256')])
    const { problems, damaged } = await verify(sha256Hex(broken), broken)
    expect([problems, damaged]).toEqual([[expect.stringContaining('header')], []])
  })

  test(`a blob under a wrong ID is damaged in a pack that is verified ${way}, though its MAC is right`, async () => {
    const { bytes, blobs } = packOf(SIZES)
    for (const [i, blob] of blobs.entries()) {
      const renamed = blobs.with(i, { ...blob, id: randomBytes(ID_LENGTH) })
      const end = blobs.reduce((sum, { length }) => sum + length, 0)
      const pack = Buffer.concat([bytes.subarray(0, end), packTrailer(renamed, sealer)])
      const { problems, damaged } = await verify(sha256Hex(pack), pack)
      expect([problems, damaged]).toEqual([[], [{ blob: i, reason: expect.stringContaining('SHA-256') }]])
    }
  })
}
