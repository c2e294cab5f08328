import { forEachBounded } from '@tidemark/blocks'
import { backupVm, chooseVm, Limits, systemClock, type BackupContext, type Vm } from '@tidemark/engine'
import { openPool, openRepo, type GlobalOptions } from '../connect.ts'
import { codeOf, describe, exitCodes, type ExitCode } from '../exit.ts'
import { openHooks, type JobHooks } from '../hooks/job.ts'
import { runLimits } from '../limits.ts'
import { narrate } from '../output/narrate.ts'
import type { Out } from '../output/out.ts'
import { runForPrograms, runTable, type BackupRun } from '../output/runs.ts'
import { shareOut } from '../output/shared.ts'
import { duration, shortId } from '../output/units.ts'
import { ledgerOfThisMachine } from '../state.ts'
import { TOOL } from '../version.ts'
import { optionsOf, type BackupArguments } from './backup-options.ts'
import { checkDisks, chooseVms } from './vm-selection.ts'

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
  out.result({ points: runs.map(runForPrograms), failed }, runs.length + failed.length > 1 ? runTable(runs) : '')
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
