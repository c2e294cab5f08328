import { RepositoryError, unlessGone } from '../error.ts'
import type { Snapshot } from '../format/snapshot.ts'
import type { SnapshotId } from '../id.ts'
import type { RepositoryLock } from '../lock.ts'
import { assertRemovable } from '../protection.ts'
import type { Repository } from '../repository.ts'
import { groupSnapshots, isUnfiltered, matches, type GroupBy, type SnapshotFilter } from './group.ts'
import { assertRules, isEmpty, judge, type JudgeOptions, type KeepRules, type Verdict } from './keep-rules.ts'

/** What to forget: by rules, or exactly these. */
export type ForgetRequest =
  | {
      readonly rules: KeepRules
      readonly filter?: SnapshotFilter
      /** By VM unless said otherwise. */
      readonly groupBy?: readonly GroupBy[]
      /** Lets a group lose its last point; with no rules, all that the filter matches. */
      readonly allowRemoveAll?: boolean
      readonly judging?: Partial<JudgeOptions>
    }
  | {
      /** Names of snapshots, or prefixes that are those of one only. */
      readonly snapshots: readonly string[]
    }

/** What would be kept and what removed, and why: nothing has happened yet. */
export interface ForgetPlan {
  readonly groups: readonly { readonly name: string; readonly verdicts: readonly Verdict[] }[]
  readonly remove: readonly SnapshotId[]
}

/**
 * Judges the snapshots of the repository. Take the exclusive lock first when the plan shall be carried out.
 * @throws RepositoryError REPOSITORY_INPUT (no rules, an ID that is none or several), REPOSITORY_LAST_POINT, REPOSITORY_DAMAGED
 */
export async function planForget(
  repository: Repository,
  request: ForgetRequest,
  signal?: AbortSignal,
): Promise<ForgetPlan> {
  if ('rules' in request) refuseEmpty(request)
  const all: Snapshot[] = []
  for await (const snapshot of repository.snapshots(signal)) all.push(snapshot)
  const groups = 'rules' in request ? byRules(all, request) : byName(all, request.snapshots)
  const remove = groups.flatMap(({ verdicts }) => verdicts.filter(({ keep }) => !keep).map((each) => each.snapshot.id))
  return { groups, remove }
}

/**
 * Removes the snapshots of a plan, oldest first. Their blobs stay until a prune; forgetting the base of an increment is fine, since the next run
 * finds the newest point that is left.
 * @param lock exclusive, held since before the plan was made
 * @throws RepositoryError REPOSITORY_APPEND_ONLY before anything was removed; BACKEND_DENIED for a snapshot that Object Lock still keeps
 */
export async function forget(
  repository: Repository,
  plan: ForgetPlan,
  lock: RepositoryLock,
  onProgress: (progress: { readonly removed: number; readonly total: number }) => void = () => {},
  signal: AbortSignal = lock.signal,
): Promise<void> {
  if (lock.kind !== 'exclusive') throw new RepositoryError('REPOSITORY_INPUT', 'to forget takes an exclusive lock')
  const stop = AbortSignal.any([signal, lock.signal])
  if (plan.remove.length > 0) await assertRemovable(repository, 'forget', stop)
  let removed = 0
  for (const id of plan.remove.toReversed()) {
    stop.throwIfAborted()
    await repository.removeSnapshot(id, stop).catch(unlessGone)
    onProgress({ removed: ++removed, total: plan.remove.length })
  }
}

function refuseEmpty({ rules, filter = {}, allowRemoveAll = false }: Extract<ForgetRequest, { rules: KeepRules }>) {
  assertRules(rules)
  if (!isEmpty(rules)) return
  if (!allowRemoveAll) {
    throw new RepositoryError(
      'REPOSITORY_INPUT',
      'there is no keep rule, so nothing is forgotten; say what to keep, for instance 7 daily and 4 weekly points',
    )
  }
  if (isUnfiltered(filter)) {
    throw new RepositoryError('REPOSITORY_INPUT', 'to forget all points of everything takes a filter that names them')
  }
}

function byRules(all: readonly Snapshot[], request: Extract<ForgetRequest, { rules: KeepRules }>) {
  const { rules, filter = {}, groupBy = ['vm'], allowRemoveAll = false, judging } = request
  const wanted = all.filter((snapshot) => matches(snapshot, filter))
  return groupSnapshots(wanted, groupBy).map(({ name, snapshots }) => {
    const verdicts = judge(snapshots, rules, judging)
    if (!allowRemoveAll && !verdicts.some(({ keep }) => keep)) throw lastPoint(name)
    return { name, verdicts }
  })
}

const lastPoint = (group: string): RepositoryError =>
  new RepositoryError(
    'REPOSITORY_LAST_POINT',
    `the rules would remove every point of ${group === '' ? 'all snapshots' : group}; nothing is forgotten. Add a rule that keeps one, or allow it`,
  )

function byName(all: readonly Snapshot[], names: readonly string[]) {
  const chosen = new Set(names.map((name) => oneOf(all, name)))
  const verdicts = Array.from(chosen, (snapshot) => ({ snapshot, keep: false, reasons: ['named'] }))
  verdicts.sort((a, b) => b.snapshot.time.getTime() - a.snapshot.time.getTime())
  return verdicts.length === 0 ? [] : [{ name: 'named', verdicts }]
}

/** A point whose tags were changed has another ID since: it is found by both. */
function oneOf(all: readonly Snapshot[], name: string): Snapshot {
  const found = all.filter(({ id, original }) => id.startsWith(name) || original?.startsWith(name) === true)
  const [first] = found
  if (first !== undefined && found.length === 1 && name !== '') return first
  const what = found.length === 0 ? 'no snapshot has that ID' : `${found.length} snapshots have IDs that begin so`
  throw new RepositoryError('REPOSITORY_INPUT', `'${name}': ${what}; nothing is forgotten`)
}
