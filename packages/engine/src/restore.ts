import { randomUUID } from 'node:crypto'
import { bytes, type Bytes } from '@tidemark/blocks'
import { readContent, type DiskContent, type Repository } from '@tidemark/repository'
import { EngineError } from './error.ts'
import type { Journal, Ledger } from './ledger/ledger.ts'
import type { OnDisk } from './events.ts'
import type { OpenPoint } from './points.ts'
import type { Pool, RestoreTarget, Storage, Vm } from './pool.ts'
import type { DiskRecord } from './vm-record.ts'
import { zeros } from './zeros.ts'

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
}

/** A disk of the point and where it went. */
export interface RestoredDisk {
  readonly record: DiskRecord
  readonly vdiUuid: string
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
  const storages = await restore.storages(signal)
  const placed = point.record.disks.map((record) => ({ record, storage: chooseStorage(storages, record, options) }))
  const { pool, repository } = context
  const header = { kind: 'restore', pool: pool.identity.uuid, repository: repository.id, vm: point.record.vm } as const
  const journal = await context.ledger.begin(header)
  await using undo = new AsyncDisposableStack()
  undo.defer(() => journal.end()) // last of all: as long as something is left, it is remembered
  const disks: RestoredDisk[] = []
  for (const { record, storage } of placed) {
    disks.push({ record, vdiUuid: await restoreNewDisk({ ...context, journal, undo }, point, record, storage, signal) })
  }
  const exchanged = new Map(disks.map(({ record, vdiUuid }) => [record.vdi, vdiUuid]))
  await journal.note({ step: 'vm' })
  const vm = await restore.importVm(metadata, exchanged, options.name, signal)
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
}

async function restoreNewDisk(
  context: Making,
  point: OpenPoint,
  record: DiskRecord,
  storage: Storage,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { restore } = context.pool
  const mark = randomUUID()
  await context.journal.note({ step: 'disk', mark })
  const { name, size } = record
  const disk = { name, size, storageUuid: storage.uuid, repository: context.repository.id, mark }
  const made = await restore.createDisk(disk, signal)
  context.undo.defer(() => restore.destroyDisk(made.uuid))
  await context.journal.note({ step: 'disk-made', uuid: made.uuid })
  signal?.throwIfAborted()
  await fillDisk(context, point, record, made.uuid, signal)
  return made.uuid
}

/**
 * Restores disks of a point over the pool's own disks of the same UUID. Everything on them is replaced.
 * @throws EngineError ENGINE_TARGET when a disk is missing, attached to a running VM, or of another size
 */
export async function restoreOver(
  context: RestoreContext,
  point: OpenPoint,
  records: readonly DiskRecord[],
  signal?: AbortSignal,
): Promise<readonly RestoredDisk[]> {
  for (const record of records) await checkTarget(context.pool.restore, record, signal) // all, before any is touched
  for (const record of records) await fillDisk(context, point, record, record.vdi, signal)
  return records.map((record) => ({ record, vdiUuid: record.vdi }))
}

async function checkTarget(restore: RestoreTarget, record: DiskRecord, signal: AbortSignal | undefined): Promise<void> {
  const disk = `disk ${record.position} (${record.vdi})`
  const state = await restore.diskState(record.vdi, signal)
  if (state === undefined) {
    throw new EngineError('ENGINE_TARGET', `${disk} is no longer on the pool; restore it as a new VM with --new-vm`)
  }
  if (state.usedBy.length > 0) {
    throw new EngineError('ENGINE_TARGET', `${disk} is attached to ${state.usedBy.join(', ')}; shut that VM down first`)
  }
  if (state.size !== record.size) {
    throw new EngineError(
      'ENGINE_TARGET',
      `${disk} has ${state.size} bytes, the restore point has ${record.size}; restore it as a new VM with --new-vm`,
    )
  }
}

async function fillDisk(
  context: RestoreContext,
  point: OpenPoint,
  record: DiskRecord,
  vdiUuid: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const content = await contentOf(point, record, signal)
  const report = (moved: number, stage: 'writing' | 'done') => context.onDisk(progressOf(record, moved, stage))
  const body = () => rawStream(context.repository, content, (moved) => report(moved, 'writing'), signal)
  await context.pool.restore.writeDisk(vdiUuid, body, record.size, signal)
  report(record.size, 'done')
}

/** The whole disk as bytes, zeros included: what `import_raw_vdi` takes. */
async function* rawStream(
  repository: Repository,
  content: DiskContent,
  onMoved: (moved: number) => void,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const piece of readContent(repository, content, { holes: 'zeros' }, signal)) {
    if (piece.data === 'zero') yield* zeros(piece.length)
    else yield piece.data
    onMoved(piece.offset + piece.length)
  }
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

/** The content list of one disk of a point. @throws EngineError ENGINE_POINT_DAMAGED */
export async function contentOf(point: OpenPoint, record: DiskRecord, signal?: AbortSignal): Promise<DiskContent> {
  const stored = point.parts.disks.find(({ vdiUuid }) => vdiUuid === record.vdi)
  const content = await stored?.content(signal)
  if (content === undefined || content.size !== record.size) {
    throw new EngineError(
      'ENGINE_POINT_DAMAGED',
      `the restore point names disk ${record.vdi} but does not hold it whole`,
    )
  }
  return content
}

/** The disks of a point that somebody means, by position, name or UUID; all without a selection. */
export function chooseDisks(point: OpenPoint, selectors: readonly string[]): readonly DiskRecord[] {
  if (selectors.length === 0) return point.record.disks
  const { disks } = point.record
  return selectors.map((selector) => {
    const exact = disks.find(({ position, vdi }) => vdi === selector || String(position) === selector)
    const named = disks.filter(({ name }) => name === selector)
    const found = exact ?? (named.length === 1 ? named[0] : undefined)
    if (found !== undefined) return found
    const known = point.record.disks.map(({ position, name }) => `${position} (${name})`).join(', ')
    throw new EngineError('ENGINE_DISK_UNKNOWN', `the restore point has no disk '${selector}'; it has ${known}`)
  })
}

/** How far one disk's restore or comparison is. */
export function progressOf(record: DiskRecord, moved: number, stage: 'writing' | 'comparing' | 'done') {
  const none: Bytes = bytes(0)
  const { position, name, size } = record
  return { position, name, stage, moved: bytes(moved), total: size, new: none, stored: none }
}
