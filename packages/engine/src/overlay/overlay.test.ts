import { access, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytes, extent, KiB } from '@tidemark/blocks'
import type { DiskImage } from '@tidemark/repository'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openOverlay, type WritableImage } from './overlay.ts'

const SIZE = 8 * 64 * KiB + 3 * KiB
const POINT = { point: 'f'.repeat(64), vdi: 'aaaa' }
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tm-overlay-'))
})
afterAll(() => rm(directory, { recursive: true }))

/** A restore point in memory. */
const imageOf = (disk: Uint8Array): DiskImage => ({
  size: bytes(disk.length),
  read: async (offset, length) => disk.slice(offset, offset + length),
  readInto: async (into, offset) => into.set(disk.subarray(offset, offset + into.length)),
  extents: (offset, length) => [{ ...extent(offset, length), zero: false }],
  stats: { loadedBytes: 0, servedBytes: 0 },
})

const original = Uint8Array.from({ length: SIZE }, (_, i) => 1 + (i % 251))
const whole = (image: WritableImage) => image.read(0, SIZE)

const range = fc
  .tuple(fc.nat(SIZE), fc.oneof(fc.nat(200), fc.nat(3 * 64 * KiB)))
  .map(([offset, length]) => ({ offset, length: Math.min(length, SIZE - offset) }))
const step = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), range, byte: fc.nat(255) }),
  fc.record({ kind: fc.constant('zero' as const), range, byte: fc.constant(0) }),
)

test('whatever is written, one after the other, is what is read; the point never changes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const model = Uint8Array.from(original)
      await using overlay = await openOverlay(imageOf(original), POINT)
      for (const { kind, range: at, byte } of steps) {
        model.fill(byte, at.offset, at.offset + at.length)
        if (kind === 'zero') await overlay.writeZeroes(at.offset, at.length)
        else await overlay.write(at.offset, Buffer.alloc(at.length, byte))
      }
      expect(Buffer.compare(await whole(overlay), model)).toBe(0)
    }),
    { numRuns: 60 },
  )
  expect(original[0]).toBe(1)
})

test('writes at once to different parts of the same blocks all arrive', async () => {
  await using overlay = await openOverlay(imageOf(original), POINT)
  const model = Uint8Array.from(original)
  await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      const offset = i * 2500
      model.fill(i, offset, offset + 2000)
      await overlay.write(offset, Buffer.alloc(2000, i))
    }),
  )
  expect(Buffer.compare(await whole(overlay), model)).toBe(0)
})

test('a kept overlay is there again after it was closed; zeros take no space in it', async () => {
  const path = join(directory, 'kept')
  const image = imageOf(original)
  {
    await using overlay = await openOverlay(image, POINT, path)
    await overlay.write(70_000, Buffer.from('kept'))
    await overlay.writeZeroes(4 * 64 * KiB, 2 * 64 * KiB)
  }
  await using again = await openOverlay(image, POINT, path)
  expect(Buffer.from(await again.read(70_000, 4)).toString()).toBe('kept')
  expect((await again.read(4 * 64 * KiB, 2 * 64 * KiB)).every((byte) => byte === 0)).toBe(true)
  expect(again.extents(4 * 64 * KiB, 64 * KiB)).toEqual([{ ...extent(4 * 64 * KiB, 64 * KiB), zero: true }])
  expect(await again.read(0, 100)).toEqual(original.slice(0, 100))
  expect((await stat(path)).size).toBe(2 * 64 * KiB)
})

test('what was flushed outlives a process that never closes', async () => {
  const path = join(directory, 'flushed')
  const lost = await openOverlay(imageOf(original), POINT, path)
  await lost.write(10, Buffer.from('saved'))
  await lost.flush()
  await lost.write(3 * 64 * KiB, Buffer.alloc(64 * KiB, 9)) // never flushed: it may be there or not
  await using again = await openOverlay(imageOf(original), POINT, path)
  expect(Buffer.from(await again.read(10, 5)).toString()).toBe('saved')
  expect(await again.read(3 * 64 * KiB, 10)).toEqual(original.slice(3 * 64 * KiB, 3 * 64 * KiB + 10))
  await lost[Symbol.asyncDispose]()
})

test('an overlay of another point or disk is refused, and so is a file that is none', async () => {
  const path = join(directory, 'other')
  await (await openOverlay(imageOf(original), POINT, path))[Symbol.asyncDispose]()
  const refused = { code: 'ENGINE_TARGET' }
  await expect(openOverlay(imageOf(original), { ...POINT, vdi: 'bbbb' }, path)).rejects.toMatchObject(refused)
  await expect(openOverlay(imageOf(original.slice(1)), POINT, path)).rejects.toMatchObject(refused)
  await rm(`${path}.map`)
  await expect(openOverlay(imageOf(original), POINT, path)).rejects.toMatchObject(refused)
  await access(path)
})
