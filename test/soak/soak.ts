import { setTimeout as sleep } from 'node:timers/promises'
import { login, type Session, type VmRef } from '@tidemark/xenapi'
import { forkLab, type ForkedLab, type Memory } from '../support/forked-lab.ts'
import { crookedChains, flaws, leftovers, wholePool } from '../support/judge.ts'
import { Mirror } from '../support/mirror.ts'
import { OWN_TASK } from '../support/operations-meddling.ts'
import { step, type Step } from '../support/operations.ts'
import { Player } from '../support/player.ts'
import { seeded } from '../support/random.ts'
import { playPython } from './python.ts'

export interface SoakOptions {
  readonly seconds: number
  readonly vms: number
  /** Disks in all, spread evenly over the VMs. */
  readonly vdis: number
  readonly clients: number
  /** How many of the clients are Python's. */
  readonly python: number
  readonly seed: number
}

export interface SoakResult {
  readonly seconds: number
  readonly steps: number
  /** Operation → how often it was done, refused and skipped, and by what it was refused. */
  readonly operations: Readonly<Record<string, Tally>>
  /** What must never happen, each once with its number. */
  readonly findings: readonly string[]
  readonly events: number
  readonly python: number
  readonly memory: { readonly before: Memory; readonly during: readonly Memory[]; readonly after: Memory }
  readonly objects: Readonly<Record<string, number>>
  /** Bytes of layer files: with everything in it, and after everything was destroyed. */
  readonly usedSpace: { readonly full: number; readonly empty: number }
}

interface Tally {
  done: number
  skipped: number
  refused: Record<string, number>
}

/**
 * Clients at random on one pool, for a time; then the pool at rest is judged, everything is destroyed, and the empty pool is
 * judged again.
 * @param say is told how it goes
 */
export async function soak(options: SoakOptions, say: (text: string) => void = () => undefined): Promise<SoakResult> {
  await using lab = await forkLab({ detachDelayMs: 50, dataDestroyWaitMs: 1_000 })
  const findings = new Findings(say)
  const used = { before: await lab.control.usedSpace() }
  await using players = await openPlayers(lab, options)
  await using watcher = await login(lab.pool, lab.credentials, {
    originator: 'soak watcher',
    connectTimeoutMs: 120_000,
    callTimeoutMs: 300_000,
  })
  const before = await lab.memory()
  say(`${options.vms} VMs, ${options.vdis} disks, ${players.all.length + options.python} clients, seed ${options.seed}`)

  const began = performance.now()
  const until = began + options.seconds * 1000
  const mirror = new Mirror()
  const during: Memory[] = []
  const tallies: Record<string, Tally> = {}
  let steps = 0
  const play = async (player: Player): Promise<void> => {
    const others = players.all.filter((each) => each !== player)
    while (performance.now() < until && lab.death === undefined) {
      const one = await step(player, others)
      steps++
      count(tallies, one)
      if (one.finding !== undefined) findings.add(`${one.operation} (${player.options.api}): ${one.finding}`)
    }
  }
  const watch = async (): Promise<void> => {
    while (performance.now() < until) await mirror.follow(watcher, 2)
  }
  const measure = async (): Promise<void> => {
    const every = Math.max(2_000, (options.seconds * 1000) / 20)
    for (let at = began + every; at < until; at += every) {
      await sleep(Math.max(0, at - performance.now()))
      during.push(await lab.memory())
      say(`${Math.round((performance.now() - began) / 1000)} s: ${steps} steps, ${during.at(-1)?.rss ?? 0} bytes`)
    }
  }
  const [python] = await Promise.all([
    playPython(lab, { count: options.python, seconds: options.seconds, seed: options.seed }),
    Promise.all(players.all.map(play)),
    watch(),
    measure(),
  ])
  for (const finding of python.findings) findings.add(`python: ${finding}`)

  say('the pool at rest')
  const pool = await atRest(watcher, findings)
  const full = await lab.control.usedSpace()
  while ((await mirror.follow(watcher, 0.2)) > 0);
  findings.addAll('mirror', mirror.differences(await wholePool(watcher)))
  findings.addAll('invariants', flaws(pool))
  findings.addAll('inside', await violations(lab))
  findings.addAll('chains', await crookedChains(watcher, pool, 40))
  const objects = Object.fromEntries([...pool].map(([name, rows]) => [name, rows.size]).filter(([, n]) => n !== 0))

  say('everything is destroyed')
  await destroyAll(watcher, findings)
  const empty = await atRest(watcher, findings)
  findings.addAll('empty pool', flaws(empty))
  findings.addAll('empty pool, inside', await violations(lab))
  findings.addAll('empty pool', remains(empty))
  const after = await lab.memory()
  const space = await lab.control.usedSpace()
  if (space > used.before) findings.add(`the layers of an empty pool take ${space} bytes, ${used.before} before`)
  const errors = (await lab.errors()).filter((error) => !GONE.test(error))
  findings.addAll("the lab's onError", errors)
  return {
    seconds: (performance.now() - began) / 1000,
    steps,
    operations: tallies,
    findings: findings.list,
    events: mirror.events,
    python: python.calls,
    memory: { before, during, after },
    objects,
    usedSpace: { full, empty: space },
  }
}

/** What becomes of a client that goes away, or does not get to its turn on a busy machine. */
const GONE = /^Error: aborted|^NbdError: |ECONNRESET|EPIPE|the client is gone/

const violations = async ({ control }: ForkedLab): Promise<string[]> =>
  (await control.invariants()).map(({ rule, class: name, ref, detail }) => `${rule}: ${name} ${ref}: ${detail}`)

interface Players extends AsyncDisposable {
  readonly all: readonly Player[]
}

async function openPlayers(lab: ForkedLab, { vms, vdis, clients, python, seed }: SoakOptions): Promise<Players> {
  const count = clients - python
  const random = seeded(seed)
  const share = (n: number): number => Math.floor(((n + 1) * vms) / count) - Math.floor((n * vms) / count)
  const all = await Promise.all(
    Array.from({ length: count }, (_, n) =>
      Player.open({
        name: `player ${n}`,
        pool: lab.pool,
        credentials: lab.credentials,
        control: lab.control,
        random: random.fork(n),
        api: n % 3 === 2 ? 'xml' : 'json',
        vms: share(n),
        disks: Math.round(vdis / vms),
      }),
    ),
  )
  return {
    all,
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map((player) => player[Symbol.asyncDispose]()))
    },
  }
}

/** Each finding once, with how often it came. */
class Findings {
  readonly #counts = new Map<string, { text: string; times: number }>()
  readonly #say: (text: string) => void

  constructor(say: (text: string) => void) {
    this.#say = say
  }

  add(text: string): void {
    const kind = text.replaceAll(/OpaqueRef:[0-9a-f-]+|[0-9a-f]{8}-[0-9a-f-]{27}|\d+/g, '…')
    const seen = this.#counts.get(kind)
    this.#counts.set(kind, { text: seen?.text ?? text, times: (seen?.times ?? 0) + 1 })
    if (seen === undefined) this.#say(`FINDING ${text}`)
  }

  addAll(where: string, texts: readonly string[]): void {
    for (const text of texts) this.add(`${where}: ${text}`)
  }

  get list(): string[] {
    return [...this.#counts.values()].map(({ text, times }) => (times === 1 ? text : `${text} (${times} times)`))
  }
}

function count(tallies: Record<string, Tally>, { operation, outcome, refusal }: Step): void {
  const tally = (tallies[operation] ??= { done: 0, skipped: 0, refused: {} })
  if (outcome === 'refused') tally.refused[refusal ?? ''] = (tally.refused[refusal ?? ''] ?? 0) + 1
  else tally[outcome]++
}

/**
 * Waits until nothing is under way; what never ends is a finding. The classes are read one after the other, and what ends
 * between two of them looks like a flaw: so the reading that counts is the one after the pool was found at rest.
 */
async function atRest(session: Session, findings: Findings): Promise<Awaited<ReturnType<typeof wholePool>>> {
  for (let tries = 0, wasAtRest = false; ; tries++) {
    const pool = await wholePool(session)
    // tasks that a client made and then lost its session to end belong to nobody
    const left = leftovers(pool).filter((text) => !text.includes(OWN_TASK))
    if (left.length === 0 && wasAtRest) return pool
    wasAtRest = left.length === 0
    if (tries === 60) {
      findings.addAll('never at rest', left)
      return pool
    }
    if (!wasAtRest) await sleep(250)
  }
}

async function destroyAll({ VM, VDI, task }: Session, findings: Findings): Promise<void> {
  const tried = async (what: string, work: () => Promise<void>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      findings.add(`${what}: ${String(error)}`)
    }
  }
  for (const [ref, vm] of Object.entries(await VM.get_all_records())) {
    if (vm.is_control_domain || vm.is_default_template) continue
    if (vm.power_state !== 'Halted') await tried('last shutdown', () => VM.hard_shutdown(ref as VmRef))
    await tried('last VM.destroy', () => VM.destroy(ref as VmRef))
  }
  for (const ref of await VDI.get_all()) await tried('last VDI.destroy', () => VDI.destroy(ref))
  for (const ref of await task.get_all()) {
    await tried('last task.set_status', () => task.set_status(ref, 'cancelled'))
    await tried('last task.destroy', () => task.destroy(ref))
  }
}

/** Objects that only the soak can have made. */
const remains = (pool: Awaited<ReturnType<typeof wholePool>>): string[] =>
  ['VDI', 'VBD', 'VIF', 'VM_guest_metrics', 'task'].flatMap((name) => {
    const { size = 0 } = pool.get(name) ?? {}
    return size === 0 ? [] : [`${size} objects of class ${name} remain`]
  })
