import type { Snapshot } from '../format/snapshot.ts'

/** restic's rule for a snapshot that was copied before: the same origin, and everything the same but the parent. */
export function sameSnapshot(a: Snapshot, b: Snapshot): boolean {
  return (
    (a.original ?? a.id) === (b.original ?? b.id) &&
    a.time.getTime() === b.time.getTime() &&
    a.tree === b.tree &&
    a.hostname === b.hostname &&
    a.username === b.username &&
    sameSet(a.paths, b.paths) &&
    sameSet(a.tags ?? [], b.tags ?? []) &&
    (a.excludes ?? []).join('\0') === (b.excludes ?? []).join('\0')
  )
}

const sameSet = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((each) => b.includes(each))
