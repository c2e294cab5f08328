import type { Repository } from '@tidemark/repository'
import { cutRunOf, overLimit } from './checkpoint/limit.ts'
import { systemClock, type Clock } from './clock.ts'
import type { Ledger, RunStep, UnfinishedRun } from './ledger/ledger.ts'
import { listPoints, openPoint, vmOf, type OpenPoint, type RestorePoint } from './points.ts'
import { nothingKnown, type Leftover, type Pool, type Vm } from './pool.ts'
import { goneTorn, tornDisks, type TornDisk } from './restore/torn.ts'

/** What is to become of an object that a run of ours left on the pool. */
export interface Verdict {
  readonly leftover: Leftover
  readonly action:
    /** Its restore point exists: its data go and its tracking is kept, as its run would have done. */
    | 'finish'
    /** Nothing needs it. */
    | 'remove'
    /** It is needed, in use, or another repository's. */
    | 'leave'
    /** Somebody should look. */
    | 'report'
  readonly why: string
  /** The point that `finish` is for. */
  readonly point?: string
  /** Until then the next run may go on with it; it is left so long. */
  readonly resumableUntil?: Date
}

/** What there is to tidy. */
export interface Inspection {
  readonly verdicts: readonly Verdict[]
  /** Journals of runs that are over and that these verdicts are about: once they are carried out, nothing needs them. */
  readonly over: readonly UnfinishedRun[]
}

export interface JanitorContext {
  readonly pool: Pool
  readonly repository: Repository
  readonly ledger: Ledger
  readonly clock?: Clock
}

export interface JanitorOptions {
  /** Only what a run of this VM left of its snapshots; everything without. */
  readonly vm?: Vm
  /** Whether other processes work with the repository now: what is marked may be theirs. */
  readonly othersAtWork: boolean
  /** Whether snapshots that the next run can go on with are left to it, as they are without this. */
  readonly leaveResumable?: boolean
}

/**
 * Looks at everything that runs of ours left on the pool, and says what should become of it. Reads only.
 * @throws what the pool and the repository throw
 */
export async function inspectPool(
  { pool, repository, ledger, clock = systemClock }: JanitorContext,
  options: JanitorOptions,
  signal?: AbortSignal,
): Promise<Inspection> {
  const runs = (await ledger.unfinished()).filter(
    ({ header }) => header.pool === pool.identity.uuid && header.repository === repository.id,
  )
  const crashed = runs.filter(({ isAlive }) => !isAlive)
  const running = runs.filter(({ isAlive }) => isAlive)
  const { vm } = options
  const all = await pool.leftovers(namesOf(runs), signal)
  const chosen = vm === undefined ? all : all.filter((each) => isOfVm(each, vm))
  const known = await knownPoints(repository, chosen, signal)
  const evidence = { known, crashed, running, repository: repository.id, options, now: clock.now() }
  const gone = vm === undefined ? await goneTorn(pool.restore, crashed, signal) : []
  const verdicts = [...chosen.map((leftover) => judge(leftover, evidence)), ...gone.map(verdictOfGone)]
  const left = verdicts.filter(({ resumableUntil }) => resumableUntil !== undefined)
  const torn = new Set(all.flatMap(({ kind, uuid }) => (kind === 'torn-disk' ? uuid : []))) // until they are restored again
  const over = crashed
    .filter((run) => !mayGrow(run, evidence.now))
    .filter((run) => !tornDisks(run).some(({ uuid }) => torn.has(uuid)))
    .filter(({ header }) => vm === undefined || (header.kind === 'backup' && header.vm.uuid === vm.uuid))
    .filter((run) => !left.some(({ leftover }) => isOf(run, leftover)))
  return { verdicts, over }
}

/** Whether a task that was given up may still make something, which only the journal would know. */
const mayGrow = ({ steps }: UnfinishedRun, now: Date): boolean =>
  steps.some((step) => step.step === 'left' && step.until !== undefined && now < new Date(step.until))

/** Carries verdicts out; `leave` and `report` change nothing. @returns what could not be done, and why */
export async function tidyPool(
  { pool, ledger }: JanitorContext,
  { verdicts, over }: Inspection,
): Promise<readonly { readonly verdict: Verdict; readonly cause: unknown }[]> {
  const failed: { verdict: Verdict; cause: unknown }[] = []
  for (const verdict of ordered(verdicts)) {
    try {
      if (verdict.action === 'remove') await pool.removeLeftover(verdict.leftover)
      if (verdict.action === 'finish') await pool.finishLeftover(verdict.leftover, verdict.point ?? '')
    } catch (cause) {
      failed.push({ verdict, cause })
    }
  }
  if (failed.length === 0) for (const { run } of over) await ledger.forget(run)
  return failed
}

/**
 * Removes what restores that were cut left, by the journals of this machine; what cannot go now stays in them. A restore begins with it, as a
 * backup does with what backups left.
 */
export async function tidyRestores(context: JanitorContext, signal?: AbortSignal): Promise<void> {
  const { ledger } = context
  const isCut = ({ header, isAlive }: UnfinishedRun) => header.kind === 'restore' && !isAlive
  if (!(await ledger.unfinished()).some(isCut)) return
  const { verdicts, over } = await inspectPool(context, { othersAtWork: true }, signal) // what no journal knows is left
  await tidyPool(context, {
    verdicts: verdicts.filter(({ leftover: { kind } }) => kind === 'new-disk' || kind === 'new-vm'),
    over: over.filter((run) => run.header.kind === 'restore' && tornDisks(run).length === 0), // of those the doctor tells
  })
}

/** A new VM goes before its disks, a snapshot before loose copies. */
const ordered = (verdicts: readonly Verdict[]): readonly Verdict[] =>
  verdicts.toSorted((a, b) => ORDER.indexOf(a.leftover.kind) - ORDER.indexOf(b.leftover.kind))

const ORDER: readonly Leftover['kind'][] = ['new-vm', 'vm-snapshot', 'disk-snapshot', 'base', 'new-disk']

/** What a judgement depends on. */
interface Evidence {
  readonly known: KnownPoints
  readonly crashed: readonly UnfinishedRun[]
  readonly running: readonly UnfinishedRun[]
  readonly repository: string
  readonly options: JanitorOptions
  readonly now: Date
}

/** Decides for one object. Pure. */
function judge(leftover: Leftover, evidence: Evidence): Verdict {
  const { repository, running, options } = evidence
  const verdict = (action: Verdict['action'], why: string, point?: string): Verdict => ({
    leftover,
    action,
    why,
    ...(point === undefined ? {} : { point }),
  })
  if (leftover.kind === 'torn-disk') return judgeTorn(leftover, evidence, verdict)
  if (leftover.repository !== undefined && leftover.repository !== repository) {
    return verdict('leave', `it belongs to the repository ${leftover.repository.slice(0, 8)}`)
  }
  if (leftover.kind === 'base') return judgeBase(leftover, evidence, verdict)
  if (running.some((run) => isOf(run, leftover))) return verdict('leave', 'its run is under way')
  const isCrashed = evidence.crashed.some((run) => isOf(run, leftover))
  if (!isCrashed && options.othersAtWork)
    return verdict('leave', 'another process works with the repository: it may be its')
  if (leftover.kind === 'new-disk' || leftover.kind === 'new-vm') return judgeNew(leftover, verdict)
  const point = evidence.known.bySnapshot.get(leftover.uuid)
  const isOld = !isNeeded(leftover, evidence.known)
  if (point !== undefined && !isOld)
    return verdict('finish', `restore point ${point.slice(0, 8)} was made of it`, point)
  if (point !== undefined) return verdict('remove', 'a run left it, and no restore point counts from it any more')
  const resumableUntil = keptUntil(leftover, evidence)
  if (resumableUntil === undefined) return verdict('remove', 'its run was cut off, and no restore point was made of it')
  const why = `its run was cut off, and the next one can go on with it until ${resumableUntil.toISOString()}`
  return { ...verdict('leave', why), resumableUntil }
}

/** Until when the next run can go on with a snapshot. */
function keptUntil(leftover: Leftover, { crashed, options, now }: Evidence): Date | undefined {
  const run = crashed.find((each) => isOf(each, leftover))
  const cut = run && cutRunOf(run)
  if (cut?.taken.uuid !== leftover.uuid || options.leaveResumable === false) return undefined
  return overLimit(cut, now) === undefined ? cut.limit?.until : undefined
}

/** Whether a newest point counts from a disk snapshot, or from a disk of a snapshot of a VM. */
function isNeeded({ kind, uuid, disk, disks }: Leftover, { bases, unreadable }: KnownPoints): boolean {
  if (kind === 'disk-snapshot') return bases.get(disk ?? '') === uuid
  const needed = new Set(bases.values())
  return unreadable || disks.some((each) => needed.has(each))
}

type Decide = (action: Verdict['action'], why: string, point?: string) => Verdict

function judgeBase(leftover: Leftover, { known }: Evidence, verdict: Decide): Verdict {
  if (leftover.disk === undefined) return verdict('remove', 'its disk is gone')
  const needed = known.bases.get(leftover.disk)
  if (needed === leftover.uuid) return verdict('leave', 'the next increment counts from it')
  if (needed === undefined && known.unreadable) return verdict('report', 'the newest restore points cannot be read')
  return verdict('remove', 'no restore point needs it as base')
}

function judgeTorn(leftover: Leftover, { repository, running, crashed, options }: Evidence, verdict: Decide): Verdict {
  if (running.some((run) => isOf(run, leftover))) return verdict('leave', 'a restore over it is under way')
  const id = leftover.point?.slice(0, 8)
  const isElsewhere = leftover.repository !== repository
  if (!isElsewhere && options.othersAtWork && !crashed.some((run) => isOf(run, leftover))) {
    return verdict(
      'report',
      `it is being written over with restore point ${id}, or that was cut off: see who works with the repository`,
    )
  }
  const where = isElsewhere ? ` of the repository ${leftover.repository?.slice(0, 8)}` : ''
  return verdict(
    'report',
    `a restore over it was cut off: it is part what it was, part restore point ${id}${where}. Do not start its VM; run 'tidemark restore ${id} --over --disk ${leftover.position}' again`,
  )
}

/** Told once: then its journal goes. A disk that is moved within a pool is a new one, and what was noted on it is lost. */
function verdictOfGone({ uuid, name, position, point }: TornDisk): Verdict {
  const id = point.slice(0, 8)
  return {
    leftover: { ...nothingKnown, kind: 'torn-disk', uuid, name, disk: uuid, position, point },
    action: 'report',
    why: `a restore over it was cut off, and it is not on the pool any more. Where it was moved to, it has a new UUID and is still part what it was, part restore point ${id}: do not start its VM; restore that point again`,
  }
}

function judgeNew(leftover: Leftover, verdict: Decide): Verdict {
  if (leftover.kind === 'new-vm' && leftover.usedBy.length > 0) {
    return verdict('report', `a restore of '${leftover.name}' was cut off, and it runs or has disks of its own`)
  }
  return verdict('remove', 'its restore was cut off')
}

const isOf = ({ steps }: UnfinishedRun, leftover: Leftover): boolean => steps.some((step) => tellsOf(step, leftover))

function tellsOf(step: RunStep, { uuid, name, disk, disks, kind, mark }: Leftover): boolean {
  switch (step.step) {
    case 'snapshot':
      return step.name === name
    case 'snapshot-taken':
      return step.uuid === uuid || (kind === 'disk-snapshot' && step.disks.includes(disk ?? ''))
    case 'disk':
      return step.mark === mark
    case 'disk-made':
      return step.uuid === uuid || (kind === 'new-vm' && disks.includes(step.uuid))
    case 'vm-made':
      return step.uuid === uuid
    case 'overwrite':
      return step.disk === uuid
    case 'saved':
    case 'resumed':
    case 'cut':
    case 'left':
    case 'overwritten':
    case 'vm':
      return false
    default:
      return step satisfies never
  }
}

const namesOf = (runs: readonly UnfinishedRun[]): ReadonlySet<string> =>
  new Set(
    runs.flatMap(({ steps }) =>
      steps.flatMap((step) => (step.step === 'snapshot' ? step.name : step.step === 'disk' ? step.mark : [])),
    ),
  )

const isOfVm = ({ kind, vm, disk }: Leftover, { uuid, disks }: Vm): boolean =>
  (kind === 'vm-snapshot' && vm === uuid) ||
  ((kind === 'disk-snapshot' || kind === 'torn-disk') && disks.some(({ vdiUuid }) => vdiUuid === disk))

/** What the repository says of the snapshots of a pool. */
interface KnownPoints {
  /** Point by the UUID of the VM snapshot, or of a disk snapshot, that it was made of. */
  readonly bySnapshot: ReadonlyMap<string, string>
  /** By live disk: the disk snapshot that the newest point that holds it counts on. */
  readonly bases: ReadonlyMap<string, string>
  /** Whether a point could not be read. */
  readonly unreadable: boolean
}

/** Reads the newest points of the VMs concerned: a point needs the base of each of its disks until a newer one has that disk. */
async function knownPoints(
  repository: Repository,
  leftovers: readonly Leftover[],
  signal: AbortSignal | undefined,
): Promise<KnownPoints> {
  const bySnapshot = new Map<string, string>()
  const bases = new Map<string, string>()
  let unreadable = false
  if (leftovers.length === 0) return { bySnapshot, bases, unreadable }
  const points = await listPoints(repository, {}, signal)
  await repository.loadIndex(signal)
  for (const point of newestFirst(points)) {
    const open = await openPoint(repository, point, signal).catch((error: unknown) => {
      if (signal?.aborted === true) throw error
      unreadable = true
    })
    if (open !== undefined) addPoint(open, bySnapshot, bases)
  }
  return { bySnapshot, bases, unreadable }
}

function addPoint({ id, record }: OpenPoint, bySnapshot: Map<string, string>, bases: Map<string, string>): void {
  bySnapshot.set(record.snapshot, id)
  for (const { vdi, snapshot } of record.disks) {
    if (snapshot !== null) bySnapshot.set(snapshot, id)
    if (snapshot !== null && !bases.has(vdi)) bases.set(vdi, snapshot)
  }
}

/** Points looked at for each VM. */
const POINTS_A_VM = 20

function* newestFirst(points: readonly RestorePoint[]): Generator<RestorePoint> {
  const seen = new Map<string, number>()
  for (const point of points.toReversed()) {
    const vm = vmOf(point) ?? ''
    const count = (seen.get(vm) ?? 0) + 1
    seen.set(vm, count)
    if (count <= POINTS_A_VM) yield point
  }
}
