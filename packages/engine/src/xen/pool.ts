import type { Session, VdiRecord } from '@tidemark/xenapi'
import { systemClock, type Clock } from '../clock.ts'
import type { BaseState, Disk, Pool } from '../pool.ts'
import { xenTrials } from './boot.ts'
import { readInventory } from './inventory.ts'
import { finishLeftover, readLeftovers, removeLeftover } from './leftovers.ts'
import { isMarked, MARK_REPOSITORY, MARK_ROLE } from './marks.ts'
import { repeated } from './outcome.ts'
import { failedWith, patienceDefaults, type Patience } from './patience.ts'
import { xenRestore } from './restore.ts'
import { destroyDisk, reopenSnapshot, takeSnapshot, type SnapshotContext } from './snapshot.ts'
import { openSource } from './source.ts'
import { sourceDefaults, type SourceOptions } from './source-options.ts'
import { poolTracking } from './tracking.ts'

export interface XenPoolOptions extends SourceOptions {
  readonly clock: Clock
  readonly patience: Patience
}

export const xenPoolDefaults: XenPoolOptions = { ...sourceDefaults, clock: systemClock, patience: patienceDefaults }

/**
 * The engine's view of a XenServer or XCP-ng pool. The session stays the caller's: it must outlive the pool, since NBD
 * export names are made from it.
 */
export async function openXenPool(
  session: Session,
  options: Partial<XenPoolOptions> = {},
  signal?: AbortSignal,
): Promise<Pool> {
  const all = { ...xenPoolDefaults, ...options }
  const tracking = await poolTracking(session, signal)
  const context: SnapshotContext = { session, clock: all.clock, patience: all.patience, source: all, tracking }
  const [pool] = Object.values(await session.pool.get_all_records({ signal }))
  return {
    identity: { uuid: pool?.uuid ?? '', name: pool?.name_label || pool?.uuid || 'pool' },
    vms: async (stop) => (await readInventory(session, tracking, stop)).vms,
    baseOf: (disk, snapshot, stop) => baseOf(context, disk, snapshot, stop),
    async enableTracking(disk, stop) {
      const vdi = await session.VDI.get_by_uuid(disk.vdiUuid, { signal: stop })
      await repeated(() => session.Async.VDI.enable_cbt(vdi, { signal: stop }))
    },
    async exportMetadata(vm, stop) {
      const ref = await session.VM.get_by_uuid(vm.uuid, { signal: stop })
      return session.exportMetadata(ref, { snapshots: false }, stop)
    },
    snapshot: (vm, marks, stop) => takeSnapshot(context, vm, marks, stop),
    reopenSnapshot: (vm, left, stop) => reopenSnapshot(context, vm, left, stop),
    leftovers: (names, stop) => readLeftovers(context, names, stop),
    finishLeftover: (leftover, point) => finishLeftover(context, leftover, point),
    removeLeftover: (leftover) => removeLeftover(context, leftover),
    dropOldBases: (disk, repository, keep) => dropOldBases(context, disk, { repository, keep }),
    holdsData: (uuid, stop) => holdsData(session, uuid, stop),
    openDisk: (uuid, kind, stop) => openSource(session, uuid, kind, all, stop),
    restore: xenRestore(context),
    trials: xenTrials(context),
  }
}

const UNKNOWN = new Set(['UUID_INVALID', 'HANDLE_INVALID'])

async function baseOf(
  { session }: SnapshotContext,
  disk: Disk,
  snapshot: string,
  signal: AbortSignal | undefined,
): Promise<BaseState> {
  try {
    const record = await session.VDI.get_record(await session.VDI.get_by_uuid(snapshot, { signal }), { signal })
    const live = await session.VDI.get_by_uuid(disk.vdiUuid, { signal })
    const sr = await session.SR.get_by_uuid(disk.storage.uuid, { signal })
    // the older disk is looked up inside the newer one's SR: from another SR the answer is an error, or another disk's
    if (record.SR !== sr) return { state: 'unusable', detail: 'it lies on another storage repository' }
    if (record.snapshot_of !== live)
      return { state: 'unusable', detail: 'the VM was reverted: it belongs to another disk' }
    if (!record.cbt_enabled) return { state: 'unusable', detail: 'its tracking is gone' }
    return { state: 'usable' }
  } catch (error) {
    if (failedWith(error, UNKNOWN)) return { state: 'missing' }
    throw error
  }
}

async function holdsData(session: Session, uuid: string, signal: AbortSignal | undefined): Promise<boolean> {
  try {
    const record = await session.VDI.get_record(await session.VDI.get_by_uuid(uuid, { signal }), { signal })
    return record.is_a_snapshot && record.type !== 'cbt_metadata'
  } catch (error) {
    if (failedWith(error, UNKNOWN)) return false
    throw error
  }
}

/** Metadata-only snapshots pile up, one a run, and slow the storage down; only the newest serves as base. */
async function dropOldBases(
  context: SnapshotContext,
  disk: Disk,
  { repository, keep }: { repository: string; keep: string },
): Promise<void> {
  const { session } = context
  const live = await session.VDI.get_by_uuid(disk.vdiUuid)
  for (const ref of await session.VDI.get_snapshots(live)) {
    const record = await session.VDI.get_record(ref)
    if (record.is_a_snapshot && isMarked(record) && isLeftOver(record, repository, keep))
      await destroyDisk(context, ref)
  }
}

/**
 * A base of an earlier run, or a copy that an earlier run could not tidy: its VM snapshot is gone, so that no run is
 * reading it.
 */
function isLeftOver({ other_config: marks, type, uuid, VBDs }: VdiRecord, repository: string, keep: string): boolean {
  if (uuid === keep || marks[MARK_REPOSITORY] !== repository) return false
  return type === 'cbt_metadata' || (marks[MARK_ROLE] === 'reading' && VBDs.length === 0)
}
