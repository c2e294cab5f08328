import { NbdError } from '@tidemark/nbd'
import { XenApiError } from '@tidemark/xenapi'
import { diskOperations } from './operations-disk.ts'
import { meddlingOperations } from './operations-meddling.ts'
import { transferOperations } from './operations-transfer.ts'
import { vmOperations } from './operations-vm.ts'
import { Finding, type Player } from './player.ts'

/** skipped: the player has nothing to do this with. */
export type Played = 'done' | 'skipped'

/** One thing that a client of a pool may do. */
interface Operation {
  /** How often, in comparison with the others. */
  readonly weight: number
  /** Methods without which it is not played. */
  readonly needs?: readonly string[]
  /** XenAPI codes by which a pool may refuse it, beside those that any call may meet. */
  readonly plausible: readonly string[]
  /** What else than a failure may come of it, because the operation itself breaks something. */
  readonly breaks?: readonly string[]
  /** @param others players that it may get in the way of */
  play(player: Player, others: readonly Player[]): Promise<Played>
}

export type Operations = Readonly<Record<string, Operation>>

/** What one step came to. A step with a finding is a fault of the pool, or of our client. */
export interface Step {
  readonly operation: string
  readonly outcome: Played | 'refused'
  /** The failure, or the code of the error. */
  readonly refusal?: string
  readonly finding?: string
}

const operations: Operations = { ...diskOperations, ...vmOperations, ...transferOperations, ...meddlingOperations }

/** What any call may meet where several clients work, and some of them cancel tasks and end sessions. */
const EVERYWHERE: ReadonlySet<string> = new Set([
  'TASK_CANCELLED',
  'SESSION_INVALID',
  'OTHER_OPERATION_IN_PROGRESS',
  'TOO_MANY_PENDING_TASKS',
])

/** Plays one operation, chosen by chance. It never rejects: what must not happen is a finding. */
export async function step(player: Player, others: readonly Player[] = []): Promise<Step> {
  const name = chosen(player)
  const operation = operations[name]
  if (operation === undefined) throw new RangeError(`there is no operation ${name}`)
  try {
    return { operation: name, outcome: await operation.play(player, others) }
  } catch (error) {
    return afterFailure(player, name, judged(operation, error))
  }
}

function chosen({ random, methods }: Player): string {
  const playable = Object.entries(operations).filter(([, { needs = [] }]) => needs.every((each) => methods.has(each)))
  let left = random.int(playable.reduce((sum, [, { weight }]) => sum + weight, 0))
  for (const [name, { weight }] of playable) {
    left -= weight
    if (left < 0) return name
  }
  throw new RangeError('weights do not add up')
}

interface Judged {
  readonly refusal: string
  readonly finding?: string
}

/** Whether this may come of it. */
function judged({ plausible, breaks = [] }: Operation, error: unknown): Judged {
  const refusal = codeOf(error)
  const allowed = EVERYWHERE.has(refusal) || plausible.includes(refusal) || breaks.includes(refusal)
  if (allowed && !(error instanceof Finding)) return { refusal }
  return { refusal, finding: textOf(error) }
}

function codeOf(error: unknown): string {
  if (error instanceof XenApiError) return error.failure?.[0] ?? error.code
  if (error instanceof NbdError) return error.code
  return error instanceof Error ? error.name : String(error)
}

function textOf(error: unknown): string {
  if (error instanceof XenApiError && error.failure !== undefined) return error.failure.join(' | ')
  if (!(error instanceof Error)) return String(error)
  return error instanceof Finding ? error.message : `${error.message} ${error.stack ?? ''}`
}

/** The session may have ended, and nobody knows what the call left behind. */
async function afterFailure(player: Player, operation: string, { refusal, finding }: Judged): Promise<Step> {
  const found = finding === undefined ? {} : { finding }
  try {
    if (refusal === 'SESSION_INVALID') await player.relogin()
    await player.resync({ remove: true })
  } catch (error) {
    // somebody may end the next session, too
    if (!EVERYWHERE.has(codeOf(error))) return { operation, outcome: 'refused', refusal, finding: textOf(error) }
    await player.relogin()
  }
  return { operation, outcome: 'refused', refusal, ...found }
}
