import { bytes, forEachBounded } from '@tidemark/blocks'
import {
  auditDefaults,
  backupDefaults,
  backupVm,
  chooseVm,
  explain,
  explainAfresh,
  Limits,
  planBackup,
  resumableSnapshot,
  systemClock,
  unusualDefaults,
  type BackupContext,
  type BackupEvent,
  type BackupOptions,
  type BackupResult,
  type SourceKind,
  type Vm,
  type VmPlan,
  type Wait,
} from '@tidemark/engine'
import { openHooks, type HookArguments, type JobHooks } from '../hooks/job.ts'
import type { GlobalOptions, PoolOptions, RepositoryOptions } from '../connect.ts'
import { openPool, openRepo } from '../connect.ts'
import { codeOf, describe, exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'
import { verdictForPrograms, verdictLine } from '../output/verdict.ts'
import { progressView } from '../output/progress.ts'
import { shareOut } from '../output/shared.ts'
import { table } from '../output/table.ts'
import { duration, moment, shortId, size } from '../output/units.ts'
import { runLimits } from '../limits.ts'
import { chooseVms, checkDisks, isIncluded, type SelectionArguments } from './vm-selection.ts'
import { ledgerOfThisMachine } from '../state.ts'
import { TOOL } from '../version.ts'

export interface BackupArguments extends PoolOptions, RepositoryOptions, SelectionArguments, HookArguments {
  readonly full?: boolean
  readonly source?: SourceKind
  readonly tag?: readonly string[]
  readonly ignoreSpace?: boolean
  /** Runs within which every unchanged block is compared, or 'off'. */
  readonly audit?: number | 'off'
  /** How many times the usual change is unusual, or 'off'. */
  readonly unusual?: number | 'off'
  /** Bytes; less than so many are never unusual, neither in their number nor in how they compress. */
  readonly unusualAtLeast?: number
  /** False: neither go on with a run that was cut, nor leave one that is cut to the next. */
  readonly resume?: boolean
}

/** One finished run, for the caller and for the table. */
export interface BackupRun extends BackupResult {
  readonly seconds: number
}

/** A VM whose run failed, as programs are told; the others go on. */
interface BackupFailure {
  readonly vm: string
  readonly code: string | null
  readonly message: string
}

export async function backup(
  global: GlobalOptions,
  out: Out,
  selectors: readonly string[],
  args: BackupArguments,
): Promise<{ exit: ExitCode; runs: readonly BackupRun[] }> {
  using hooks = await openHooks(global, args)
  const work = () => backUpChosen(global, out, selectors, args, hooks) // needs the pool and the repository, which hooks may bring
  const { result, failures } = await hooks.around({ span: 'run', out }, work, runFacts, global.signal)
  const { runs, failed } = result
  out.result({ points: runs.map(summaryOf), failed }, runs.length + failed.length > 1 ? runTable(runs) : '')
  return { exit: failures.length > 0 && failed.length === 0 ? exitCodes.attention : exitOf(result), runs }
}

interface Outcome {
  readonly runs: readonly BackupRun[]
  readonly failed: readonly BackupFailure[]
}

const exitOf = ({ runs, failed }: Outcome): ExitCode => {
  if (failed.length > 0) return exitCodes.failed
  return runs.every(({ clean }) => clean) ? exitCodes.done : exitCodes.attention
}

const runFacts = (outcome: Outcome) => {
  const exit = exitOf(outcome)
  return {
    TIDEMARK_RESULT: exit === exitCodes.done ? 'done' : exit === exitCodes.attention ? 'attention' : 'failed',
    TIDEMARK_VMS_DONE: String(outcome.runs.length),
    TIDEMARK_VMS_FAILED: String(outcome.failed.length),
  }
}

const vmFacts = ({ clean, point }: BackupRun, warnings: readonly Error[]) => ({
  TIDEMARK_RESULT: clean && warnings.length === 0 ? 'done' : 'attention',
  TIDEMARK_POINT: point.id,
})

async function backUpChosen(
  global: GlobalOptions,
  out: Out,
  selectors: readonly string[],
  args: BackupArguments,
  hooks: JobHooks,
): Promise<Outcome> {
  await using open = await openPool(global, args)
  await using repository = await openRepo(global, args)
  const all = await open.pool.vms(global.signal)
  const { chosen } = chooseVms(out, all, selectors, args) // all names first: nothing half-done by a typo
  checkDisks(chosen, args)
  sayUnknown(out, hooks.unknownVms(all))
  const limits = new Limits(runLimits(open.limits))
  const context = {
    pool: open.pool,
    repository,
    clock: systemClock,
    tool: TOOL,
    ledger: ledgerOfThisMachine(),
    limits,
  }
  const outcomes: (BackupRun | BackupFailure)[] = []
  const outOf = outOfEach(out, Math.min(limits.options.vms, chosen.length))
  const backUp = async ([i, vm]: [number, Vm], signal: AbortSignal) => {
    const own = outOf(vm)
    const on = narrate(own)
    try {
      using _place = await limits.vm(vm, (wait) => on({ type: 'waiting', wait }), signal)
      const run = () => backupOne({ ...context, on, hooks: hooks.aroundSnapshot(own) }, own, vm, args, signal)
      const { result, failures } = await hooks.around({ span: 'vm', vm, out: own }, run, vmFacts, signal)
      outcomes[i] = { ...result, clean: result.clean && failures.length === 0 }
    } catch (error) {
      if (global.signal.aborted || chosen.length === 1) throw error
      const failure = { vm: vm.name, code: codeOf(error) ?? null, message: describe(error) }
      outcomes[i] = failure
      own.event({ type: 'failed', ...failure })
      own.say(`  FAILED: ${failure.message}`)
    } finally {
      own.live('')
    }
  }
  await forEachBounded(chosen.entries(), chosen.length, backUp, global.signal) // as many as the limits let
  const runs = outcomes.filter((outcome) => 'point' in outcome)
  return { runs, failed: outcomes.filter((outcome) => 'message' in outcome) }
}

function sayUnknown(out: Out, names: readonly string[]): void {
  for (const name of names) {
    out.event({ type: 'hook-without-vm', name })
    out.say(`attention: a hook is for '${name}', and no VM of the pool has this name or UUID`)
  }
}

/** Several at once say whose each line is. */
function outOfEach(out: Out, atOnce: number): (vm: Vm) => Out {
  const share = shareOut(out)
  return ({ uuid, name }) => {
    const labelled = share(name, { vm: { uuid, name } })
    if (atOnce > 1) return labelled
    return { ...labelled, say: (text) => out.say(text), live: (text) => out.live(text) }
  }
}

async function backupOne(
  context: BackupContext,
  out: Out,
  { uuid, name, powerState }: Vm,
  args: BackupArguments,
  signal: AbortSignal,
): Promise<BackupRun> {
  const startedAt = performance.now()
  out.say(`Backing up ${name} (${powerState.toLowerCase()})`)
  const vm = chooseVm(await context.pool.vms(signal), uuid) // as it is now: disks come and go while others are backed up
  const result = await backupVm(context, vm, optionsOf(args), signal)
  const seconds = (performance.now() - startedAt) / 1000
  out.event({ type: 'point', id: result.point.id, vm: name })
  out.say(`  point ${shortId(result.point.id)} in ${duration(seconds * 1000)}`)
  return { ...result, seconds }
}

/** The plan is that of a run which begins anew; one that goes on has its own. */
function tellCut(out: Out, { uuid, name }: Vm, { takenAt, until }: { takenAt: Date; until: Date }): void {
  out.event({ type: 'resumable', vm: { uuid, name }, takenAt, until })
  out.say(
    `${name}: a run was cut; until ${moment(until)} the next goes on with its snapshot of ${moment(takenAt)}, else:`,
  )
}

export async function plan(
  global: GlobalOptions,
  out: Out,
  selectors: readonly string[],
  args: BackupArguments,
): Promise<ExitCode> {
  await using open = await openPool(global, args)
  await using repository = await openRepo(global, args)
  const all = await open.pool.vms(global.signal)
  const context = { pool: open.pool, repository, ledger: ledgerOfThisMachine(), clock: systemClock }
  const plans: VmPlan[] = []
  const { chosen, leftOut } = chooseVms(out, all, selectors, args)
  for (const vm of chosen) {
    const cut = await resumableSnapshot(context, vm)
    if (cut !== undefined) tellCut(out, vm, cut)
    plans.push((await planBackup(context, vm, optionsOf(args), global.signal)).plan)
  }
  const without = leftOut.map(({ vm, reason }) => ({ vm: { uuid: vm.uuid, name: vm.name }, reason }))
  out.result({ plans: plans.map(planForPrograms), leftOut: without }, plans.map(planText).join('\n\n'))
  return exitCodes.done
}

function optionsOf(args: BackupArguments): BackupOptions {
  return {
    ...backupDefaults,
    full: args.full ?? false,
    source: args.source,
    include: (disk) => isIncluded(disk, args),
    tags: args.tag ?? [],
    ignoreSpace: args.ignoreSpace ?? false,
    audit: auditOf(args),
    unusual: unusualOf(args),
    resume: args.resume === false ? undefined : backupDefaults.resume,
  }
}

const auditOf = ({ audit = auditDefaults.runs }: BackupArguments) =>
  audit === 'off' ? undefined : { ...auditDefaults, runs: audit }

function unusualOf({ unusual: factor = unusualDefaults.factor, unusualAtLeast }: BackupArguments) {
  if (factor === 'off') return undefined
  if (unusualAtLeast === undefined) return { ...unusualDefaults, factor }
  const least = bytes(unusualAtLeast)
  return { factor, atLeast: least, newAtLeast: least }
}

function narrate(out: Out): (event: BackupEvent) => void {
  const view = progressView(out)
  return (event) => {
    switch (event.type) {
      case 'plan':
        out.event({ type: 'plan', ...planForPrograms(event.plan) })
        return out.say(event.plan.disks.map(diskPlanLine).join('\n'))
      case 'replan':
        out.event({ type: 'replan', disk: diskPlanForPrograms(event.plan) })
        return out.say(diskPlanLine(event.plan))
      case 'wrong-bitmap':
        out.event({ type: 'wrong-bitmap', disk: diskPlanForPrograms(event.plan), differing: event.differing })
        return out.say(`  ALARM: ${diskPlanLine(event.plan).trim()}`)
      case 'suspects':
        out.event({ type: 'suspects', points: event.points })
        return out.say(`  these points may lack changes: ${event.points.map(shortId).join(', ')}`)
      case 'unusual': {
        const { disk, unusual } = event
        out.event({ type: 'unusual', vdi: disk.vdi, position: disk.position, changed: disk.bytes.changed, ...unusual })
        return out.say(
          `  UNUSUAL: ${size(disk.bytes.changed)} of disk ${disk.position} changed, where ${size(unusual.usual)} are usual: look at the VM; its older points are held (docs/runs.md)`,
        )
      }
      case 'incompressible': {
        const { disk, incompressible } = event
        out.event({
          type: 'incompressible',
          vdi: disk.vdi,
          position: disk.position,
          new: disk.bytes.new,
          ...incompressible,
        })
        return out.say(
          `  UNUSUAL: ${size(disk.bytes.new)} that are new on disk ${disk.position} do not compress, where usually ${Math.round(100 * (1 - incompressible.usual))}% goes: it may be being encrypted`,
        )
      }
      case 'leftover':
        out.event({ type: 'leftover', ...verdictForPrograms(event.verdict) })
        return out.say(`  ${verdictLine(event.verdict)}`)
      case 'resumed': {
        const { times, takenAt } = event
        out.event({ type: 'resumed', takenAt, times })
        return out.say(`  goes on with the snapshot of ${moment(takenAt)}, whose run was cut`)
      }
      case 'afresh':
        out.event({ type: 'afresh', ...event.why })
        return out.say(`  a run before was cut; this one begins anew: ${explainAfresh(event.why)}`)
      case 'cut':
        out.event({ type: 'cut', until: event.until })
        return out.say(
          `  cut: its snapshot stays on the pool, and the next backup goes on with it, until ${moment(event.until)}`,
        )
      case 'waiting':
        out.event({ type: 'waiting', ...waitForPrograms(event.wait) })
        return event.wait.for === 'snapshot' ? out.say(`  ${waitLine(event.wait)}`) : undefined
      case 'stage':
        return out.event({ type: 'stage', stage: event.stage })
      case 'disk':
        return view.update(event.progress)
      case 'attention':
        out.event({ type: 'attention', message: event.message, cause: describe(event.cause) })
        return out.say(`  attention: ${event.message}\n  ${describe(event.cause)}`)
      default:
        return event satisfies never
    }
  }
}

const diskPlanLine = (plan: VmPlan['disks'][number]): string => {
  const { position, name, size: bytes } = plan.disk
  const about = plan.estimate === 0 ? '' : `, about ${size(plan.estimate)}`
  return `  disk ${position} '${name}' ${size(bytes)}: ${plan.action} over ${plan.source}${about} - ${explain(plan)}`
}

function waitForPrograms(wait: Wait): object {
  switch (wait.for) {
    case 'host':
      return wait
    case 'snapshot':
      return { ...wait, storages: wait.storages.map(({ uuid, name }) => ({ uuid, name })) }
    case 'disk':
      return { for: wait.for, position: wait.disk.position, vdi: wait.disk.vdiUuid }
    default:
      return wait satisfies never
  }
}

const waitLine = ({ storages, most }: Extract<Wait, { for: 'snapshot' }>): string =>
  `waits: ${most === 1 ? 'a snapshot is' : `${most} snapshots are`} open on ${storages.map(({ name }) => `'${name}'`).join(' or ')} (limit storageSnapshots)`

const planText = ({ vm, disks }: VmPlan): string => [`${vm.name} (${vm.uuid})`, ...disks.map(diskPlanLine)].join('\n')

const planForPrograms = ({ vm, disks }: VmPlan) => ({
  vm: { uuid: vm.uuid, name: vm.name },
  disks: disks.map(diskPlanForPrograms),
})

const diskPlanForPrograms = (plan: VmPlan['disks'][number]) => ({
  position: plan.disk.position,
  vdi: plan.disk.vdiUuid,
  size: plan.disk.size,
  action: plan.action,
  source: plan.source,
  reason: plan.action === 'incremental' ? 'tracked' : plan.reason,
  estimate: plan.estimate,
  sentence: explain(plan),
})

const summaryOf = ({ point, record, seconds, clean }: BackupRun) => ({
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
