import {
  checkTargets,
  chooseDisks,
  chooseVm,
  planNewDisks,
  planNewVm,
  restoreNewDisks,
  restoreOver,
  restorePlanned,
  restoreToDirectory,
  type DiskRecord,
  type Mapping,
  type OpenPoint,
  type ReadBack,
  type RestoreContext,
  type RestoredDisk,
  type Vm,
} from '@tidemark/engine'
import { openPool, openRepo, type GlobalOptions, type PoolOptions, type RepositoryOptions } from '../connect.ts'
import { CliError } from '../error.ts'
import { ledgerOfThisMachine } from '../state.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'
import { progressView } from '../output/progress.ts'
import { diskForPrograms, diskText, planForPrograms, planText } from '../output/restore-plan.ts'
import { moment, shortId, size } from '../output/units.ts'
import { findPoint } from './points.ts'
import { assertAccepted, warnOfSuspect } from './suspect.ts'

export interface RestoreArguments extends PoolOptions, RepositoryOptions {
  readonly newVm?: boolean
  readonly newDisk?: boolean
  readonly over?: boolean
  readonly toDir?: string
  readonly name?: string
  readonly disk?: readonly string[]
  readonly attachTo?: string
  readonly sr?: string
  readonly mapSr?: readonly string[]
  readonly mapNetwork?: readonly string[]
  readonly mac?: string
  readonly plan?: boolean
  readonly dryRun?: boolean
  /** nbd, vhd or raw; false: not read back. */
  readonly readBack?: string | false
  readonly useTracking?: boolean
  readonly safetySnapshot?: boolean
  readonly acceptSuspect?: boolean
}

/** What came back, by disk of the point; files have no VDI. */
export interface Restored {
  readonly exit: ExitCode
  readonly vm: Vm | undefined
  readonly disks: readonly RestoredDisk[]
}

const nothing: Restored = { exit: exitCodes.done, vm: undefined, disks: [] }

/** One restore: what was asked, where to tell of it, and what it works on. */
interface Job {
  readonly out: Out
  readonly args: RestoreArguments
  readonly point: OpenPoint
  readonly signal: AbortSignal
  /** Whether to stop at the plan. */
  readonly isPlan: boolean
}

export async function restore(
  global: GlobalOptions,
  out: Out,
  selector: string,
  args: RestoreArguments,
): Promise<Restored> {
  const ways = [args.newVm, args.newDisk, args.over, args.toDir !== undefined].filter(Boolean).length
  if (ways !== 1) {
    throw new CliError('CLI_USAGE', 'say where to: one of --new-vm, --new-disk, --over, --to-dir <directory>')
  }
  if (args.newVm === true && args.disk !== undefined) {
    throw new CliError('CLI_USAGE', '--new-vm restores the whole VM; use --new-disk, --over or --to-dir with --disk')
  }
  await using repository = await openRepo(global, args)
  await using lock = await repository.lock('shared', global.signal)
  const signal = AbortSignal.any([global.signal, lock.signal])
  const point = await findPoint(repository, selector, signal)
  const isPlan = args.plan === true || args.dryRun === true
  if (!isPlan) assertAccepted(point, args.acceptSuspect === true)
  out.say(`Restoring ${point.record.vm.name} as of ${moment(point.snapshot.time)} (point ${shortId(point.id)})`)
  warnOfSuspect(out, point)
  const job: Job = { out, args, point, signal, isPlan }
  const context = { repository, onDisk: progressView(out).update }
  const records = chooseDisks(point, args.disk ?? [])
  if (args.toDir !== undefined) return await toFiles(job, context, records, args.toDir)
  await using open = await openPool(global, args)
  const onPool = { ...context, pool: open.pool, ledger: ledgerOfThisMachine() }
  if (args.over === true) return await over(job, onPool, records)
  return args.newDisk === true ? await asNewDisks(job, onPool, records) : await asNewVm(job, onPool)
}

async function asNewVm({ out, args, point, signal, isPlan }: Job, context: RestoreContext): Promise<Restored> {
  const name = args.name ?? `${point.record.vm.name} (restored ${moment(point.snapshot.time)})`
  const plan = await planNewVm(context.pool, point, { name, ...mappingOf(args) }, signal)
  if (isPlan) {
    out.result({ plan: planForPrograms(plan) }, planText(plan))
    return nothing
  }
  out.event({ type: 'plan', plan: planForPrograms(plan) })
  out.say(planText(plan))
  const { vm, disks } = await restorePlanned(context, point, plan, { readBack: readBackOf(args) }, signal)
  out.result(
    { vm: { uuid: vm.uuid, name: vm.name }, disks: disks.map(forPrograms) },
    [...disks.map(diskLine), `new VM '${vm.name}' (${vm.uuid})`].join('\n'),
  )
  return { exit: exitCodes.done, vm, disks }
}

async function asNewDisks(
  { out, args, point, signal, isPlan }: Job,
  context: RestoreContext,
  records: readonly DiskRecord[],
): Promise<Restored> {
  const { pool } = context
  const target = args.attachTo === undefined ? undefined : chooseVm(await pool.vms(signal), args.attachTo)
  const placements = await planNewDisks(pool, point, records, mappingOf(args), signal)
  const goal = target === undefined ? 'attached to no VM' : `attached to '${target.name}' (${target.uuid})`
  const text = placements.map((each) => `  disk ${each.record.position}  ${diskText(each)}; ${goal}`).join('\n')
  const plan = { disks: placements.map(diskForPrograms), attachTo: target?.uuid ?? null }
  if (isPlan) {
    out.result({ plan }, `plan: new disks\n${text}`)
    return nothing
  }
  out.event({ type: 'plan', plan })
  out.say(`plan: new disks\n${text}`)
  const options = { readBack: readBackOf(args), ...(target !== undefined && { attachTo: target.uuid }) }
  const disks = await restoreNewDisks(context, point, placements, options, signal)
  const lines = disks.map((disk) => `${diskLine(disk)}; new disk ${disk.vdiUuid}`)
  out.result({ disks: disks.map(forPrograms) }, lines.join('\n'))
  return { exit: exitCodes.done, vm: undefined, disks }
}

async function over(
  { out, args, point, signal, isPlan }: Job,
  context: RestoreContext,
  records: readonly DiskRecord[],
): Promise<Restored> {
  await checkTargets(context.pool, records, signal)
  const lines = records.map(
    ({ position, name, vdi, size: bytes }) =>
      `  disk ${position}  '${name}' ${size(bytes)}, over ${vdi}: what differs is written`,
  )
  const plan = records.map(({ position, vdi, size: bytes }) => ({ position, vdi, size: bytes, goal: vdi }))
  const text = `plan: over the pool's own disks\n${lines.join('\n')}`
  if (isPlan) {
    out.result({ plan: { disks: plan } }, text)
    return nothing
  }
  out.event({ type: 'plan', plan: { disks: plan } })
  out.say(text)
  const safety = args.safetySnapshot === true && { safetySnapshot: `before the restore of point ${shortId(point.id)}` }
  const options = { ...safety, readBack: readBackOf(args), useTracking: args.useTracking === true }
  const { disks, snapshots } = await restoreOver(context, point, records, options, signal)
  for (const uuid of snapshots) out.say(`snapshot ${uuid} holds what was there before`)
  out.result({ disks: disks.map(forPrograms), snapshots }, disks.map(diskLine).join('\n'))
  return { exit: exitCodes.done, vm: undefined, disks }
}

async function toFiles(
  { out, point, signal, isPlan }: Job,
  context: Pick<RestoreContext, 'repository' | 'onDisk'>,
  records: readonly DiskRecord[],
  directory: string,
): Promise<Restored> {
  if (isPlan) {
    const lines = records.map(({ position, name, size: bytes }) => `  disk ${position}  '${name}' ${size(bytes)}`)
    const plan = { disks: records.map(({ position, vdi }) => ({ position, vdi, goal: directory })) }
    out.result({ plan }, `plan: raw files in ${directory}\n${lines.join('\n')}`)
    return nothing
  }
  const files = await restoreToDirectory(context, point, records, directory, signal)
  out.result(
    { files: files.map(({ path, record }) => ({ path, vdi: record.vdi })) },
    files.map(({ path }) => path).join('\n'),
  )
  return nothing
}

function mappingOf({ sr, mapSr = [], mapNetwork = [], mac }: RestoreArguments): Mapping {
  if (mac !== undefined && mac !== 'keep' && mac !== 'new') {
    throw new CliError('CLI_USAGE', `--mac takes keep or new, not '${mac}'`)
  }
  return {
    storage: sr,
    mapStorage: pairs('--map-sr', mapSr),
    mapNetwork: pairs('--map-network', mapNetwork),
    ...(mac !== undefined && { mac }),
  }
}

/** `old=new`, split at the first `=`: for a name that holds one, its UUID serves. */
function pairs(option: string, texts: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    texts.map((text) => {
      const at = text.indexOf('=')
      if (at <= 0 || at === text.length - 1)
        throw new CliError('CLI_USAGE', `${option} takes <old>=<new>, not '${text}'`)
      return [text.slice(0, at), text.slice(at + 1)]
    }),
  )
}

const forPrograms = ({ record, vdiUuid, filled }: RestoredDisk) => ({
  position: record.position,
  from: record.vdi,
  to: vdiUuid,
  written: filled.written,
  compared: filled.compared,
  verified: filled.isVerified,
})

function diskLine({ record, filled }: RestoredDisk): string {
  const proof = filled.isVerified ? 'read back and equal to the point' : 'not read back'
  return `disk ${record.position} '${record.name}': ${size(filled.written)} of ${size(record.size)} written, ${proof}`
}

function readBackOf({ readBack = 'auto' }: RestoreArguments): ReadBack {
  if (readBack === false) return 'off'
  if (readBack === 'auto' || readBack === 'nbd' || readBack === 'vhd' || readBack === 'raw') return readBack
  throw new CliError('CLI_USAGE', `--read-back takes auto, nbd, vhd or raw, not '${readBack}'`)
}
