import { vm as vmClass } from './classes/vm.ts'
import { alreadyTold, refused } from './complaint.ts'
import type { Job } from './command.ts'
import type { XeRecord } from './directory.ts'
import { failureLines } from './failure.ts'
import { withoutStandard } from './params.ts'
import { select } from './select.ts'
import { XenApiError, type VmRef } from '@tidemark/xenapi'

export interface Selecting {
  /** Parameters of the command, which select nothing. */
  readonly own: readonly string[]
  readonly templates?: true
  readonly controlDomains?: true
  /** The command makes no sense for several. */
  readonly one?: true
}

/**
 * Does something to the VMs that the parameters select: `vm=` by name or uuid, everything else by field.
 * Several need `--multiple`; then each is tried, and what failed is told at the end.
 * @throws CliError CLI_XE when none or too many match
 */
export async function forVms<Result>(
  job: Job,
  selecting: Selecting,
  act: (vm: VmRef, record: XeRecord) => Promise<Result>,
): Promise<readonly Result[]> {
  const vms = await selectVms(job, selecting)
  const [first] = vms
  if (first === undefined) throw refused('No matching VMs found')
  if (vms.length === 1) return [await act(first.ref as VmRef, first)]
  if (selecting.one === true)
    throw refused('Multiple matches VMs found. Operation can only be performed on one VM at a time')
  if (!job.params.flag('multiple'))
    throw refused('Multiple matches VMs found. --multiple required to complete the operation')
  return forEach(job, vms, act)
}

async function selectVms({ pool, params }: Job, selecting: Selecting): Promise<readonly XeRecord[]> {
  const named = params.find('vm')
  const all = [...(await pool.all('VM')).values()].filter(
    ({ values }) => named === undefined || values['uuid'] === named || values['name_label'] === named,
  )
  const wanted = withoutStandard(params, 'vm').filter(([name]) => !selecting.own.includes(name.split(':')[0] ?? name))
  return select(pool, vmClass, all, [
    ...(selecting.templates === true ? [] : [['is-a-template', 'false'] as const]),
    ...(selecting.controlDomains === true ? [] : [['is-control-domain', 'false'] as const]),
    ...wanted,
  ])
}

async function forEach<Result>(
  { pool, printer }: Job,
  vms: readonly XeRecord[],
  act: (vm: VmRef, record: XeRecord) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = []
  const problems: string[] = []
  for (const vm of vms) {
    try {
      results.push(await act(vm.ref as VmRef, vm))
    } catch (error) {
      if (!(error instanceof XenApiError) || error.failure === undefined) throw error
      const lines = await failureLines(pool, error.failure)
      problems.push(`operation failed on ${String(vm.values['uuid'])}: ${lines.join('\n')}`)
    }
  }
  if (problems.length === 0) return results
  for (const problem of problems) printer.line(problem) // on the standard output: so does xe
  throw alreadyTold()
}
