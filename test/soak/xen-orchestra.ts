import { setTimeout as sleep } from 'node:timers/promises'
import { forkLab, type ForkedLab } from '../support/forked-lab.ts'
import { step } from '../support/operations.ts'
import { Player } from '../support/player.ts'
import { seeded } from '../support/random.ts'
import { XenOrchestra } from '../support/xen-orchestra.ts'

export interface FollowOptions {
  readonly seconds: number
  /** How many clients do things at random. */
  readonly clients: number
  readonly seed: number
}

/** What became of one of Xen Orchestra's mirrors. */
interface Followed {
  readonly transport: string
  readonly events: number
  /** Barriers that were waited for while the clients were at it. */
  readonly barriers: number
  readonly classes: number
  readonly objects: number
  /** Where it is not what get_all_records says, at the end. */
  readonly differences: readonly string[]
  /** How often whole classes were fetched after the beginning: events alone should do. */
  readonly refetched: number
  /** What Xen Orchestra warned of. */
  readonly output: string
}

export interface FollowResult {
  readonly steps: number
  /** What the clients met that must never happen; the soak is there to judge that. */
  readonly findings: readonly string[]
  readonly mirrors: readonly Followed[]
}

/** Xen Orchestra mirrors a pool, once over each encoding, while clients do things at random; then mirrors and pool are compared. */
export async function follow(
  { seconds, clients, seed }: FollowOptions,
  say: (text: string) => void = () => undefined,
): Promise<FollowResult> {
  await using lab = await forkLab({ detachDelayMs: 50, dataDestroyWaitMs: 1_000 })
  await using stack = new AsyncDisposableStack()
  const random = seeded(seed)
  const players: Player[] = []
  for (let n = 0; n < clients; n++) players.push(stack.use(await openPlayer(lab, n, random.fork(n))))
  const mirrors: Mirroring[] = []
  for (const transport of ['json-rpc', 'xml-rpc']) mirrors.push(await openMirror(stack, lab, transport))

  const until = performance.now() + seconds * 1000
  const findings = new Set<string>()
  let steps = 0
  const play = async (player: Player): Promise<void> => {
    const others = players.filter((each) => each !== player)
    while (performance.now() < until) {
      const { operation, finding } = await step(player, others)
      steps++
      if (finding !== undefined) findings.add(`${operation}: ${finding.replaceAll(/OpaqueRef:[0-9a-f-]+/gu, '…')}`)
    }
  }
  const wait = async (mirror: Mirroring): Promise<void> => {
    while (performance.now() < until) {
      await mirror.xo.do('barrier')
      mirror.barriers++
      await sleep(Math.min(1_000, Math.max(0, until - performance.now())))
    }
  }
  const tell = async (): Promise<void> => {
    for (let left = until - performance.now(); left > 0; left = until - performance.now()) {
      await sleep(Math.min(30_000, left))
      say(`${Math.round(seconds - (until - performance.now()) / 1000)} s: ${steps} steps`)
    }
  }
  await Promise.all([...players.map(play), ...mirrors.map(wait), tell()])
  return { steps, findings: [...findings], mirrors: await Promise.all(mirrors.map(judged)) }
}

interface Mirroring {
  readonly transport: string
  readonly xo: XenOrchestra
  barriers: number
}

async function openMirror(stack: AsyncDisposableStack, lab: ForkedLab, transport: string): Promise<Mirroring> {
  const xo = stack.use(new XenOrchestra())
  const { username: user, password } = lab.credentials
  await xo.do('connect', { url: lab.pool.url, auth: { user, password }, allowUnauthorized: true, transport })
  await xo.do('callCounts')
  return { transport, xo, barriers: 0 }
}

async function judged({ transport, xo, barriers }: Mirroring): Promise<Followed> {
  const events = await xo.do('eventCount')
  const counts: Readonly<Record<string, number>> = await xo.do('callCounts')
  const whole = Object.entries(counts).filter(([method]) => method.endsWith('.get_all_records'))
  const refetched = whole.reduce((sum, [, times]) => sum + times, 0)
  // what was under way at the end may still end
  const { classes, objects, differences } = await xo.do('differences', { patienceMs: 20_000 })
  return { transport, events, barriers, classes, objects, differences, refetched, output: xo.output }
}

const openPlayer = (lab: ForkedLab, number: number, random: ReturnType<typeof seeded>): Promise<Player> =>
  Player.open({
    name: `player ${number}`,
    pool: lab.pool,
    credentials: lab.credentials,
    control: lab.control,
    random,
    api: number % 2 === 0 ? 'json' : 'xml',
    vms: 3,
    disks: 2,
  })
