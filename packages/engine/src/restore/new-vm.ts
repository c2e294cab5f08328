import { randomUUID } from 'node:crypto'
import type { Repository } from '@tidemark/repository'
import { EngineError } from '../error.ts'
import type { OnDisk } from '../events.ts'
import { tidyRestores } from '../janitor.ts'
import type { Journal, Ledger } from '../ledger/ledger.ts'
import { Undo } from '../ledger/undo.ts'
import type { OpenPoint } from '../points.ts'
import type { Card, Pool, TargetStorage, Vm } from '../pool.ts'
import type { DiskRecord } from '../vm-record.ts'
import { contentOf } from './disks.ts'
import { fillNewDisk, type Filled, type ReadBack } from './fill.ts'
import { planNewVm, type DiskPlacement, type Mapping, type NewVmPlan } from './plan.ts'

export interface RestoreContext {
  readonly pool: Pool
  readonly repository: Repository
  readonly onDisk: OnDisk
  /** Remembers what is made on the pool until the restore is complete. */
  readonly ledger: Ledger
}

export interface NewVmOptions extends Mapping {
  /** Name of the new VM. */
  readonly name: string
  /** How the new disks are read back and compared with the point before the VM is made; 'auto' when absent. */
  readonly readBack?: ReadBack
  /** What is done with the new VM, which is only for this: it goes again, with its disks, whatever comes of it. */
  readonly trial?: (vm: Vm) => Promise<void>
}

/** A disk of the point and where it went. */
export interface RestoredDisk {
  readonly record: DiskRecord
  readonly vdiUuid: string
  readonly filled: Filled
}

export interface RestoredVm {
  readonly vm: Vm
  readonly disks: readonly RestoredDisk[]
}

/** As `restorePlanned`, by a plan that is made first. @throws as `planNewVm` and `restorePlanned` */
export async function restoreAsNewVm(
  context: RestoreContext,
  point: OpenPoint,
  options: NewVmOptions,
  signal?: AbortSignal,
): Promise<RestoredVm> {
  return restorePlanned(context, point, await planNewVm(context.pool, point, options, signal), options, signal)
}

/**
 * Restores a point as a new VM: new disks, filled, then the VM from its exported settings with the disks exchanged.
 * What was made is removed again when any step fails.
 * @throws EngineError ENGINE_TARGET; RepositoryError; XenApiError
 */
export async function restorePlanned(
  context: RestoreContext,
  point: OpenPoint,
  plan: NewVmPlan,
  options: Pick<NewVmOptions, 'readBack' | 'trial'>,
  signal?: AbortSignal,
): Promise<RestoredVm> {
  const { restore } = context.pool
  const { metadata } = point.parts
  if (metadata === undefined) {
    throw new EngineError('ENGINE_TARGET', 'the point holds no VM settings; restore its disks with --to-dir instead')
  }
  await tidyRestores(context, signal)
  const { pool, repository } = context
  const { readBack = 'auto' } = options
  const header = { kind: 'restore', pool: pool.identity.uuid, repository: repository.id, vm: point.record.vm } as const
  const journal = await context.ledger.begin(header)
  await using undo = new Undo(journal)
  const disks: RestoredDisk[] = []
  for (const { record, storage } of plan.disks) {
    disks.push(await restoreNewDisk({ ...context, readBack, journal, undo }, point, record, storage, signal))
  }
  const exchanged = new Map(disks.map(({ record, vdiUuid }) => [record.vdi, vdiUuid]))
  await journal.note({ step: 'vm' })
  const parts = { name: plan.name.will, disks: exchanged, cards: cardsOf(plan) }
  const vm = await undo.around(() => restore.importVm(metadata, parts, signal))
  if (options.trial !== undefined) {
    undo.defer(() => pool.trials.destroy(vm.uuid))
    await journal.note({ step: 'vm-made', uuid: vm.uuid })
    await options.trial(vm)
    return { vm, disks }
  }
  undo.keep() // complete: nothing is undone any more
  await journal.note({ step: 'vm-made', uuid: vm.uuid })
  for (const { vdiUuid } of disks) await restore.releaseDisk(vdiUuid)
  await journal.end()
  return { vm, disks }
}

const cardsOf = ({ cards }: NewVmPlan): readonly Card[] =>
  cards.flatMap(({ device, mac, network }) =>
    network.will === undefined
      ? []
      : [{ device, networkUuid: network.will.uuid, ...(mac.will !== 'new' && { mac: mac.will }) }],
  )

/**
 * Restores disks of a point as new disks without a VM, or for one: `attachTo` is its UUID, and it may run.
 * @throws EngineError ENGINE_TARGET, ENGINE_MISMATCH; RepositoryError; XenApiError
 */
export async function restoreNewDisks(
  context: RestoreContext,
  point: OpenPoint,
  placements: readonly DiskPlacement[],
  { readBack = 'auto', attachTo }: { readonly readBack?: ReadBack; readonly attachTo?: string },
  signal?: AbortSignal,
): Promise<readonly RestoredDisk[]> {
  await tidyRestores(context, signal)
  const { pool, repository } = context
  const header = { kind: 'restore', pool: pool.identity.uuid, repository: repository.id, vm: point.record.vm } as const
  const journal = await context.ledger.begin(header)
  await using undo = new Undo(journal)
  const disks: RestoredDisk[] = []
  for (const { record, storage } of placements) {
    disks.push(await restoreNewDisk({ ...context, readBack, journal, undo }, point, record, storage, signal))
  }
  undo.keep() // whole: from here on they are the administrator's
  for (const { vdiUuid } of disks) {
    await pool.restore.releaseDisk(vdiUuid)
    if (attachTo !== undefined) await pool.restore.attachDisk(vdiUuid, attachTo)
  }
  await journal.end()
  return disks
}

/** A restore that makes objects, the journal of them, and how they go again. */
interface Making extends RestoreContext {
  readonly journal: Journal
  readonly undo: Undo
  readonly readBack: ReadBack
}

async function restoreNewDisk(
  context: Making,
  point: OpenPoint,
  record: DiskRecord,
  storage: TargetStorage,
  signal: AbortSignal | undefined,
): Promise<RestoredDisk> {
  const { restore } = context.pool
  const mark = randomUUID()
  await context.journal.note({ step: 'disk', mark })
  const { name, size } = record
  const disk = { name, size, storageUuid: storage.uuid, repository: context.repository.id, mark }
  const made = await context.undo.around(() => restore.createDisk(disk, signal))
  context.undo.defer(() => restore.destroyDisk(made.uuid))
  await context.journal.note({ step: 'disk-made', uuid: made.uuid })
  signal?.throwIfAborted()
  const content = await contentOf(point, record, signal)
  const filled = await fillNewDisk({ ...context, record, content, vdiUuid: made.uuid }, made.isZeroed, signal)
  return { record, vdiUuid: made.uuid, filled }
}
