import { chanceOf } from './chance.ts'
import { checkPlan, type ActionAt, type Fault, type FaultPlan } from './plan.ts'

/** What became of one planned fault. */
export interface FaultReport {
  readonly id: string
  readonly at: Fault['at']
  /** How often it happened. */
  readonly fired: number
  /** How many events at its point fitted it. */
  readonly seen: number
}

/** A fault that happens now. */
export interface Fired<At extends Fault['at']> {
  readonly id: string
  readonly action: ActionAt<At>
  /** 0 to 1, from the plan's seed: for actions that have to choose. */
  readonly chance: () => number
  /** It came to nothing after all, and may happen another time. */
  readonly miss: () => void
}

/** What an event is about, by the names that `match` uses. */
export type Facts = Readonly<Record<string, string | number | undefined>>

interface Entry {
  readonly fault: Fault
  /** One for whether, one for what: choices of the action do not move the coin. */
  readonly coin: () => number
  readonly chance: () => number
  seen: number
  fired: number
  /** It can happen no more, and stays in the report. */
  over: boolean
}

/**
 * Decides which events become faults. Each fault counts the events that fit it and draws from a generator of its own, so
 * that the same events at its point give the same faults whatever else happens meanwhile.
 */
export class PlannedFaults {
  readonly #entries: Entry[] = []

  /** Adds to what is planned already. @throws LabError LAB_FAULT_PLAN */
  plan(plan: FaultPlan): void {
    const known = this.#entries.flatMap(({ fault, over }) => (over ? [] : [fault.id]))
    const { seed, faults } = checkPlan(plan, known)
    for (const fault of faults) {
      const [coin, chance] = [chanceOf(seed, fault.id), chanceOf(seed, `${fault.id}:choice`)]
      this.#entries.push({ fault, coin, chance, seen: 0, fired: 0, over: false })
    }
  }

  /** Nothing that was planned happens any more. */
  clear(): void {
    for (const entry of this.#entries) entry.over = true
  }

  report(): readonly FaultReport[] {
    return this.#entries.map(({ fault: { id, at }, fired, seen }) => ({ id, at, fired, seen }))
  }

  /** An event happens: every fault that fits counts it, and the first that is due takes it. */
  event<At extends Fault['at']>(at: At, facts: Facts): Fired<At> | undefined {
    let taken: Fired<At> | undefined
    for (const entry of this.#entries) {
      const { fault, over } = entry
      if (over || fault.at !== at || !fits(fault.match, facts)) continue
      entry.seen++
      if (!isDue(entry) || taken !== undefined) continue
      entry.fired++
      taken = { id: fault.id, action: fault.do as ActionAt<At>, chance: entry.chance, miss: () => void entry.fired-- }
    }
    return taken
  }
}

const fits = (match: Fault['match'], facts: Facts): boolean =>
  Object.entries(match).every(([name, wanted]) => {
    const fact = facts[name]
    if (name === 'bytesRead') return Number(fact) >= Number(wanted)
    return typeof wanted === 'string' && wanted.includes('*') ? asPattern(wanted).test(String(fact)) : fact === wanted
  })

const asPattern = (text: string): RegExp =>
  new RegExp(
    `^${text
      .split('*')
      .map((part) => RegExp.escape(part))
      .join('.*')}$`,
  )

function isDue({ fault: { after, times, probability }, seen, fired, coin }: Entry): boolean {
  if (seen <= after) return false
  const heads = coin() < probability // drawn for each event, so that the sequence is the plan's alone
  return heads && (times === 'always' || fired < times)
}
