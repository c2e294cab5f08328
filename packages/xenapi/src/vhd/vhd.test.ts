import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dynamicHeader, footer, geometryOf, VHD_BLOCK } from './format.ts'
import { readVhd } from './read.ts'
import { writeVhd } from './write.ts'

const MiB = 1024 * 1024

async function joined(stream: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function* cutAt(bytes: Uint8Array, ...places: number[]): AsyncGenerator<Uint8Array> {
  let from = 0
  for (const to of [...places, bytes.length]) {
    yield bytes.subarray(from, to)
    from = to
  }
}

const blockOf = (size: number) => async (block: number) =>
  new Uint8Array(Math.min(VHD_BLOCK, size - block * VHD_BLOCK)).fill(block + 1)

const stream = (size: number, blocks: readonly number[]) => writeVhd({ size, blocks, read: blockOf(size) })

test('footer and header have the sizes of the specification', () => {
  expect([footer.size, dynamicHeader.size]).toEqual([512, 1024])
  expect([footer.offsets.checksum, dynamicHeader.offsets.checksum]).toEqual([64, 36])
})

test('the length is known before the stream is made', async () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4_000_000 }),
      fc.uniqueArray(fc.nat(50), { maxLength: 5 }),
      (sectors, picks) => {
        const size = sectors * 512
        const last = Math.ceil(size / VHD_BLOCK)
        const blocks = [...new Set(picks.map((pick) => pick % last))].sort((a, b) => a - b)
        const tableLength = Math.ceil((last * 4) / 512) * 512
        expect(stream(size, blocks).length).toBe(512 + 1024 + tableLength + blocks.length * (512 + VHD_BLOCK) + 512)
      },
    ),
  )
  const { length, body } = stream(7 * MiB, [0, 3])
  expect((await joined(body)).length).toBe(length)
})

test('what was written is read back, however the stream is cut', async () => {
  const size = 7 * MiB + 512
  const bytes = await joined(stream(size, [1, 3]).body)
  for (const places of [[], [1], [511, 513], [1535, 1536, 1537], [2048, 2048, 2100], [bytes.length - 1]]) {
    const vhd = await readVhd(cutAt(bytes, ...places))
    expect(vhd).toMatchObject({ size, kind: 'dynamic', blockSize: VHD_BLOCK, isAscending: true })
    expect(vhd.allocated).toEqual([
      { offset: 2 * MiB, length: 2 * MiB },
      { offset: 6 * MiB, length: MiB + 512 },
    ])
    const chunks: { offset: number; length: number; first: number | undefined }[] = []
    for await (const { offset, data } of vhd.blocks()) chunks.push({ offset, length: data.length, first: data[0] })
    expect(chunks).toEqual([
      { offset: 2 * MiB, length: 2 * MiB, first: 2 },
      { offset: 6 * MiB, length: MiB + 512, first: 4 },
    ])
  }
})

test('neighbouring blocks are one allocated range', async () => {
  const { allocated } = await readVhd(stream(8 * MiB, [0, 1, 3]).body)
  expect(allocated).toEqual([
    { offset: 0, length: 4 * MiB },
    { offset: 6 * MiB, length: 2 * MiB },
  ])
})

test('only marked sectors of a block arrive', async () => {
  const bytes = await joined(stream(2 * MiB, [0]).body)
  const bitmapAt = 512 + 1024 + 512
  bytes.fill(0, bitmapAt, bitmapAt + 512)
  bytes[bitmapAt] = 0b0110_0000
  bytes[bitmapAt + 511] = 0b0000_0001
  const found: (readonly [number, number])[] = []
  for await (const { offset, data } of (await readVhd(cutAt(bytes))).blocks()) found.push([offset, data.length])
  expect(found).toEqual([
    [512, 1024],
    [2 * MiB - 512, 512],
  ])
})

test('an empty disk is a stream without blocks', async () => {
  const vhd = await readVhd(stream(10 * MiB, []).body)
  expect(vhd.allocated).toEqual([])
  expect(await vhd.blocks().next()).toEqual({ done: true, value: undefined })
})

test('a stream that was cut anywhere is an error, never a shorter disk', async () => {
  const bytes = await joined(stream(4 * MiB, [0, 1]).body)
  const everything = async (length: number) => {
    for await (const _ of (await readVhd(cutAt(bytes.subarray(0, length)))).blocks()) void _
  }
  for (const length of [
    0,
    100,
    512,
    1000,
    1536,
    1600,
    2048,
    3000,
    2 * MiB,
    bytes.length - 513,
    bytes.length - 512,
    bytes.length - 1,
  ]) {
    await expect(everything(length), `cut at ${length}`).rejects.toMatchObject({ code: 'XENAPI_PROTOCOL' })
  }
  await everything(bytes.length)
})

test.each([
  ['the cookie', 0],
  ['the size', 50],
  ['the header', 512 + 30],
  ['the header cookie', 512],
])('a flipped bit in %s is noticed', async (_, at) => {
  const bytes = await joined(stream(4 * MiB, [0]).body)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  await expect(readVhd(cutAt(bytes))).rejects.toMatchObject({ code: 'XENAPI_PROTOCOL' })
})

test('leaving the blocks early closes the stream', async () => {
  let isClosed = false
  const { body } = stream(8 * MiB, [0, 1, 2])
  async function* watched() {
    try {
      yield* body
    } finally {
      isClosed = true
    }
  }
  for await (const _ of (await readVhd(watched())).blocks()) break
  expect(isClosed).toBe(true)
})

test.each([
  [{ size: 1000, blocks: [] }],
  [{ size: 0, blocks: [] }],
  [{ size: 2041 * 1024 ** 3, blocks: [] }],
  [{ size: 4 * MiB, blocks: [2] }],
  [{ size: 4 * MiB, blocks: [1, 0] }],
  [{ size: 4 * MiB, blocks: [0, 0] }],
])('%j is no VHD', ({ size, blocks }) => {
  expect(() => stream(size, blocks)).toThrow(expect.objectContaining({ code: 'XENAPI_PROTOCOL' }))
})

test('a block of the wrong length breaks the stream', async () => {
  const { body } = writeVhd({ size: 4 * MiB, blocks: [0], read: async () => new Uint8Array(5) })
  await expect(joined(body)).rejects.toThrow('has 2097152 bytes, but 5 came')
})

test('the geometry holds at least as many sectors as fit its steps, and never more than the disk', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2048, max: 2 ** 32 }), (sectors) => {
      const { cylinders, heads, sectorsPerTrack } = geometryOf(sectors * 512)
      expect(cylinders).toBeLessThanOrEqual(65_535)
      expect(heads).toBeLessThanOrEqual(16)
      expect(cylinders * heads * sectorsPerTrack).toBeLessThanOrEqual(sectors)
    }),
  )
})
