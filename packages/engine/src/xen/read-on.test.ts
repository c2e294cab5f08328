import { bytes, type Extents } from '@tidemark/blocks'
import { expect, test } from 'vitest'
import type { Chunk } from '../pool.ts'
import { readOn, type BreakableReader } from './read-on.ts'

const BROKEN = new Error('broken')
const extents: Extents = [
  { offset: bytes(10), length: bytes(10) },
  { offset: bytes(30), length: bytes(5) },
]

/** A disk whose byte at n is n, read in pieces of 4; each way breaks after the next number of pieces. */
function breaking(pieces: number[], error: Error = BROKEN) {
  let mended = 0
  const reader: BreakableReader = {
    async *read(some) {
      let left = pieces.shift() ?? Infinity
      for (const { offset, length } of some) {
        for (let at: number = offset; at < offset + length; at += 4) {
          if (left-- === 0) throw error
          const size = Math.min(4, offset + length - at)
          yield { offset: at, data: Uint8Array.from({ length: size }, (_, i) => at + i) }
        }
      }
    },
    isBroken: (seen) => seen === BROKEN,
    mend: async () => void mended++,
  }
  return { reader, mended: () => mended }
}

async function read(reader: BreakableReader): Promise<number[]> {
  const all: number[] = []
  for await (const { data } of readOn(reader, extents, undefined) as AsyncIterable<Chunk>) {
    if (data !== 'zero') all.push(...data)
  }
  return all
}

const whole = [10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 30, 31, 32, 33, 34]

test.each([[[]], [[0]], [[1]], [[2, 0, 1]], [[3]], [[4]], [[1, 1, 1, 1]], [[0, 0, 0]]])(
  'wherever the way breaks (%j), every byte comes once and in order',
  async (pieces) => {
    const { reader, mended } = breaking([...pieces])
    expect(await read(reader)).toEqual(whole)
    expect(mended()).toBe(pieces.length)
  },
)

test('a way that breaks again and again without bringing anything ends it', async () => {
  const { reader } = breaking([1, 0, 0, 0, 0])
  await expect(read(reader)).rejects.toBe(BROKEN)
})

test('what is wrong with the disk itself, or only known after the last byte, is not tried again', async () => {
  const wrong = new Error('I/O error')
  const { reader, mended } = breaking([1], wrong)
  await expect(read(reader)).rejects.toBe(wrong)
  const late: BreakableReader = {
    ...reader,
    async *read(some) {
      for (const { offset, length } of some) yield { offset, length, data: 'zero' }
      throw BROKEN
    },
  }
  await expect(read(late)).rejects.toBe(BROKEN)
  expect(mended()).toBe(0)
})
