import { subtract, totalLength, type Extents } from '@tidemark/blocks'
import {
  chooseDisks,
  chooseVm,
  openCounterpart,
  openOther,
  verifyDisk,
  type Counterpart,
  type DiskVerdict,
  type OpenPoint,
  type Vm,
} from '@tidemark/engine'
import {
  openPool,
  openRepo,
  type GlobalOptions,
  type OpenPool,
  type PoolOptions,
  type RepositoryOptions,
} from '../connect.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'
import { progressView } from '../output/progress.ts'
import { shortId, size } from '../output/units.ts'
import { findPoint } from './points.ts'
import { warnOfSuspect } from './suspect.ts'
import { bootPoint, bootLine, type BootArguments } from './verify-boot.ts'

export interface VerifyArguments extends PoolOptions, RepositoryOptions, BootArguments {
  readonly disk?: readonly string[]
  readonly againstPool?: boolean
  /** A VM whose disks, by position, are compared; without it the disks that the point was made of. */
  readonly vm?: string
}

export async function verify(
  global: GlobalOptions,
  out: Out,
  selector: string,
  args: VerifyArguments,
): Promise<ExitCode> {
  const { signal } = global
  await using repository = await openRepo(global, args)
  await using lock = await repository.lock('shared', signal)
  const running = AbortSignal.any([signal, lock.signal])
  const point = await findPoint(repository, selector, running)
  const againstPool = args.againstPool === true || args.vm !== undefined
  await using open = againstPool || args.boot === true ? await openPool(global, args) : undefined
  const vm = open !== undefined && args.vm !== undefined ? chooseVm(await open.pool.vms(running), args.vm) : undefined
  out.say(`Verifying point ${shortId(point.id)} of ${point.record.vm.name}${againstPool ? ' against the pool' : ''}`)
  warnOfSuspect(out, point)
  const context = { repository, onDisk: progressView(out).update }
  const verdicts: Judged[] = []
  for (const record of chooseDisks(point, args.disk ?? [])) {
    await using other = open !== undefined && againstPool ? await openOn(open, vm, record, running) : undefined
    verdicts.push(judged(await verifyDisk(context, point, record, other?.source, running), other))
  }
  await checkBitmaps(point, running)
  const differing = verdicts.filter(({ differences }) => differences.length > 0)
  const onPool = open === undefined || args.boot !== true ? undefined : { ...context, pool: open.pool }
  const booted = onPool && (await bootPoint(out, onPool, point, args, running))
  const lines = [...verdicts.map(verdictLine), ...(booted === undefined ? [] : [bootLine(booted)])]
  const boot = booted === undefined ? {} : { boot: booted }
  out.result({ point: point.id, suspect: point.suspect, disks: verdicts.map(forPrograms), ...boot }, lines.join('\n'))
  return differing.length === 0 ? exitCodes.done : exitCodes.failed
}

/** What was found, in comparison with what, and the differences that the pool does not explain; undefined where it cannot tell. */
interface Judged extends DiskVerdict {
  readonly with: Counterpart['kind'] | undefined
  readonly unexplained: Extents | undefined
}

const judged = (verdict: DiskVerdict, other: Counterpart | undefined): Judged => ({
  ...verdict,
  with: other?.kind,
  unexplained: other?.since && subtract(verdict.differences, other.since),
})

const openOn = (
  { pool }: OpenPool,
  vm: Vm | undefined,
  record: DiskVerdict['record'],
  signal: AbortSignal,
): Promise<Counterpart> =>
  vm === undefined ? openCounterpart(pool, record, signal) : openOther(pool, vm, record, signal)

/** The bitmaps are small; reading them checks their blobs. The VM's settings were read with the point. */
async function checkBitmaps(point: OpenPoint, signal: AbortSignal): Promise<void> {
  for (const disk of point.parts.disks) await disk.bitmap(signal)
}

const forPrograms = ({ record, checked, compared, with: other, differences, unexplained }: Judged) => ({
  position: record.position,
  vdi: record.vdi,
  checked,
  compared,
  ...(other && { with: other }),
  differences,
  ...(unexplained && { unexplained }),
})

function verdictLine({ record, checked, compared, with: other, differences, unexplained }: Judged): string {
  const what = other === 'snapshot' ? 'the snapshot that it was made of' : 'the disk on the pool'
  const hashed = `disk ${record.position}: ${size(checked)} of data decrypted and hashed`
  if (!compared) return hashed
  if (differences.length === 0) return `${hashed}, and equal to ${what}, byte for byte`
  const [first] = differences
  return `${hashed}; DIFFERS from ${what} in ${differences.length} places, ${size(totalLength(differences))}, first at ${first?.offset}${other === 'snapshot' ? '; the point is wrong' : explained(unexplained)}`
}

function explained(unexplained: Extents | undefined): string {
  if (unexplained === undefined) return ''
  if (unexplained.length === 0) return "; all of it was written since the point, says the pool's tracking"
  return `; ${size(totalLength(unexplained))} of it was never written since, says the pool's tracking: it or the point is wrong`
}
