import { randomUUID } from 'node:crypto'
import type { Repository } from '@tidemark/repository'
import { EngineError } from '../error.ts'
import type { OnDisk } from '../events.ts'
import { tidyRestores } from '../janitor.ts'
import type { Journal, Ledger } from '../ledger/ledger.ts'
import type { OpenPoint } from '../points.ts'
import type { Pool, Storage, Vm } from '../pool.ts'
import type { DiskRecord } from '../vm-record.ts'
import { contentOf } from './disks.ts'
import { fillNewDisk, type Filled, type ReadBack } from './fill.ts'

export interface RestoreContext {
  readonly pool: Pool
  readonly repository: Repository
  readonly onDisk: OnDisk
  /** Remembers what is made on the pool until the restore is complete. */
  readonly ledger: Ledger
}

export interface NewVmOptions {
  /** Name of the new VM. */
  readonly name: string
  /** Name or UUID of the SR for its disks; without it each disk goes to the SR that it came from. */
  readonly storage: string | undefined
  /** How the new disks are read back and compared with the point before the VM is made; over NBD when absent. */
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

/**
 * Restores a point as a new VM: new disks, filled, then the VM from its exported settings with the disks exchanged.
 * What was made is removed again when any step fails.
 * @throws EngineError ENGINE_TARGET; RepositoryError; XenApiError
 */
export async function restoreAsNewVm(
  context: RestoreContext,
  point: OpenPoint,
  options: NewVmOptions,
  signal?: AbortSignal,
): Promise<RestoredVm> {
  const { restore } = context.pool
  const { metadata } = point.parts
  if (metadata === undefined) {
    throw new EngineError('ENGINE_TARGET', 'the point holds no VM settings; restore its disks with --to-dir instead')
  }
  await tidyRestores(context, signal)
  const storages = await restore.storages(signal)
  const placed = point.record.disks.map((record) => ({ record, storage: chooseStorage(storages, record, options) }))
  const { pool, repository } = context
  const { readBack = 'nbd' } = options
  const header = { kind: 'restore', pool: pool.identity.uuid, repository: repository.id, vm: point.record.vm } as const
  const journal = await context.ledger.begin(header)
  await using undo = new AsyncDisposableStack()
  undo.defer(() => journal.end()) // last of all: as long as something is left, it is remembered
  const disks: RestoredDisk[] = []
  for (const { record, storage } of placed) {
    disks.push(await restoreNewDisk({ ...context, readBack, journal, undo }, point, record, storage, signal))
  }
  const exchanged = new Map(disks.map(({ record, vdiUuid }) => [record.vdi, vdiUuid]))
  await journal.note({ step: 'vm' })
  const vm = await restore.importVm(metadata, exchanged, options.name, signal)
  if (options.trial !== undefined) {
    undo.defer(() => pool.trials.destroy(vm.uuid))
    await journal.note({ step: 'vm-made', uuid: vm.uuid })
    await options.trial(vm)
    return { vm, disks }
  }
  undo.move() // complete: nothing is undone any more
  await journal.note({ step: 'vm-made', uuid: vm.uuid })
  for (const { vdiUuid } of disks) await restore.releaseDisk(vdiUuid)
  await journal.end()
  return { vm, disks }
}

/** A restore that makes objects, the journal of them, and how they go again. */
interface Making extends RestoreContext {
  readonly journal: Journal
  readonly undo: AsyncDisposableStack
  readonly readBack: ReadBack
}

async function restoreNewDisk(
  context: Making,
  point: OpenPoint,
  record: DiskRecord,
  storage: Storage,
  signal: AbortSignal | undefined,
): Promise<RestoredDisk> {
  const { restore } = context.pool
  const mark = randomUUID()
  await context.journal.note({ step: 'disk', mark })
  const { name, size } = record
  const disk = { name, size, storageUuid: storage.uuid, repository: context.repository.id, mark }
  const made = await restore.createDisk(disk, signal)
  context.undo.defer(() => restore.destroyDisk(made.uuid))
  await context.journal.note({ step: 'disk-made', uuid: made.uuid })
  signal?.throwIfAborted()
  const content = await contentOf(point, record, signal)
  const filled = await fillNewDisk({ ...context, record, content, vdiUuid: made.uuid }, made.isZeroed, signal)
  return { record, vdiUuid: made.uuid, filled }
}

function chooseStorage(storages: readonly Storage[], record: DiskRecord, { storage: wanted }: NewVmOptions): Storage {
  const selector = wanted ?? record.storage.uuid
  const found = storages.filter(({ uuid, name }) => uuid === selector || name === selector)
  const [storage] = found
  if (storage === undefined || found.length > 1) {
    const known = storages.map(({ name, uuid }) => `${name} (${uuid})`).join(', ')
    const problem = found.length > 1 ? 'is the name of several storage repositories' : 'is no storage repository here'
    throw new EngineError('ENGINE_TARGET', `'${selector}' ${problem}; choose one with --sr: ${known}`)
  }
  return storage
}
