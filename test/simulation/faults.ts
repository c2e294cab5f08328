import type { FaultPlan } from '@tidemark/lab'
import type { Random } from '../support/random.ts'
import { drawMeddling, type Meddling } from './meddling.ts'
import type { StorageFault } from './storage.ts'

type LabFault = FaultPlan['faults'][number]

/** What shall go wrong in one piece of work. Everything counts events, nothing counts time. */
export interface Trouble {
  readonly lab: readonly LabFault[]
  readonly storage: readonly StorageFault[]
  /** Calls to the outside after which the process is killed; Infinity for never. */
  readonly killAfter: number | string
  /** Whether the pool leaves a changed block out of a bitmap: then this run has to compare all of the disk. */
  readonly isLying: boolean
  /** What others do to the pool meanwhile. */
  readonly others: readonly Meddling[]
  /** Our patience with one call, and with a task that comes no further: short where answers are planned never to come, or too late. */
  readonly callTimeoutMs: number
}

const PATIENT_MS = 5000
const IMPATIENT_MS = 1200

export const calm: Trouble = {
  lab: [],
  storage: [],
  killAfter: Infinity,
  isLying: false,
  others: [],
  callTimeoutMs: PATIENT_MS,
}

/** What may happen to the work, and how often of a hundred troubles. */
const KINDS = {
  kill: 30,
  call: 16,
  request: 12,
  task: 8,
  nbd: 10,
  storage: 12,
  pool: 6,
  transfer: 3,
  bitmap: 5,
  rest: 5,
  silence: 3,
  others: 18,
  stall: 6,
  events: 3,
}
type Kind = keyof typeof KINDS
/** What befalls work that does not touch the pool. */
const WITHOUT_POOL: Partial<Record<Kind, number>> = { kill: 40, storage: 60 }

/** What is to be done, as far as it decides what may go wrong. */
export type Work = 'backup' | 'restore' | 'retire' | 'tidy'

/** What a trouble is drawn for. */
export interface Occasion {
  readonly work: Work
  /** UUIDs of storage repositories with disks. */
  readonly storages: readonly string[]
}

export function drawTrouble(random: Random, occasion: Occasion): Trouble {
  if (!random.chance(60)) return calm
  const weights = occasion.work === 'retire' ? WITHOUT_POOL : KINDS
  const kinds = Array.from({ length: random.chance(25) ? 2 : 1 }, () => drawKind(random, weights))
  const lab = kinds.flatMap((kind, n) => labFault(kind, random, `${kind}-${n}`, occasion) ?? [])
  return {
    lab,
    storage: kinds.includes('storage') ? [storageFault(random)] : [],
    killAfter: kinds.includes('kill') ? killPoint(random) : Infinity,
    isLying: lab.some(({ at, do: { action } }) => at === 'bitmap' && action === 'omit'),
    others: kinds.flatMap((kind) => (kind === 'others' ? drawMeddling(random) : [])),
    callTimeoutMs: kinds.includes('stall') || kinds.includes('silence') ? IMPATIENT_MS : PATIENT_MS,
  }
}

function drawKind(random: Random, weights: Partial<Record<Kind, number>>): Kind {
  let left = random.int(Object.values(weights).reduce((sum, weight) => sum + weight))
  const found = Object.entries(weights).find(([, weight]) => (left -= weight) < 0)
  return (found?.[0] ?? 'kill') as Kind
}

/** A backup of one disk makes a hundred calls, and each has a before and an after. */
const killPoint = (random: Random): number => random.int(random.chance(50) ? 80 : 250)

const storageFault = (random: Random): StorageFault => ({
  kind: random.pick(['full', 'unavailable', 'answer-lost', 'slow'] as const),
  after: random.int(random.pick([10, 25, 60])),
  times: random.pick([1, 1, 2, 100]),
})

/** Calls of ours that change the pool, or decide something. */
const METHODS = [
  'Async.VM.snapshot',
  'Async.VM.destroy',
  'Async.VDI.data_destroy',
  'Async.VDI.destroy',
  'Async.VDI.create',
  'Async.VDI.enable_cbt',
  'Async.VDI.list_changed_blocks',
  'VDI.get_nbd_info',
  'VDI.add_to_other_config',
  'VM.add_to_other_config',
] as const

const FAILURES = [
  ['INTERNAL_ERROR', 'simulated'],
  ['SR_BACKEND_FAILURE_44', '', 'There is insufficient space', ''],
  ['SR_BACKEND_FAILURE_82', '', 'Failed to snapshot VDI', ''],
  ['OTHER_OPERATION_IN_PROGRESS', 'VDI', ''],
  ['TOO_MANY_PENDING_TASKS'],
] as const

function labFault(kind: Kind, random: Random, id: string, { work, storages }: Occasion): LabFault | undefined {
  const anywhere = { id, match: { method: '*' }, after: random.int(70) }
  const some = { id, match: { method: random.pick(METHODS) }, after: random.int(3), times: random.pick([1, 1, 2]) }
  const where = random.chance(50) ? anywhere : some
  switch (kind) {
    case 'kill':
    case 'storage':
    case 'others':
      return undefined
    case 'call':
      return { ...where, at: 'call', do: { action: 'fail', failure: [...random.pick(FAILURES)] } }
    case 'request':
      return { ...where, at: 'request', do: requestAction(random) }
    case 'task':
      return { ...some, match: { method: 'Async.*' }, at: 'task', do: taskAction(random) }
    case 'nbd':
      return work === 'restore' && random.chance(30) ? flipped(random, id) : nbdFault(random, id, storages)
    case 'pool':
      return { ...anywhere, at: 'call', do: poolAction(random, storages) }
    case 'transfer':
      return { id, at: 'transfer', match: {}, after: random.int(3), do: transferAction(random) }
    case 'bitmap':
      return { id, at: 'bitmap', match: {}, after: random.int(2), do: bitmapAction(random) }
    case 'rest':
      return restFault(random, id)
    case 'silence':
      return silence(random, id)
    case 'stall':
      return stalled(random, id)
    case 'events':
      return eventsFault(random, id)
    default:
      return kind satisfies never
  }
}

const requestAction = (random: Random) =>
  random.pick([
    { action: 'lose-reply' },
    { action: 'duplicate' },
    { action: 'html' },
    { action: 'truncate', after: 20 },
    { action: 'status', status: 503 },
    { action: 'lose-session' },
  ] as const)

const taskAction = (random: Random) =>
  random
    .pick([
      { action: 'fail', failure: ['INTERNAL_ERROR', 'simulated'], work: 'skipped' },
      { action: 'fail', failure: ['INTERNAL_ERROR', 'simulated'], work: 'done' },
      { action: 'vanish', work: 'done' },
      { action: 'vanish', work: 'skipped' },
    ] as const)
    .valueOf() as Extract<LabFault, { at: 'task' }>['do']

const STALLING = ['Async.*', 'Async.VM.snapshot', 'Async.VDI.*', 'Async.VM.destroy'] as const

/** Tasks that come no further: for a moment, until we have given up, or for ever; before or after their work, or in the midst of it. */
function stalled(random: Random, id: string): LabFault {
  const ms = random.pick([60, 300, STALL_MS])
  const after = random.int(3)
  if (random.chance(30)) {
    return { id, at: 'disk-write', match: { by: 'snapshot' }, after: after % 2, do: { action: 'delay', ms } }
  }
  const work = random.pick(['done', 'skipped'] as const)
  const action = { action: 'stall', work, ...(random.chance(75) && { ms }) } as const
  return { id, at: 'task', match: { method: random.pick(STALLING) }, after, do: action }
}

/** Whether something of it may still happen when our work is over. */
export const isLate = ({ lab }: Trouble): boolean =>
  lab.some(({ do: { action } }) => action === 'stall' || action === 'delay')

/** Long enough that we have given up before. */
export const STALL_MS = IMPATIENT_MS + 500

/** The row of events breaks. */
const eventsFault = (random: Random, id: string): LabFault => ({
  id,
  at: 'call',
  match: { method: 'event.from' },
  after: random.int(6),
  times: random.pick([1, 1, 2]),
  do: {
    action: 'fail',
    failure: random.pick([['EVENT_FROM_TOKEN_PARSE_FAILURE', ''], ['EVENTS_LOST'], ['INTERNAL_ERROR', 'simulated']]),
  },
})

const poolAction = (random: Random, storages: readonly string[]) =>
  random.pick([
    { action: 'crash-host' },
    { action: 'restart-host', downMs: 30 },
    { action: 'lose-sessions' },
    { action: 'crash-sr', sr: random.pick(storages) },
  ] as const)

const transferAction = (random: Random) =>
  random
    .pick([
      { action: 'cut', after: 500 },
      { action: 'fail', failure: ['VDI_IO_ERROR', 'simulated'] },
      { action: 'status', status: 503 },
    ] as const)
    .valueOf() as Extract<LabFault, { at: 'transfer' }>['do']

const bitmapAction = (random: Random) =>
  random.pick([
    { action: 'omit' },
    { action: 'omit' },
    { action: 'all' },
    { action: 'garble' },
    { action: 'truncate' },
  ] as const)

/** What the pool reads is not what it was given: no protocol tells, the comparison must. */
const flipped = (random: Random, id: string): LabFault => ({
  id,
  at: 'nbd-reply',
  match: { type: 'READ' },
  after: random.int(3),
  times: random.pick([1, 30]),
  do: { action: 'corrupt', what: 'data' },
})

/** Answers that never come: each is waited for in real time, so that there are few. */
function silence(random: Random, id: string): LabFault {
  const what = random.pick(['request', 'reply', 'greeting', 'transfer'] as const)
  switch (what) {
    case 'request':
      return { id, at: 'request', match: { method: '*' }, after: random.int(70), do: { action: 'hang' } }
    case 'reply':
      return { id, at: 'nbd-reply', match: {}, after: random.int(4), do: { action: 'drop' } }
    case 'greeting':
      return { id, at: 'nbd-greeting', match: {}, after: random.int(2), do: { action: 'stall' } }
    case 'transfer':
      return { id, at: 'transfer', match: {}, after: random.int(2), do: { action: 'stall', after: 500 } }
    default:
      return what satisfies never
  }
}

function nbdFault(random: Random, id: string, storages: readonly string[]): LabFault {
  if (random.chance(20)) return { id, at: 'nbd-greeting', match: {}, after: random.int(2), do: { action: 'close' } }
  const action = random.pick([
    { action: 'cut', after: 0 },
    { action: 'cut', after: 9000 },
    { action: 'error', errno: 'EIO' },
    { action: 'corrupt', what: 'head' },
    { action: 'lose-sessions' },
    { action: 'crash-host' },
    { action: 'crash-sr', sr: random.pick(storages) },
  ] as const)
  return { id, at: 'nbd-reply', match: {}, after: random.int(4), times: random.pick([1, 1, 3, 30]), do: action }
}

/** Slow unplugs, and storage of the pool that fails or is full. */
function restFault(random: Random, id: string): LabFault {
  if (random.chance(50))
    return { id, at: 'detach', match: {}, do: { action: 'leave', ...(random.chance(50) && { ms: 40 }) } }
  if (random.chance(50)) return { id, at: 'disk-read', match: {}, after: random.int(3), do: { action: 'io-error' } }
  const by = random.pick(['write', 'create', 'snapshot'] as const)
  return { id, at: 'disk-write', match: { by }, do: { action: random.pick(['full', 'io-error'] as const) } }
}
