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
import { proved, type Proof } from '../proofs.ts'
import { proofsOfThisMachine } from '../state.ts'
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
  const log = proofsOfThisMachine(repository.id)
  const note = async (proof: Omit<Proof, 'at'>) => {
    if (args.disk === undefined) await log.note(point.id, proof) // a disk alone says nothing of the others
  }
  const records = chooseDisks(point, args.disk ?? [])
  const openBeside = open === undefined || !againstPool ? undefined : besideOf(open, vm, running)
  const judge = () => judgeDisks(context, point, records, openBeside, running)
  const verdicts = await proved(note, 'hashed', judge, hashedText)
  const differing = verdicts.filter(({ differences }) => differences.length > 0)
  const compared = comparisonOf(verdicts)
  if (compared !== undefined) await note(compared)
  const onPool = open === undefined || args.boot !== true ? undefined : { ...context, pool: open.pool }
  const start = onPool && (() => bootPoint(out, onPool, point, args, running))
  const booted = start && (await proved(note, 'booted', start, bootLine))
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

/** Opens what a disk is compared with. */
type OpenBeside = (record: DiskVerdict['record']) => Promise<Counterpart>

const besideOf =
  ({ pool }: OpenPool, vm: Vm | undefined, signal: AbortSignal): OpenBeside =>
  (record) =>
    vm === undefined ? openCounterpart(pool, record, signal) : openOther(pool, vm, record, signal)

async function judgeDisks(
  context: Parameters<typeof verifyDisk>[0],
  point: OpenPoint,
  records: readonly DiskVerdict['record'][],
  openBeside: OpenBeside | undefined,
  signal: AbortSignal,
): Promise<Judged[]> {
  const verdicts: Judged[] = []
  for (const record of records) {
    await using other = await openBeside?.(record)
    verdicts.push(judged(await verifyDisk(context, point, record, other?.source, signal), other))
  }
  await checkBitmaps(point, signal)
  return verdicts
}

const hashedText = (verdicts: readonly Judged[]): string =>
  `${size(verdicts.reduce((sum, { checked }) => sum + checked, 0))} of data in ${verdicts.length === 1 ? '1 disk' : `${verdicts.length} disks`}`

/** What a comparison proves: that all disks are equal, or that one differs from its own snapshot. Guests write to live disks. */
function comparisonOf(verdicts: readonly Judged[]): Omit<Proof, 'at'> | undefined {
  const wrong = verdicts.find(({ with: other, differences }) => other === 'snapshot' && differences.length > 0)
  if (wrong !== undefined) return { step: 'compared', passed: false, detail: verdictLine(wrong) }
  const areEqual =
    verdicts.length > 0 && verdicts.every(({ compared, differences }) => compared && differences.length === 0)
  return areEqual ? { step: 'compared', passed: true, detail: hashedText(verdicts) } : undefined
}

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
