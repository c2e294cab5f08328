import { setTimeout as pause } from 'node:timers/promises'
import { bytes, KiB, MiB, type Bytes } from '@tidemark/blocks'
import {
  backupDefaults,
  backupVm,
  Limits,
  listPoints,
  noLedger,
  systemClock,
  type BackupEvent,
  type Pool,
  type Storage,
  type Vm,
  openPoint,
} from '@tidemark/engine'
import {
  initRepository,
  memoryBackend,
  openRepository,
  readContent,
  RepositoryError,
  systemClock as repositoryClock,
  type Backend,
  type Repository,
} from '@tidemark/repository'
import { expect, test } from 'vitest'
import { memoryPool, type MemoryPool } from './memory-pool.ts'

/** Without the time that a lock waits for others. */
const clock = { ...repositoryClock, sleep: async () => {} }
const fast = { kdf: { N: 1024, r: 8, p: 1 }, workers: 0, clock } as const
const options = { ...backupDefaults, audit: undefined }

/** Small pools as one, a VM each, all on one storage. */
function joined(parts: readonly MemoryPool[], free?: Bytes): Pool & { readonly vms: () => Promise<readonly Vm[]> } {
  let left = free
  const storage = (): Storage => ({
    uuid: 'sr-1',
    name: 'Local storage',
    type: 'lvm',
    canTrack: true,
    ...(left === undefined ? {} : { space: { free: left, allocation: 'whole' } }),
  })
  const vmOf = (part: MemoryPool, i: number): Vm => ({
    ...part.vm,
    uuid: `vm-${i}`,
    name: `vm-${i}`,
    disks: part.vm.disks.map((disk) => ({ ...disk, name: `${i}`, storage: storage() })),
  })
  const partOf = (name: string): MemoryPool => {
    const part = parts[Number(name.replace('vm-', ''))]
    if (part === undefined) throw new Error(`no part ${name}`)
    return part
  }
  const first = partOf('0')
  return {
    ...first,
    vms: async () => parts.map(vmOf),
    baseOf: (disk, snapshot) => partOf(disk.name).baseOf(disk, snapshot),
    enableTracking: (disk) => partOf(disk.name).enableTracking(disk),
    async snapshot(vm, marks) {
      const snapshot = await partOf(vm.uuid).snapshot(vm, marks)
      await pause(20) // as long as a pool takes, others might look at the room
      if (left !== undefined) left = bytes(left - vm.disks.reduce((sum, { size }) => sum + size, 0))
      return { ...snapshot, uuid: `${vm.uuid}-${snapshot.uuid}` }
    },
    leftovers: async () => [],
    dropOldBases: (disk, repository, keep) => partOf(disk.name).dropOldBases(disk, repository, keep),
  }
}

const contextOf = (pool: Pool, repository: Repository, limits: Limits, events: BackupEvent[] = []) => ({
  pool,
  repository,
  clock: systemClock,
  tool: 'test 1.0',
  ledger: noLedger,
  limits,
  on: (event: BackupEvent) => void events.push(event),
})

test('of two snapshots for which a storage has room only one by one, one is refused, however they meet', async () => {
  const pool = joined([memoryPool([32 * MiB]), memoryPool([32 * MiB])], bytes(60 * MiB))
  await using repository = await initRepository(memoryBackend(), 'pw', fast)
  const context = contextOf(pool, repository, new Limits())
  const runs = (await pool.vms()).map((vm) => backupVm(context, vm, options))
  const failures = (await Promise.allSettled(runs)).filter(({ status }) => status === 'rejected')
  expect(failures).toMatchObject([{ reason: { code: 'ENGINE_NO_SPACE' } }])
  expect(await listPoints(repository)).toHaveLength(1)
})

/** The most disks that were open at once; none goes on before so many are. */
async function disksAtOnce(limits: Limits, expected: number): Promise<{ most: number; events: BackupEvent[] }> {
  const { promise: met, resolve: meet } = Promise.withResolvers<void>()
  const parts = [memoryPool([2 * MiB, 2 * MiB, 2 * MiB]), memoryPool([2 * MiB, 2 * MiB])]
  let [open, most] = [0, 0]
  for (const part of parts) {
    const snapshot = part.snapshot.bind(part)
    part.snapshot = async (vm, marks) => {
      const taken = await snapshot(vm, marks)
      const disks = [...taken.disks].map(([uuid, disk]) => {
        const count = async (...args: Parameters<typeof disk.open>) => {
          most = Math.max(most, ++open)
          if (most === expected) meet()
          await met
          await pause(5) // one too many would come now
          const source = await disk.open(...args)
          return { ...source, [Symbol.asyncDispose]: async () => void open-- }
        }
        return [uuid, { ...disk, open: count }] as const
      })
      return { ...taken, disks: new Map(disks) }
    }
  }
  const pool = joined(parts)
  const events: BackupEvent[] = []
  await using repository = await initRepository(memoryBackend(), 'pw', fast)
  const context = contextOf(pool, repository, limits, events)
  await Promise.all((await pool.vms()).map((vm) => backupVm(context, vm, options)))
  expect(await listPoints(repository)).toHaveLength(2)
  return { most, events }
}

test('disks are read at once, of one VM and of several, up to the limit', async () => {
  expect((await disksAtOnce(new Limits({ disks: 5 }), 5)).most).toBe(5)
  const { most, events } = await disksAtOnce(new Limits({ disks: 2 }), 2)
  expect(most).toBe(2)
  expect(events).toContainEqual({ type: 'waiting', wait: expect.objectContaining({ for: 'disk' }) })
  expect((await disksAtOnce(new Limits({ storageDisks: 1 }), 1)).most).toBe(1)
})

test('a disk that cannot be read ends its VM at once, though the others have a long way to go', async () => {
  const part = memoryPool([2 * MiB, 2 * MiB])
  const snapshot = part.snapshot.bind(part)
  const stopped: unknown[] = []
  part.snapshot = async (vm, marks) => {
    const taken = await snapshot(vm, marks)
    const disks = [...taken.disks].map(([uuid, disk]) => {
      const open = async (_: unknown, signal?: AbortSignal): Promise<never> => {
        if (uuid === 'vdi-1') throw new Error('this one is broken')
        await new Promise((resolve) => signal?.addEventListener('abort', resolve, { once: true }))
        stopped.push(signal?.reason)
        throw signal?.reason
      }
      return [uuid, { ...disk, open }] as const
    })
    return { ...taken, disks: new Map(disks) }
  }
  await using repository = await initRepository(memoryBackend(), 'pw', fast)
  const context = contextOf(part, repository, new Limits())
  await expect(backupVm(context, part.vm, options)).rejects.toThrow('this one is broken')
  expect(stopped).toHaveLength(1)
})

/** Every point of the repository, byte for byte, and the repository itself. */
async function expectSound(store: Backend, disks: ReadonlyMap<string, Uint8Array>): Promise<number> {
  await using repository = await openRepository(store, 'pw', fast)
  const points = await listPoints(repository)
  await repository.loadIndex()
  for (const point of points) {
    const { record, parts } = await openPoint(repository, point)
    const content = await parts.disks[0]?.content()
    if (content === undefined) throw new Error('a point without a disk')
    const image = Buffer.alloc(content.size)
    for await (const chunk of readContent(repository, content, { holes: 'skip' })) {
      if (chunk.data !== 'zero') image.set(chunk.data, chunk.offset)
    }
    expect(image.equals(disks.get(record.vm.uuid) ?? new Uint8Array())).toBe(true)
  }
  expect((await repository.check({ readData: true })).errors).toEqual([])
  return points.length
}

/** A pool whose disks pause between their pieces, so that others begin and end meanwhile. */
function slow(part: MemoryPool, ms: number): MemoryPool {
  const snapshot = part.snapshot.bind(part)
  part.snapshot = async (vm, marks) => {
    const taken = await snapshot(vm, marks)
    const disks = [...taken.disks].map(([uuid, disk]) => {
      const open = async (...args: Parameters<typeof disk.open>) => {
        const source = await disk.open(...args)
        async function* read(...which: Parameters<typeof source.read>) {
          for await (const chunk of source.read(...which)) {
            yield chunk
            await pause(ms)
          }
        }
        return { ...source, read }
      }
      return [uuid, { ...disk, open }] as const
    })
    return { ...taken, disks: new Map(disks) }
  }
  return part
}

test('whichever write to the storage fails while VMs come and go, no point lacks what was lost', async () => {
  const parts = Array.from({ length: 4 }, (_, i) => (i === 0 ? slow(memoryPool([MiB]), 60) : memoryPool([MiB])))
  const pool = joined(parts)
  const disks = new Map<string, Uint8Array>()
  for (const [i, part] of parts.entries()) {
    for (let block = 0; block < 16; block++) part.write('vdi-0', block, 1 + block + 16 * i)
    disks.set(`vm-${i}`, Uint8Array.from(part.disks.get('vdi-0')?.data ?? []))
  }
  let failures = 0
  for (let n = 1, isThrough = false; !isThrough; n++) {
    const store = memoryBackend()
    await (await initRepository(store, 'pw', fast))[Symbol.asyncDispose]()
    let writes = 0
    const save = async (...[file, data, signal]: Parameters<Backend['save']>) => {
      await pause(1)
      if (file.type !== 'locks' && ++writes === n) throw new RepositoryError('BACKEND_IO', `write ${n} fails`)
      await store.save(file, data, signal)
    }
    await using repository = await openRepository({ ...store, save }, 'pw', { ...fast, packSize: 128 * KiB })
    const limits = new Limits({ vms: 2 })
    const runs = (await pool.vms()).map(async (vm) => {
      using _place = await limits.vm(vm, () => {}, new AbortController().signal)
      return await backupVm(contextOf(pool, repository, limits), vm, options)
    })
    const made = (await Promise.allSettled(runs)).filter(({ status }) => status === 'fulfilled').length
    isThrough = writes < n
    if (made < parts.length) failures++
    expect(await expectSound(store, disks)).toBe(made)
  }
  expect(failures).toBeGreaterThan(10)
}, 60_000)
