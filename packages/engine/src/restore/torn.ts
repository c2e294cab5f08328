import type { Ledger, RunHeader, UnfinishedRun } from '../ledger/ledger.ts'
import type { RestoreTarget } from '../pool.ts'

/** A disk of the pool that a restore had begun to overwrite when it was cut off: part of it is the point's, part what was there. */
export interface TornDisk {
  readonly uuid: string
  readonly name: string
  readonly position: number
  /** ID of the restore point. */
  readonly point: string
}

/** The disks that a run left half written, as its journal tells. */
export function tornDisks({ steps }: Pick<UnfinishedRun, 'steps'>): readonly TornDisk[] {
  const torn = new Map<string, TornDisk>()
  for (const each of steps) {
    const { step } = each
    if (step === 'overwrite') {
      torn.set(each.disk, { uuid: each.disk, name: each.name, position: each.position, point: each.point })
    } else if (step === 'overwritten') torn.delete(each.disk)
  }
  return [...torn.values()]
}

/** Those of runs that ended so which the pool does not have under their UUIDs: destroyed, or moved to another storage. */
export async function goneTorn(
  pool: Pick<RestoreTarget, 'diskState'>,
  crashed: readonly UnfinishedRun[],
  signal?: AbortSignal,
): Promise<readonly TornDisk[]> {
  const gone: TornDisk[] = []
  for (const disk of crashed.flatMap(tornDisks)) {
    if ((await pool.diskState(disk.uuid, signal)) === undefined) gone.push(disk)
  }
  return gone
}

/** Forgets runs that were cut off while they wrote disks which are whole by now. */
export async function forgetTorn(ledger: Ledger, { pool }: RunHeader, whole: ReadonlySet<string>): Promise<void> {
  for (const run of await ledger.unfinished()) {
    const torn = run.isAlive || run.header.pool !== pool ? [] : tornDisks(run)
    if (torn.length > 0 && torn.every(({ uuid }) => whole.has(uuid))) await ledger.forget(run.run)
  }
}
