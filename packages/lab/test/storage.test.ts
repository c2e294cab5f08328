import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytes, CBT_BLOCK } from '@tidemark/blocks'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openStorage, type Storage } from '../src/storage/index.ts'
import { expectSame, Model } from './storage-model.ts'

/** Which disk, and three numbers that each command reads in its own way. */
const command = fc.record({
  what: fc.constantFrom(
    ...(['write', 'write', 'write', 'blocks', 'blocks', 'zeroes', 'trim', 'snapshot', 'snapshot', 'clone'] as const),
    ...([
      'destroy',
      'destroy',
      'dataDestroy',
      'resize',
      'enable',
      'enable',
      'disable',
      'break',
      'create',
      'reopen',
    ] as const),
  ),
  disk: fc.nat(31),
  offset: fc.nat(11 * CBT_BLOCK),
  length: fc.nat(3 * CBT_BLOCK),
  fill: fc.nat(3),
})
type Command = typeof command extends fc.Arbitrary<infer Value> ? Value : never

test(
  'whatever is done to disks, contents and changed blocks are those of a simple model',
  { timeout: 120_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 60, size: 'max' }), async (commands) => {
        await withDirectory(async (directory) => {
          const model = new Model()
          let storage = await openStorage({ directory, openFiles: 8 })
          try {
            await storage.create('disk0', bytes(5 * CBT_BLOCK + 1234))
            model.create('disk0', 5 * CBT_BLOCK + 1234)
            for (const [step, each] of commands.entries()) {
              await apply(storage, model, each, `disk${step + 1}`)
              if (each.what !== 'reopen') continue
              await storage[Symbol.asyncDispose]()
              storage = await openStorage({ directory, openFiles: 8 })
              await expectSame(storage, model)
            }
            await expectSame(storage, model)
            await storage.settled()
            await expectSame(storage, model)
          } finally {
            await storage[Symbol.asyncDispose]()
          }
        })
      }),
      { numRuns: 150 },
    )
  },
)

/** Does the same to both; what the disk's kind forbids must be refused. */
async function apply(storage: Storage, model: Model, step: Command, fresh: string): Promise<void> {
  const ids = [...model.disks.keys()]
  const id = ids[step.disk % ids.length]
  if (id === undefined || step.what === 'create') {
    model.create(fresh, 1 + step.offset)
    return storage.create(fresh, bytes(1 + step.offset))
  }
  const { kind, content, history } = model.disk(id)
  const whole = step.what === 'blocks'
  const offset = whole
    ? Math.floor((step.offset % content.length) / CBT_BLOCK) * CBT_BLOCK
    : step.offset % content.length
  const wanted = whole ? Math.ceil((step.length + 1) / CBT_BLOCK) * CBT_BLOCK : step.length
  const length = Math.min(wanted, content.length - offset)
  const frozen = { code: 'LAB_STORAGE_FROZEN' }
  switch (step.what) {
    case 'write':
    case 'blocks': {
      const data = Buffer.alloc(length, step.fill)
      if (kind !== 'writable') return expect(storage.write(id, offset, data)).rejects.toMatchObject(frozen)
      model.write(id, offset, data)
      return storage.write(id, offset, data)
    }
    case 'zeroes':
      if (kind !== 'writable') return expect(storage.writeZeroes(id, offset, length)).rejects.toMatchObject(frozen)
      model.write(id, offset, Buffer.alloc(length))
      return storage.writeZeroes(id, offset, length)
    case 'trim':
      if (kind !== 'writable') return expect(storage.trim(id, offset, length)).rejects.toMatchObject(frozen)
      model.trim(id, offset, length)
      return storage.trim(id, offset, length)
    case 'snapshot':
    case 'clone':
      if (kind === 'log') {
        return expect(storage[step.what](id, fresh)).rejects.toMatchObject({ code: 'LAB_STORAGE_NO_DATA' })
      }
      model[step.what](id, fresh)
      return storage[step.what](id, fresh)
    case 'destroy':
      model.disks.delete(id)
      return storage.destroy(id)
    case 'dataDestroy':
      if (kind === 'writable') return expect(storage.dataDestroy(id)).rejects.toMatchObject(frozen)
      if (history === undefined) return expect(storage.dataDestroy(id)).rejects.toMatchObject({ code: 'LAB_CBT_OFF' })
      model.disk(id).kind = 'log'
      return storage.dataDestroy(id)
    case 'resize': {
      const size = content.length + step.offset
      if (kind !== 'writable') return expect(storage.resize(id, bytes(size))).rejects.toMatchObject(frozen)
      model.resize(id, size)
      return storage.resize(id, bytes(size))
    }
    case 'enable':
      if (kind !== 'writable') return expect(storage.enableTracking(id)).rejects.toMatchObject(frozen)
      model.enable(id)
      return storage.enableTracking(id)
    case 'disable':
      if (kind !== 'writable') return expect(storage.disableTracking(id)).rejects.toMatchObject(frozen)
      model.disk(id).history = undefined
      return storage.disableTracking(id)
    case 'break':
      if (history === undefined) return expect(storage.breakTracking(id)).rejects.toMatchObject({ code: 'LAB_CBT_OFF' })
      model.breakTracking(id)
      return storage.breakTracking(id)
    case 'reopen':
      return
    default:
      return step.what satisfies never
  }
}

async function withDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'lab-storage-'))
  try {
    await work(directory)
  } finally {
    await rm(directory, { recursive: true })
  }
}
