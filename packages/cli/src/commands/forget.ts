import { holdUnusual, listPoints, markSuspects } from '@tidemark/engine'
import { forget as forgetPlanned, planForget } from '@tidemark/repository'
import type { ForgetPlan, ForgetRequest, GroupBy, KeepCount, KeepRules, Span, Verdict } from '@tidemark/repository'
import { openRepo, type GlobalOptions, type RepositoryOptions } from '../connect.ts'
import { CliError } from '../error.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'
import { table } from '../output/table.ts'
import { moment, shortId } from '../output/units.ts'
import { figuresText, pruneLocked, type PruneLimits } from './prune.ts'

export interface ForgetArguments extends RepositoryOptions, PruneLimits {
  readonly keepLast?: KeepCount
  readonly keepHourly?: KeepCount
  readonly keepDaily?: KeepCount
  readonly keepWeekly?: KeepCount
  readonly keepMonthly?: KeepCount
  readonly keepYearly?: KeepCount
  readonly keepWithin?: Span
  readonly keepWithinHourly?: Span
  readonly keepWithinDaily?: Span
  readonly keepWithinWeekly?: Span
  readonly keepWithinMonthly?: Span
  readonly keepWithinYearly?: Span
  /** Each a list with commas. */
  readonly keepTag?: readonly string[]
  readonly host?: readonly string[]
  readonly vm?: readonly string[]
  readonly tag?: readonly string[]
  readonly path?: readonly string[]
  readonly groupBy?: readonly GroupBy[]
  readonly unsafeAllowRemoveAll?: boolean
  /** Forget also what is held since changes of its VM were unusual. */
  readonly ignoreUnusual?: boolean
  readonly dryRun?: boolean
  readonly prune?: boolean
}

/** Removes restore points by keep rules, or those that are named. */
export async function forget(
  global: GlobalOptions,
  out: Out,
  snapshots: readonly string[],
  args: ForgetArguments,
): Promise<ExitCode> {
  const request = requestOf(snapshots, args)
  const dryRun = args.dryRun === true
  await using repository = await openRepo(global, args)
  await using lock = await repository.lock('exclusive', global.signal)
  const judged = await planForget(repository, request, lock.signal)
  const { plan, held } =
    args.ignoreUnusual === true
      ? { plan: judged, held: [] }
      : holdUnusual(judged, await listPoints(repository, {}, lock.signal))
  out.say(planText(plan, dryRun))
  if (!dryRun) {
    await markSuspects(repository, plan.remove, global.signal) // the run that found them out may be among those that go
    const onProgress = (progress: { readonly removed: number; readonly total: number }) => {
      out.event({ type: 'forget', ...progress })
      out.live(`  removed ${progress.removed} of ${progress.total}`)
    }
    await forgetPlanned(repository, plan, lock, onProgress, global.signal)
  }
  const isPruned = args.prune === true && plan.remove.length > 0
  const figures = isPruned
    ? await pruneLocked(repository, lock, out, args, { dryRun, without: plan.remove }, global.signal)
    : undefined
  if (held.length > 0) out.say(HELD)
  out.result(
    { dryRun, groups: plan.groups.map(groupJson), removed: plan.remove, held, prune: figures ?? null },
    figures === undefined
      ? `${summary(plan, dryRun)}${adviceOf(plan, dryRun)}`
      : `${summary(plan, dryRun)}\n\n${figuresText(figures, dryRun)}`,
  )
  return held.length > 0 ? exitCodes.attention : exitCodes.done
}

const HELD =
  "attention: points are held, since a later one is tagged 'unusual'. Look at the VM, then 'tidemark tag <point> --remove unusual', or forget with --ignore-unusual"

/** @throws CliError CLI_USAGE when points are named and rules given */
function requestOf(snapshots: readonly string[], args: ForgetArguments): ForgetRequest {
  const rules = rulesOf(args)
  if (snapshots.length > 0) {
    if (Object.keys(rules).length > 0)
      throw new CliError('CLI_USAGE', 'name the points to forget, or give rules for what to keep: not both')
    return { snapshots }
  }
  const { host, vm, tag, path, groupBy, unsafeAllowRemoveAll: allowRemoveAll = false } = args
  const filter = defined({ hosts: host, vms: vm, tags: tag?.map(listOf), paths: path })
  return { rules, filter, allowRemoveAll, ...(groupBy !== undefined && { groupBy }) }
}

const rulesOf = (args: ForgetArguments): KeepRules =>
  defined({
    last: args.keepLast,
    hourly: args.keepHourly,
    daily: args.keepDaily,
    weekly: args.keepWeekly,
    monthly: args.keepMonthly,
    yearly: args.keepYearly,
    within: args.keepWithin,
    withinHourly: args.keepWithinHourly,
    withinDaily: args.keepWithinDaily,
    withinWeekly: args.keepWithinWeekly,
    withinMonthly: args.keepWithinMonthly,
    withinYearly: args.keepWithinYearly,
    tags: args.keepTag?.map(listOf),
  })

const listOf = (text: string): string[] => text.split(',').map((tag) => tag.trim())

type Defined<Fields> = { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> }

const defined = <Fields extends object>(fields: Fields): Defined<Fields> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<Fields>

function planText({ groups }: ForgetPlan, dryRun: boolean): string {
  if (groups.length === 0) return 'no snapshot is concerned'
  const verb = dryRun ? 'would go' : 'goes'
  return groups
    .map(({ name, verdicts }) => {
      const rows = verdicts.map(({ snapshot, keep, reasons }) => [
        shortId(snapshot.id),
        moment(snapshot.time),
        snapshot.hostname ?? '',
        keep ? 'stays' : verb,
        reasons.join('; '),
      ])
      return `${name === '' ? 'all snapshots' : name}\n${table(['snapshot', 'time', 'host', '', 'why'], rows)}\n`
    })
    .join('\n')
}

function summary({ groups, remove }: ForgetPlan, dryRun: boolean): string {
  const kept = groups.reduce((sum, { verdicts }) => sum + verdicts.length, 0) - remove.length
  return `${kept} stay, ${remove.length} ${dryRun ? 'would be ' : ''}forgotten`
}

const adviceOf = ({ remove }: ForgetPlan, dryRun: boolean): string =>
  remove.length === 0 || dryRun ? '' : '; their space is freed by tidemark prune'

const groupJson = ({ name, verdicts }: ForgetPlan['groups'][number]) => ({ name, verdicts: verdicts.map(verdictJson) })

const verdictJson = ({ snapshot, keep, reasons }: Verdict) => ({
  snapshot: snapshot.id,
  time: snapshot.time.toISOString(),
  host: snapshot.hostname ?? null,
  tags: snapshot.tags ?? [],
  keep,
  reasons,
})
