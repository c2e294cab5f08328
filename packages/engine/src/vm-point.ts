import { savePoint } from '@tidemark/repository'
import type { BackupContext, BackupOptions, BackupResult } from './backup-context.ts'
import type { DiskDone } from './disk-backup.ts'
import { slugOf, treeNameOf, type RestorePoint } from './points.ts'
import type { Vm } from './pool.ts'
import type { Run } from './run.ts'
import { oldestSuspect, suspectTag } from './suspects.ts'
import { judgeChanges, UNUSUAL } from './unusual.ts'
import { encodeVmRecord, type DiskRecord, type VmRecord } from './vm-record.ts'

/** Makes the restore point of a VM whose disks are stored, with what the run found out about it and about the points before. */
export async function saveVmPoint(
  context: BackupContext,
  vm: Vm,
  run: Run,
  disks: readonly DiskDone[],
  options: BackupOptions,
  signal: AbortSignal,
): Promise<Pick<BackupResult, 'point' | 'record'>> {
  const { history } = run.planned
  const made = recordOf(context, vm, run, disks)
  const record = { ...made, ...run.history, disks: await judgeDisks(context, made, history, options, signal) }
  const isUnusual = record.disks.some(({ unusual, incompressible }) => unusual ?? incompressible)
  const tags = [
    ...options.tags,
    ...(isUnusual ? [UNUSUAL] : []),
    ...(await suspectTags(context, record, history, signal)),
  ]
  const point = await save(context, run, { record, disks, tags }, signal)
  return { point, record }
}

/** The disks, with a word on those whose changes are not as before. */
async function judgeDisks(
  { repository, on }: BackupContext,
  { disks }: VmRecord,
  history: readonly RestorePoint[],
  { unusual: bounds }: BackupOptions,
  signal: AbortSignal,
): Promise<readonly DiskRecord[]> {
  if (bounds === undefined) return disks
  const judged: DiskRecord[] = []
  for (const disk of disks) {
    const found = await judgeChanges(repository, history, disk, bounds, signal)
    const { unusual, incompressible } = found
    if (unusual !== undefined) on({ type: 'unusual', disk, unusual })
    if (incompressible !== undefined) on({ type: 'incompressible', disk, incompressible })
    judged.push({ ...disk, ...found })
  }
  return judged
}

/** What a wrong bitmap says about the points before. */
async function suspectTags(
  { repository, on }: BackupContext,
  { disks }: VmRecord,
  history: readonly RestorePoint[],
  signal: AbortSignal,
) {
  const wrong = disks.filter(({ audit }) => audit !== undefined && audit.differing > 0)
  if (wrong.length === 0) return []
  const oldest = await Promise.all(wrong.map(({ vdi }) => oldestSuspect(repository, history, vdi, signal)))
  const first = history.findIndex((point) => oldest.includes(point))
  const since = history[first]
  if (since === undefined) return []
  on({ type: 'suspects', points: history.slice(first).map(({ id }) => id) })
  return [suspectTag(since)]
}

function recordOf(
  { pool, tool }: BackupContext,
  { uuid, name, powerState }: Vm,
  { snapshot }: Run,
  disks: readonly DiskDone[],
): VmRecord {
  return {
    schema: 1,
    tool,
    takenAt: snapshot.takenAt.toISOString(),
    pool: pool.identity,
    vm: { uuid, name, powerState },
    snapshot: snapshot.uuid,
    disks: disks.map((disk) => disk.record),
  }
}

interface VmToSave {
  readonly record: VmRecord
  readonly disks: readonly DiskDone[]
  readonly tags: readonly string[]
}

async function save(
  { repository, tool, clock }: BackupContext,
  { planned, snapshot: { takenAt }, metadata }: Run,
  { record, disks, tags }: VmToSave,
  signal: AbortSignal,
): Promise<RestorePoint> {
  const newest = planned.history.at(-1)
  const snapshot = await savePoint(
    repository,
    {
      slug: treeNameOf(record.vm.name),
      time: takenAt,
      hostname: slugOf(record.vm.name),
      paths: [`/${slugOf(record.pool.name)}/${record.vm.uuid}`],
      tags: ['tidemark', `vm-${record.vm.uuid}`, ...tags],
      ...(newest !== undefined && { parent: newest.snapshot.id }), // which restic shows
      programVersion: tool,
      vmJson: encodeVmRecord(record),
      metadata,
      disks: disks.map((disk) => disk.stored),
      endedAt: clock.now(),
    },
    signal,
  )
  return { id: snapshot.original ?? snapshot.id, snapshot }
}
