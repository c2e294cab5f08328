import {
  chooseDisks,
  restoreAsNewVm,
  restoreOver,
  restoreToDirectory,
  type OpenPoint,
  type ReadBack,
  type RestoredDisk,
  type Vm,
} from '@tidemark/engine'
import { openPool, openRepo, type GlobalOptions, type PoolOptions, type RepositoryOptions } from '../connect.ts'
import { CliError } from '../error.ts'
import { ledgerOfThisMachine } from '../state.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'
import { progressView } from '../output/progress.ts'
import { moment, shortId, size } from '../output/units.ts'
import { findPoint } from './points.ts'

export interface RestoreArguments extends PoolOptions, RepositoryOptions {
  readonly newVm?: boolean
  readonly over?: boolean
  readonly toDir?: string
  readonly name?: string
  readonly disk?: readonly string[]
  readonly sr?: string
  readonly dryRun?: boolean
  /** nbd, vhd or raw; false: not read back. */
  readonly readBack?: string | false
  readonly useTracking?: boolean
  readonly safetySnapshot?: boolean
}

/** What came back, by disk of the point; files have no VDI. */
export interface Restored {
  readonly exit: ExitCode
  readonly vm: Vm | undefined
  readonly disks: readonly RestoredDisk[]
}

export async function restore(
  global: GlobalOptions,
  out: Out,
  selector: string,
  args: RestoreArguments,
): Promise<Restored> {
  const ways = [args.newVm, args.over, args.toDir !== undefined].filter(Boolean).length
  if (ways !== 1) throw new CliError('CLI_USAGE', 'say where to: one of --new-vm, --over, --to-dir <directory>')
  await using repository = await openRepo(global, args)
  await using lock = await repository.lock('shared', global.signal)
  const signal = AbortSignal.any([global.signal, lock.signal])
  const point = await findPoint(repository, selector, signal)
  out.say(`Restoring ${point.record.vm.name} as of ${moment(point.snapshot.time)} (point ${shortId(point.id)})`)
  if (args.dryRun === true) return dryRun(out, point, args)
  const context = { repository, onDisk: progressView(out).update }
  const records = chooseDisks(point, args.disk ?? [])
  if (args.toDir !== undefined) {
    const files = await restoreToDirectory(context, point, records, args.toDir, signal)
    out.result(
      { files: files.map(({ path, record }) => ({ path, vdi: record.vdi })) },
      files.map(({ path }) => path).join('\n'),
    )
    return { exit: exitCodes.done, vm: undefined, disks: [] }
  }
  await using open = await openPool(global, args)
  const onPool = { ...context, pool: open.pool, ledger: ledgerOfThisMachine() }
  if (args.over === true) {
    const safety = args.safetySnapshot === true && {
      safetySnapshot: `before the restore of point ${shortId(point.id)}`,
    }
    const options = { ...safety, readBack: readBackOf(args), useTracking: args.useTracking === true }
    const { disks, snapshots } = await restoreOver(onPool, point, records, options, signal)
    for (const uuid of snapshots) out.say(`snapshot ${uuid} holds what was there before`)
    out.result({ disks: disks.map(forPrograms), snapshots }, disks.map(diskLine).join('\n'))
    return { exit: exitCodes.done, vm: undefined, disks }
  }
  if (args.disk !== undefined && args.disk.length > 0) {
    throw new CliError('CLI_USAGE', '--new-vm restores the whole VM; use --to-dir or --over with --disk')
  }
  const name = args.name ?? `${point.record.vm.name} (restored ${moment(point.snapshot.time)})`
  const { vm, disks } = await restoreAsNewVm(
    onPool,
    point,
    { name, storage: args.sr, readBack: readBackOf(args) },
    signal,
  )
  out.result(
    { vm: { uuid: vm.uuid, name: vm.name }, disks: disks.map(forPrograms) },
    [...disks.map(diskLine), `new VM '${vm.name}' (${vm.uuid})`].join('\n'),
  )
  return { exit: exitCodes.done, vm, disks }
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

function readBackOf({ readBack = 'nbd' }: RestoreArguments): ReadBack {
  if (readBack === false) return 'off'
  if (readBack === 'nbd' || readBack === 'vhd' || readBack === 'raw') return readBack
  throw new CliError('CLI_USAGE', `--read-back takes nbd, vhd or raw, not '${readBack}'`)
}

function dryRun(out: Out, point: OpenPoint, args: RestoreArguments): Restored {
  const goal =
    args.toDir ?? (args.over === true ? 'the same disk on the pool' : (args.sr ?? 'its own storage, a new disk'))
  const disks = chooseDisks(point, args.disk ?? [])
  const lines = disks.map(({ position, name, size: bytes }) => `  disk ${position} '${name}' ${size(bytes)} -> ${goal}`)
  out.result({ dryRun: disks.map(({ position, vdi }) => ({ position, vdi, goal })) }, lines.join('\n'))
  return { exit: exitCodes.done, vm: undefined, disks: [] }
}
