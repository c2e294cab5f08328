import { LabError } from '../error.ts'
import type { DiskRecord, LogRecord, State } from './catalogue.ts'

/**
 * The chains of change logs, as changes of a catalogue's state: previous snapshot ← snapshot ← disk. The log kept with
 * an element holds what changed since its parent. Rules and order as XenServer's storage manager, contract/xenapi.md §3.
 */

/** A snapshot takes the log over, and the disk goes on with the empty one in `newFile`. */
export function moveLog(draft: State, disk: string, snapshot: string, newFile: number): void {
  const { log } = recordOf(draft, disk)
  if (log === null) return
  setLog(draft, snapshot, { ...log, child: disk })
  setLog(draft, disk, { file: newFile, parent: snapshot, child: null, consistent: true })
  if (log.parent !== null) link(draft, log.parent, { child: snapshot })
}

/**
 * Takes a disk out of its chain and joins its neighbours.
 * @param merge puts what the disk and its child logged into one new log, and returns that log's file
 */
export function unlinkLog(draft: State, disk: string, merge: (child: string) => number): void {
  const { log } = recordOf(draft, disk)
  if (log === null) return
  if (log.parent !== null) link(draft, log.parent, { child: log.child })
  if (log.child !== null) {
    const consistent = log.consistent && recordOf(draft, log.child).log?.consistent === true
    link(draft, log.child, { parent: log.parent, file: merge(log.child), consistent })
  }
  setLog(draft, disk, null)
}

/** Deletes the newest log of a chain and leaves its parent without a child: nothing leads from there to here. */
export function cutLog(draft: State, disk: string): void {
  const { log } = recordOf(draft, disk)
  if (log === null) return
  if (log.parent !== null) link(draft, log.parent, { child: null })
  setLog(draft, disk, null)
}

/** One log on the way from an older state of a disk to a newer one. */
export interface Step {
  readonly size: number
  readonly log: LogRecord
}

/** Replaces the log of a disk. */
export function setLog(draft: State, disk: string, log: LogRecord | null): void {
  draft.disks.set(disk, { ...recordOf(draft, disk), log })
}

/**
 * The elements whose logs together say what changed between `from` and `to`: from the child of `from` to `to`.
 * @throws LabError LAB_CBT_SAME, LAB_CBT_UNRELATED, LAB_CBT_INCONSISTENT
 */
export function walk(state: Readonly<State>, from: string, to: string): readonly Step[] {
  if (from === to) throw new LabError('LAB_CBT_SAME', `${from} cannot be compared with itself`)
  const steps: Step[] = []
  let current = tracked(state, from, from, to)
  tracked(state, to, from, to)
  for (let at = from; at !== to;) {
    const next = current.log.child
    if (next === null) throw unrelated(from, to)
    current = tracked(state, next, from, to)
    steps.push(current)
    at = next
  }
  // looked at last: without a way from one to the other it does not matter which logs can be trusted
  if (!steps.every(isSound))
    throw new LabError('LAB_CBT_INCONSISTENT', `a change log between ${from} and ${to} is broken`)
  return steps
}

/** Whether a log can be trusted, and its disk has not shrunk since the one before. */
function isSound({ size, log }: Step, position: number, steps: readonly Step[]): boolean {
  return log.consistent && size >= (steps[position - 1]?.size ?? 0)
}

function tracked(state: Readonly<State>, disk: string, from: string, to: string): Step {
  const { size, log } = recordOf(state, disk)
  if (log === null) throw unrelated(from, to)
  return { size, log }
}

function link(draft: State, disk: string, change: Partial<LogRecord>): void {
  const { log } = recordOf(draft, disk)
  if (log !== null) setLog(draft, disk, { ...log, ...change })
}

function unrelated(from: string, to: string): LabError {
  return new LabError('LAB_CBT_UNRELATED', `no change logs lead from ${from} to ${to}`)
}

/** @throws LabError LAB_STORAGE_NOT_FOUND */
export function recordOf({ disks }: Readonly<State>, disk: string): DiskRecord {
  const record = disks.get(disk)
  if (record === undefined) throw new LabError('LAB_STORAGE_NOT_FOUND', `the storage has no disk ${disk}`)
  return record
}
