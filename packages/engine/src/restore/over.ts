import { EngineError } from '../error.ts'
import type { Journal } from '../ledger/ledger.ts'
import type { OpenPoint } from '../points.ts'
import type { Pool, RestoreTarget } from '../pool.ts'
import type { DiskRecord } from '../vm-record.ts'
import { changedSincePoint, contentOf } from './disks.ts'
import { fillOver, type ReadBack } from './fill.ts'
import type { RestoreContext, RestoredDisk } from './new-vm.ts'
import { forgetTorn } from './torn.ts'

export interface OverOptions {
  /** How the disks are read to find what differs, and read back after that; 'auto' when absent. 'off': not read back. */
  readonly readBack?: ReadBack
  /**
   * Whether the pool's tracking may say what changed since the point, so that the rest is not read before it is read back. Where it
   * lies, reading back finds it.
   */
  readonly useTracking?: boolean
  /** Name of a snapshot that is taken, and left, before anything is written; none when absent. */
  readonly safetySnapshot?: string
}

export interface RestoredOver {
  readonly disks: readonly RestoredDisk[]
  /** UUIDs of the snapshots that were taken before. */
  readonly snapshots: readonly string[]
}

/**
 * Makes the pool's own disks of the same UUID what they were at the point, writing only what differs. From the first byte to the last a
 * disk is a mixture: the journal says so, and the disk on the pool itself. Doing it again completes it.
 * @throws EngineError ENGINE_TARGET when a disk is missing, attached to a running VM, or of another size; ENGINE_MISMATCH
 */
export async function restoreOver(
  context: RestoreContext,
  point: OpenPoint,
  records: readonly DiskRecord[],
  { readBack = 'auto', useTracking = false, safetySnapshot }: OverOptions = {},
  signal?: AbortSignal,
): Promise<RestoredOver> {
  const { pool, repository, ledger } = context
  await checkTargets(pool, records, signal) // all, before any is touched
  const header = { kind: 'restore', pool: pool.identity.uuid, repository: repository.id, vm: point.record.vm } as const
  const uuids = records.map(({ vdi }) => vdi)
  const snapshots =
    safetySnapshot === undefined ? [] : await pool.restore.safetySnapshots(uuids, safetySnapshot, signal)
  const journal = await ledger.begin(header)
  const disks: RestoredDisk[] = []
  const state = { isTorn: false }
  try {
    for (const record of records) {
      disks.push(await restoreOne({ ...context, journal, state }, point, record, { readBack, useTracking }, signal))
    }
  } finally {
    if (state.isTorn) await journal.note({ step: 'left', why: 'a disk is written in part' }) // until it is written whole
    else await journal.end()
  }
  await forgetTorn(ledger, header, new Set(uuids))
  return { disks, snapshots }
}

/** A restore over disks, its journal, and whether a disk is a mixture now. */
interface Overwriting extends RestoreContext {
  readonly journal: Journal
  readonly state: { isTorn: boolean }
}

async function restoreOne(
  context: Overwriting,
  point: OpenPoint,
  record: DiskRecord,
  { readBack, useTracking }: { readonly readBack: ReadBack; readonly useTracking: boolean },
  signal: AbortSignal | undefined,
): Promise<RestoredDisk> {
  const { journal, state } = context
  const { vdi, name, position } = record
  const content = await contentOf(point, record, signal)
  const suspects = useTracking ? await changedSincePoint(context.pool, record, signal) : undefined
  const begin = async () => {
    await context.pool.restore.markTorn(vdi, { repository: context.repository.id, point: point.id, position }, signal)
    state.isTorn = true
    await journal.note({ step: 'overwrite', disk: vdi, name, position, point: point.id })
  }
  const filled = await fillOver({ ...context, readBack, record, content, vdiUuid: vdi }, suspects, begin, signal)
  await context.pool.restore.clearTorn(vdi) // an earlier restore's too, which this one has made whole
  if (state.isTorn) await journal.note({ step: 'overwritten', disk: vdi })
  state.isTorn = false
  return { record, vdiUuid: vdi, filled }
}

/** @throws EngineError ENGINE_TARGET when a disk cannot be restored over */
export async function checkTargets(
  { restore }: Pool,
  records: readonly DiskRecord[],
  signal?: AbortSignal,
): Promise<void> {
  for (const record of records) await checkTarget(restore, record, signal)
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
