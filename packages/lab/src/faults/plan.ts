import { z } from 'zod'
import { LabError } from '../error.ts'

const count = z.int().min(0)
const failure = z.array(z.string()).min(1)
const uuid = z.string()

/** An action, by its name and what it needs. */
const action = <Name extends string, Shape extends z.ZodRawShape>(name: Name, shape: Shape) =>
  z.strictObject({ action: z.literal(name), ...shape })
const plain = <const Names extends readonly [string, ...string[]]>(...names: Names) =>
  z.strictObject({ action: z.enum(names) })

const delay = action('delay', { ms: count })
const cut = action('cut', { after: count.default(0) })

/** What befalls the pool itself; the event that brought it about goes on. */
const worldActions = [
  /** Of one host, or of all. */
  action('crash-host', { host: uuid.optional() }),
  /** A host, by default the coordinator, loses its power and is back after so many milliseconds. */
  action('restart-host', { host: uuid.optional(), downMs: count.default(500) }),
  /** Every session ends. */
  plain('lose-sessions'),
  /** The SR is lost: its PBDs are unplugged, and what reads or writes it gets I/O errors until they are plugged again. */
  action('crash-sr', { sr: uuid.optional() }),
  action('break-tracking', { vdi: uuid }),
] as const

const tlsActions = z.discriminatedUnion('action', [plain('close', 'stall', 'wrong-certificate')])

/** When one of the events at its point becomes a fault. */
const timing = {
  id: z.string().min(1),
  /** So many events pass before. */
  after: count.default(0),
  /** How often it fires. */
  times: z.union([z.int().min(1), z.literal('always')]).default(1),
  /** Of each event after those. Drawn from the plan's seed. */
  probability: z.number().gt(0).max(1).default(1),
}

/** `*` stands for any text. */
const method = z.string().min(1).optional()
/** Uuid of the one whose server it is. */
const host = uuid.optional()

const point = <Name extends string, Match extends z.ZodRawShape, Do extends z.ZodType>(
  at: Name,
  match: Match,
  action: Do,
) => z.strictObject({ ...timing, at: z.literal(at), match: z.strictObject(match).prefault({} as never), do: action })

const faultSchema = z.discriminatedUnion('at', [
  point('nbd-greeting', { host }, plain('close', 'stall')),
  point('nbd-tls', { host }, tlsActions),
  point(
    'nbd-reply',
    {
      host,
      /** Counts the server's connections from 1. */
      connection: count.optional(),
      vdi: uuid.optional(),
      type: z.enum(['READ', 'BLOCK_STATUS']).optional(),
      /** The connection has asked for so many bytes, this request included. */
      bytesRead: count.optional(),
    },
    z.discriminatedUnion('action', [
      plain('drop'),
      delay,
      cut,
      action('corrupt', { what: z.enum(['data', 'head']).default('data'), bit: count.optional() }),
      action('error', { errno: z.enum(['EPERM', 'EIO', 'ENOMEM', 'EINVAL', 'ENOSPC', 'ESHUTDOWN']).default('EIO') }),
      ...worldActions,
    ]),
  ),
  point('https', { host }, tlsActions),
  point(
    'request',
    { method },
    z.discriminatedUnion('action', [
      delay,
      plain('hang', 'lose-reply', 'duplicate', 'html'),
      action('truncate', { after: count }),
      action('status', { status: z.int().min(400).max(599).default(503) }),
      plain('lose-session'),
      ...worldActions,
    ]),
  ),
  point('call', { method }, z.discriminatedUnion('action', [action('fail', { failure }), delay, ...worldActions])),
  point(
    'task',
    { method },
    z.discriminatedUnion('action', [
      action('fail', { failure, work: z.enum(['done', 'skipped']).default('skipped') }),
      action('vanish', { work: z.enum(['done', 'skipped']).default('done') }),
      /** For ever, or for so many milliseconds: then the work goes on, cancelled or not. */
      action('stall', { work: z.enum(['done', 'skipped']).default('skipped'), ms: count.optional() }),
    ]),
  ),
  point(
    'bitmap',
    { vdi: uuid.optional(), base: uuid.optional() },
    z.discriminatedUnion('action', [
      action('omit', { blocks: z.int().min(1).default(1) }),
      plain('all', 'garble'),
      action('truncate', { after: count.default(0) }),
    ]),
  ),
  point('detach', { vdi: uuid.optional() }, action('leave', { ms: count.optional() })),
  point('disk-read', { vdi: uuid.optional() }, z.discriminatedUnion('action', [plain('io-error'), delay])),
  point(
    'disk-write',
    { vdi: uuid.optional(), by: z.enum(['write', 'create', 'snapshot', 'clone']).optional() },
    z.discriminatedUnion('action', [plain('full', 'io-error'), delay]),
  ),
  point(
    'transfer',
    { path: z.string().optional(), vdi: uuid.optional() },
    z.discriminatedUnion('action', [
      cut,
      action('stall', { after: count.default(0) }),
      action('fail', { failure }),
      action('status', { status: z.int().min(400).max(599).default(503) }),
      ...worldActions,
    ]),
  ),
])

const planSchema = z.strictObject({
  /** Decides every chance in the plan. */
  seed: z.int().default(1),
  faults: z.array(faultSchema),
})

/** What shall go wrong: docs/faults.md lists the points and actions. */
export type FaultPlan = z.input<typeof planSchema>
export type PlannedFault = FaultPlan['faults'][number]

/** With every default filled in. */
export type Fault = z.output<typeof faultSchema>
type FaultAt<At extends Fault['at']> = Extract<Fault, { at: At }>
export type ActionAt<At extends Fault['at']> = FaultAt<At>['do']
export type WorldAction = z.output<(typeof worldActions)[number]>

/**
 * @param taken ids that other faults have
 * @throws LabError LAB_FAULT_PLAN, naming the entry
 */
export function checkPlan(plan: unknown, taken: readonly string[] = []): z.output<typeof planSchema> {
  const parsed = planSchema.safeParse(plan)
  if (!parsed.success) throw refused(plan, parsed.error.issues)
  const ids = [...taken, ...parsed.data.faults.map(({ id }) => id)]
  const twice = ids.find((id, index) => ids.indexOf(id) !== index)
  if (twice !== undefined) throw new LabError('LAB_FAULT_PLAN', `fault plan: two faults have the id '${twice}'`)
  return parsed.data
}

function refused(plan: unknown, issues: readonly z.core.$ZodIssue[]): LabError {
  const sentences = issues.map(({ path, message }) => `${nameOf(plan, path)}: ${message}`)
  return new LabError('LAB_FAULT_PLAN', `fault plan: ${sentences.join('; ')}`)
}

/** `fault 'lost' (faults[2]).do.action`: by the entry's own name where it has one. */
function nameOf(plan: unknown, [top, index, ...rest]: readonly PropertyKey[]): string {
  if (top !== 'faults' || typeof index !== 'number') return String(top ?? 'the whole')
  const entry = (plan as { faults: readonly unknown[] }).faults[index]
  const id = typeof entry === 'object' && entry !== null && 'id' in entry ? `fault '${String(entry.id)}' ` : ''
  return [`${id}(faults[${index}])`, ...rest.map(String)].join('.')
}
