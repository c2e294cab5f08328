import { isFailure, type Session } from '@tidemark/xenapi'
import type { Pool } from './judge.ts'

/** A copy of the whole pool, kept by events alone. */
export class Mirror {
  readonly #classes = new Map<string, Map<string, unknown>>()
  #token = ''
  #counts: Readonly<Record<string, number>> = {}
  events = 0

  /** Takes what happened since the last time; waits up to `seconds` for something to happen. */
  async follow(session: Session, seconds: number): Promise<number> {
    try {
      const { events, token, valid_ref_counts } = await session.event.from(['*'], this.#token, seconds)
      for (const { class: name, operation, ref, snapshot } of events) {
        const rows = this.#rows(name)
        if (operation === 'del') rows.delete(ref)
        else rows.set(ref, snapshot)
      }
      this.#token = token
      this.#counts = valid_ref_counts
      this.events += events.length
      return events.length
    } catch (error) {
      if (!isFailure(error, 'EVENTS_LOST')) throw error
      this.#token = ''
      this.#classes.clear()
      return 1
    }
  }

  #rows(name: string): Map<string, unknown> {
    const rows = this.#classes.get(name) ?? new Map<string, unknown>()
    this.#classes.set(name, rows)
    return rows
  }

  /** Where the copy is not the pool. Sessions and the task of the question itself come and go. */
  differences(pool: Pool): readonly string[] {
    return [...pool].flatMap(([name, rows]) => {
      if (['session', 'task'].includes(name)) return []
      const mine = this.#classes.get(name.toLowerCase()) ?? new Map<string, unknown>()
      const wrong = [...rows].filter(([ref, row]) => JSON.stringify(mine.get(ref)) !== JSON.stringify(row))
      const extra = [...mine.keys()].filter((ref) => !rows.has(ref))
      const count = this.#counts[name.toLowerCase()] ?? 0
      return [
        ...wrong.map(([ref]) => `${name} ${ref} ${mine.has(ref) ? 'has other fields' : 'is missing'} in the mirror`),
        ...extra.map((ref) => `${name} ${ref} is gone, and still in the mirror`),
        ...(count === rows.size ? [] : [`valid_ref_counts has ${count} of class ${name}, and there are ${rows.size}`]),
      ]
    })
  }
}
