import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytes, CBT_BLOCK, MiB } from '@tidemark/blocks'
import {
  backupDefaults,
  backupVm,
  chooseVm,
  contentOf,
  noLedger,
  openPoint,
  systemClock,
  type BackupContext,
  type BackupEvent,
  type RestorePoint,
} from '@tidemark/engine'
import { openXenPool } from '@tidemark/engine/xen'
import { startLab, type Lab } from '@tidemark/lab'
import { openNbd } from '@tidemark/nbd'
import { initRepository, memoryBackend, readContent, type Repository } from '@tidemark/repository'
import { adminOf, guestWrites, PASSWORD } from './pool.ts'
import { seeded } from './random.ts'

const SIZE = 16 * MiB
const BLOCKS = SIZE / CBT_BLOCK

export interface Trials {
  readonly trials: number
  /** Within which each lie must be caught. */
  readonly runs: number
  readonly seed: number
}

/**
 * In each trial a guest writes a few blocks, the pool's bitmap omits one of them, and backups are made until one raises the alarm. The point
 * that does must be the disk, byte for byte.
 * @returns for each trial the run that caught it; more than `runs` when none of these did
 */
export async function lyingBitmaps(
  { trials, runs, seed }: Trials,
  onTrial: (trial: number, after: number) => void = () => {},
): Promise<readonly number[]> {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-lies-'))
  await using lab = await startLab({ directory, httpsPort: 0, nbdPort: 0, password: PASSWORD })
  await using _directory = { [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }) }
  const { disks } = await lab.control.createVm({ name: 'web', disks: [{ name: 'system', size: SIZE }] })
  const vdi = disks[0]?.uuid ?? ''
  await using session = await adminOf(lab)
  const pool = await openXenPool(session)
  await using repository = await initRepository(memoryBackend(), 'pw', { kdf: { N: 1024, r: 8, p: 1 }, workers: 0 })
  const random = seeded(`lies ${seed}`)
  const options = { ...backupDefaults, audit: { runs, samples: 0 }, resume: undefined }
  let events: BackupEvent[] = []
  const context: BackupContext = {
    pool,
    repository,
    clock: { ...systemClock, sleep: async () => {} },
    tool: 'trials',
    ledger: noLedger,
    on: (event) => void events.push(event),
  }
  const backup = async () => {
    events = []
    return backupVm(context, chooseVm(await pool.vms(), 'web'), options)
  }
  const write = (count: number, what: string) =>
    guestWrites(
      lab,
      vdi,
      Array.from({ length: count }, () => random.int(BLOCKS)),
      what,
    )
  await write(40, 'first')
  await backup()
  const caughtAfter: number[] = []
  for (let trial = 1; trial <= trials; trial++) {
    await write(1 + random.int(3), `trial ${trial}`)
    await lab.control.planFaults({ faults: [{ id: 'lie', at: 'bitmap', do: { action: 'omit' } }] })
    let after = 1
    for (; after <= runs; after++) {
      const { point } = await backup()
      if (!events.some(({ type }) => type === 'wrong-bitmap')) continue
      await expectRight(repository, point, lab, vdi)
      break
    }
    await lab.control.assertFaultsFired()
    await lab.control.clearFaults()
    caughtAfter.push(after)
    onTrial(trial, after)
  }
  return caughtAfter
}

/** @throws Error when the point is not the disk as it is now */
async function expectRight(repository: Repository, point: RestorePoint, lab: Lab, vdi: string): Promise<void> {
  await repository.loadIndex()
  const open = await openPoint(repository, point)
  const [record] = open.record.disks
  if (record === undefined) throw new Error('the point has no disk')
  const stored = Buffer.alloc(record.size)
  for await (const { offset, data } of readContent(repository, await contentOf(open, record), { holes: 'skip' })) {
    if (data !== 'zero') stored.set(data, offset)
  }
  await using disk = await openNbd({ address: { path: await lab.control.guestSocket(vdi) }, exportName: '' })
  const live = await disk.read(bytes(0), disk.size)
  if (!stored.equals(live)) throw new Error(`point ${point.id} is not the disk`)
}
