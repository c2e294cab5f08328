import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openFileExport, openNbd, serveNbd } from '../src/index.ts'
import { only, patterned } from './memory-export.ts'

const SIZE = 3 * 1024 * 1024 + 1000
let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-nbd-file-'))
})
afterAll(() => rm(directory, { recursive: true }))

const serve = (disk: Awaited<ReturnType<typeof openFileExport>>) =>
  serveNbd({ listen: { path: join(directory, 'nbd.sock') }, exports: only('disk', disk) })

const range = fc
  .tuple(fc.nat(SIZE - 1), fc.integer({ min: 1, max: 400_000 }))
  .map(([offset, length]) => ({ offset, length: Math.min(length, SIZE - offset) }))
const step = fc.record({ range, byte: fc.nat(255) })

test('many reads and writes at once through the same few buffers never mix', async () => {
  const path = join(directory, 'disk.raw')
  const model = patterned(SIZE)
  await writeFile(path, model)
  await using disk = await openFileExport(path, { readOnly: false })
  await using server = await serve(disk)
  await using client = await openNbd({ address: server.address, exportName: 'disk' }, { connections: 3 })
  expect(client.connections).toBe(3)
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 6 }), fc.array(range, { maxLength: 20 }), async (writes, reads) => {
      for (const { range: at, byte } of writes) {
        model.fill(byte, at.offset, at.offset + at.length)
        await client.write(at.offset, Buffer.alloc(at.length, byte))
      }
      const found = await Promise.all(reads.map(({ offset, length }) => client.read(offset, length)))
      for (const [i, { offset, length }] of reads.entries()) {
        expect(Buffer.compare(found[i] ?? Buffer.alloc(0), model.subarray(offset, offset + length))).toBe(0)
      }
    }),
    { numRuns: 25 },
  )
  await client.flush()
  expect((await readFile(path)).equals(model)).toBe(true)
})

test('what only reads does not offer to write', async () => {
  const path = join(directory, 'frozen.raw')
  await writeFile(path, patterned(SIZE))
  await using disk = await openFileExport(path, { readOnly: true })
  await using server = await serve(disk)
  await using client = await openNbd({ address: server.address, exportName: 'disk' })
  await expect(client.write(0, new Uint8Array(512))).rejects.toThrow(expect.objectContaining({ code: 'NBD_REFUSED' }))
})

test('a file that became shorter is an error, never old bytes of a buffer', async () => {
  const path = join(directory, 'short.raw')
  await writeFile(path, patterned(SIZE))
  await using disk = await openFileExport(path, { readOnly: true })
  await using server = await serve(disk)
  await using client = await openNbd({ address: server.address, exportName: 'disk' })
  await client.read(0, 100_000)
  await truncate(path, 50_000)
  await expect(client.read(0, 100_000)).rejects.toThrow(expect.objectContaining({ code: 'NBD_IO', errno: 'EIO' }))
  expect(await client.read(0, 50_000)).toHaveLength(50_000)
})
