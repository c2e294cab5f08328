import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { OpenFile } from '../src/backends/file-system.ts'
import { localBackend } from '../src/index.ts'
import { PowerCutFileSystem } from './support/power-cut.ts'
import { seededRandom } from './support/random.ts'
import { countCalls, countSteps, crashAt, cutAt, operations, prepare, type OperationName } from './support/crash.ts'

const names = Object.keys(operations) as OperationName[]

test.each(names)(
  'a %s that is killed at some call leaves all points whole, and the next run heals the rest',
  async (name) => {
    const before = await prepare(1)
    const calls = await countCalls(name, before)
    expect(calls).toBeGreaterThan(15)
    for (let n = 2; n <= calls; n += 7) await crashAt(name, before, n, n % 2 === 0 ? 'before' : 'after') // all of them: npm run crash
  },
)

const cuts = ['nothing unsynced', 'some unsynced', 'process'] as const

test.each(names)(
  'a %s whose machine loses power at some step of the file system leaves all points whole',
  async (name) => {
    const before = await prepare(2)
    const steps = await countSteps(name, before)
    expect(steps).toBeGreaterThan(10)
    for (let step = 3; step <= steps; step += 29) {
      const moment = step % 2 === 0 ? 'before' : 'after'
      await cutAt(name, before, { step, moment, cut: cuts[step % 3] ?? 'process' }) // all of them: npm run crash
    }
  },
)

/** Says that it syncs, and does not. */
class LazyFileSystem extends PowerCutFileSystem {
  override async open(path: string, flags: number, mode?: number): Promise<OpenFile> {
    const file = await super.open(path, flags, mode)
    return { ...file, sync: async () => {}, [Symbol.asyncDispose]: () => file.close() }
  }
}

test('a save that syncs nothing would be found out', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-unsynced-'))
  try {
    const fs = new LazyFileSystem(Infinity, 'before')
    const backend = localBackend(directory, fs)
    await backend.create()
    await backend.save({ type: 'data', name: 'ab'.repeat(32) }, new Uint8Array(100))
    expect(await fs.left(directory, 'nothing unsynced', seededRandom(1))).toEqual(new Map())
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})
