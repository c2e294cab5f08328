import { planBackup, resumableSnapshot, systemClock, type Vm, type VmPlan } from '@tidemark/engine'
import { openPool, openRepo, type GlobalOptions } from '../connect.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'
import { planForPrograms, planText } from '../output/plans.ts'
import { moment } from '../output/units.ts'
import { ledgerOfThisMachine } from '../state.ts'
import { optionsOf, type BackupArguments } from './backup-options.ts'
import { chooseVms } from './vm-selection.ts'

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

/** The plan is that of a run which begins anew; one that goes on has its own. */
function tellCut(out: Out, { uuid, name }: Vm, { takenAt, until }: { takenAt: Date; until: Date }): void {
  out.event({ type: 'resumable', vm: { uuid, name }, takenAt, until })
  out.say(
    `${name}: a run was cut; until ${moment(until)} the next goes on with its snapshot of ${moment(takenAt)}, else:`,
  )
}
