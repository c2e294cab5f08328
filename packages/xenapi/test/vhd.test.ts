import { createReadStream } from 'node:fs'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readVhd, VHD_BLOCK, writeVhd } from '../src/vhd/index.ts'
import { program } from './programs.ts'

const MiB = 1024 * 1024
let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-vhd-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** A disk with a pattern in some blocks, zeros elsewhere. */
function disk(size: number, blocks: readonly number[]): Buffer {
  const bytes = Buffer.alloc(size)
  for (const block of blocks) {
    const end = Math.min(size, (block + 1) * VHD_BLOCK)
    for (let at = block * VHD_BLOCK; at + 4 <= end; at += 4) bytes.writeUInt32BE((at * 2_654_435_761) % 2 ** 32, at)
  }
  return bytes
}

// Sizes that are no whole number of cylinders: an image of unknown origin would be cut to its geometry.
test.each([
  [5 * MiB + 512, [0, 2]],
  [64 * MiB, [1, 7, 31]],
  [100 * MiB + 3 * 512, [0, 49, 50]],
])('qemu reads what we write: %d bytes', async (size, blocks) => {
  const content = disk(size, blocks)
  const [vhd, image] = [join(directory, 'ours.vhd'), join(directory, 'ours.raw')]
  const { body, length } = writeVhd({
    size,
    blocks,
    read: async (block) => content.subarray(block * VHD_BLOCK, (block + 1) * VHD_BLOCK),
  })
  await writeFile(vhd, body)
  await using file = await open(vhd)
  expect((await file.stat()).size).toBe(length)
  const info = JSON.parse(await program('qemu-img', ['info', '--output=json', '-f', 'vpc', vhd])) as Record<
    string,
    unknown
  >
  expect(info).toMatchObject({ format: 'vpc', 'virtual-size': size })
  await program('qemu-img', ['convert', '-f', 'vpc', '-O', 'raw', vhd, image])
  expect((await readFile(image)).equals(content)).toBe(true)
})

test.each([
  [5 * MiB + 512, [0, 2]],
  [40 * MiB, [3, 4, 19]],
])('we read what qemu writes: %d bytes', async (size, blocks) => {
  const content = disk(size, blocks)
  const [vhd, image] = [join(directory, 'theirs.vhd'), join(directory, 'theirs.raw')]
  await writeFile(image, content)
  await program('qemu-img', ['convert', '-f', 'raw', '-O', 'vpc', '-o', 'subformat=dynamic,force_size=on', image, vhd])
  const reader = await readVhd(createReadStream(vhd))
  expect(reader.size).toBe(size)
  const found = Buffer.alloc(size)
  for await (const { offset, data } of reader.blocks()) found.set(data, offset)
  expect(found.equals(content)).toBe(true)
  expect(reader.allocated.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(size)
})
