import type { BackupResult } from '@tidemark/engine'
import { table } from './table.ts'
import { shortId, size } from './units.ts'

/** One finished run, for the caller and for the table. */
export interface BackupRun extends BackupResult {
  readonly seconds: number
}

export const runForPrograms = ({ point, record, seconds, clean }: BackupRun) => ({
  id: point.id,
  vm: record.vm,
  snapshot: record.snapshot,
  disks: record.disks,
  ...(record.resumed && { resumed: record.resumed }),
  ...(record.afresh && { afresh: record.afresh }),
  seconds,
  clean,
})

/** Changed, read, new, stored and seconds, a line a run. */
export function runTable(runs: readonly BackupRun[]): string {
  const rows = runs.map(({ point, record, seconds }) => {
    const sum = (pick: (disk: (typeof record.disks)[number]) => number) => record.disks.reduce((n, d) => n + pick(d), 0)
    const actions = [...new Set(record.disks.map(({ action }) => action))].join(' and ')
    return [
      shortId(point.id),
      record.vm.name,
      actions,
      size(sum(({ bytes }) => bytes.changed)),
      size(sum(({ bytes }) => bytes.read)),
      size(sum(({ bytes }) => bytes.new)),
      size(sum(({ bytes }) => bytes.stored)),
      seconds.toFixed(1),
    ]
  })
  return table(['point', 'VM', 'run', '>changed', '>read', '>new', '>stored', '>seconds'], rows)
}
