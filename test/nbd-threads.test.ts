import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { MiB } from '@tidemark/blocks'
import {
  backupDefaults,
  backupVm,
  chooseVm,
  contentOf,
  noLedger,
  openPoint,
  systemClock,
  type RestorePoint,
} from '@tidemark/engine'
import { openXenPool } from '@tidemark/engine/xen'
import { startLab, type FaultPlan, type Lab } from '@tidemark/lab'
import { initRepository, memoryBackend, readContent, type Repository } from '@tidemark/repository'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { adminOf, guestWrites, PASSWORD } from './support/pool.ts'

// Machines with three processors and more give every NBD connection a thread; a run there is as good as one without.

const CONNECTIONS = 2
const stack = new AsyncDisposableStack()
let lab: Lab
let repository: Repository
let vdi: string
/** Of NBD, as far as they have not ended. */
const threads = new Set<Worker>()
let started = 0

beforeAll(async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tm-nbd-threads-'))
  stack.defer(() => rm(directory, { recursive: true }))
  process.on('worker', note)
  stack.defer(() => void process.off('worker', note))
  lab = stack.use(await startLab({ directory, httpsPort: 0, nbdPort: 0, password: PASSWORD }))
  const options = { kdf: { N: 1024, r: 8, p: 1 }, workers: 0 }
  repository = stack.use(await initRepository(memoryBackend(), PASSWORD, options))
  const vm = await lab.control.createVm({ name: 'web', disks: [{ size: 24 * MiB }] })
  vdi = vm.disks[0]?.uuid ?? ''
  await guestWrites(lab, vdi, range(0, 300), 'first')
})
afterAll(() => stack.disposeAsync())

function note(worker: Worker): void {
  if (worker.threadName !== 'tidemark-nbd') return
  started++
  threads.add(worker)
  worker.once('exit', () => threads.delete(worker))
}

/** A run whose NBD connections have a thread each. */
async function backUp(): Promise<RestorePoint> {
  await using session = await adminOf(lab)
  const nbd = { thread: 'own' } as const
  const pool = await openXenPool(session, { connections: CONNECTIONS, reconnectPatienceMs: 10_000, nbd })
  const context = { pool, repository, clock: systemClock, tool: 'test', ledger: noLedger, on: () => {} }
  const { point } = await backupVm(context, chooseVm(await pool.vms(), 'web'), { ...backupDefaults, source: 'nbd' })
  return point
}

async function backUpDespite(fault: FaultPlan['faults'][number]): Promise<RestorePoint> {
  await lab.control.planFaults({ faults: [fault] })
  try {
    return await backUp()
  } finally {
    await lab.control.assertFaultsFired()
    await lab.control.clearFaults()
  }
}

/** The disk of a point has the hash of the guest's, and no thread is left. */
async function expectSame(point: RestorePoint): Promise<void> {
  const open = await openPoint(repository, point)
  const [record] = open.record.disks
  if (record === undefined) throw new Error('a point without a disk')
  const hash = createHash('sha256')
  for await (const { length, data } of readContent(repository, await contentOf(open, record), { holes: 'zeros' })) {
    hash.update(data === 'zero' ? new Uint8Array(length) : data)
  }
  expect(hash.digest('hex')).toBe(await lab.control.sha256(vdi))
  expect([...threads]).toEqual([])
}

test('a full backup and an increment over TLS, each connection on its own thread, hold what the disk held', async () => {
  await expectSame(await backUp())
  expect(started).toBe(CONNECTIONS)
  await guestWrites(lab, vdi, [0, 7, 8, 9, 100, 383], 'second')
  await expectSame(await backUp())
  expect(started).toBe(2 * CONNECTIONS)
})

test('connections that break under their threads are replaced, and the bytes are the same', async () => {
  await guestWrites(lab, vdi, range(50, 350), 'third')
  const before = started
  const match = { type: 'READ' } as const
  const cut = { id: 'cut', at: 'nbd-reply', match, after: 2, times: 2, do: { action: 'cut', after: 5000 } } as const
  const point = await backUpDespite(cut)
  expect(started).toBeGreaterThan(before + CONNECTIONS)
  await expectSame(point)
})

test('a server of another certificate fails the run by its code, and no thread stays', async () => {
  await guestWrites(lab, vdi, [1], 'fourth')
  const wrong = { id: 'cert', at: 'nbd-tls', times: 'always', do: { action: 'wrong-certificate' } } as const
  await expect(backUpDespite(wrong)).rejects.toMatchObject({ code: 'NBD_CERTIFICATE' })
  expect([...threads]).toEqual([])
})

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i)
