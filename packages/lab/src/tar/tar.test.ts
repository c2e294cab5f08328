import fc from 'fast-check'
import { expect, test } from 'vitest'
import { pieces, StreamCut } from '../streams/pieces.ts'
import { decodeTarHeader, encodeTarHeader } from './header.ts'
import { nextFile, TarDamaged } from './read.ts'
import { TAR_END, tarFile } from './write.ts'

async function* cut(data: Uint8Array, step: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += step) yield data.subarray(at, at + step)
}

const archive = (...files: readonly [string, string][]): Buffer =>
  Buffer.concat([...files.flatMap(([name, text]) => [...tarFile(name, Buffer.from(text))]), TAR_END])

test('a header has the layout of ustar', () => {
  const header = encodeTarHeader({ name: 'Ref:4/00000000', size: 1_048_576, mtime: 1 })
  expect(header.length).toBe(512)
  expect(header.toString('latin1', 0, 14)).toBe('Ref:4/00000000')
  expect(header.toString('latin1', 124, 136)).toBe('00004000000\0')
  expect(header.toString('latin1', 257, 265)).toBe('ustar\x0000')
  expect(decodeTarHeader(header)).toEqual({ name: 'Ref:4/00000000', size: 1_048_576, type: '0' })
})

test('files are read as they were written, however the stream is cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ maxLength: 2000 })),
      fc.integer({ min: 1, max: 3000 }),
      async (texts, step) => {
        const input = pieces(
          cut(archive(...texts.map((text, index): [string, string] => [`file-${index}`, text])), step),
        )
        for (const [index, text] of texts.entries()) {
          const { name, data } = await nextFile(input, 10_000)
          expect([name, Buffer.from(data).toString()]).toEqual([`file-${index}`, text])
        }
        await expect(nextFile(input, 10_000)).rejects.toThrow(StreamCut)
      },
    ),
    { numRuns: 50 },
  )
})

test('a file that is too large, a cut one and a damaged header are refused before anything is allocated', async () => {
  const whole = archive(['a', 'text'])
  await expect(nextFile(pieces(cut(whole, 100)), 3)).rejects.toThrow(TarDamaged)
  await expect(nextFile(pieces(cut(whole.subarray(0, 600), 100)), 10)).rejects.toThrow(StreamCut)
  whole[0] = 98
  await expect(nextFile(pieces(cut(whole, 100)), 10)).rejects.toThrow(TarDamaged)
})

test('bytes at random are a damaged archive or a cut one', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 2048 }), async (bytes) => {
      const outcome = await nextFile(pieces(cut(bytes, 512)), 1000).catch((error: unknown) => error)
      expect(outcome instanceof TarDamaged || outcome instanceof StreamCut).toBe(true)
    }),
  )
})
