/**
 * Regions of the disk: no multiple of 64 KiB, so that neighbours share blocks, and many, so that most writes mark a
 * block which nothing else has marked since the last snapshot. Writer `n` writes regions `n`, `n + WRITERS`, …
 */
export const REGION = 20_000
export const REGIONS = 600
export const WRITERS = 10

/** A region's content: one stamp, over and over. */
export function stamped(value: number): Uint8Array {
  return new Uint8Array(new Uint32Array(REGION / 4).fill(value).buffer)
}

interface Write {
  readonly stamp: number
  readonly begun: number
  /** Infinity while nobody knows. */
  done: number
}

interface Snapshot {
  readonly begun: number
  done: number
  /** What was last begun and what was last finished, of those two ways of destroying. */
  gone: 'no' | 'perhaps' | 'yes'
  data: 'yes' | 'perhaps' | 'no'
}

/** What a killed process had said, over all of its lives. Times count the lines. */
export class Report {
  readonly #writes = Array.from({ length: REGIONS }, (): Write[] => [])
  readonly snapshots = new Map<number, Snapshot>()
  #now = 0

  line(text: string): void {
    const [what = '', first = '', second = ''] = text.split(' ')
    const number = Number(first)
    const now = ++this.#now
    if (what === 'write') this.#writesTo(number).push({ stamp: Number(second), begun: now, done: Infinity })
    if (what === 'written') this.#write(number, Number(second)).done = now
    if (what === 'snapshot') this.snapshots.set(number, { begun: now, done: Infinity, gone: 'no', data: 'yes' })
    if (what === 'snapshotted') this.#snapshot(number).done = now
    if (what === 'destroy') this.#snapshot(number).gone = 'perhaps'
    if (what === 'destroyed') this.#snapshot(number).gone = 'yes'
    if (what === 'dataDestroy') this.#snapshot(number).data = 'perhaps'
    if (what === 'dataDestroyed') this.#snapshot(number).data = 'no'
  }

  get nextStamp(): number {
    return 1 + this.#writes.flat().reduce((most, { stamp }) => Math.max(most, stamp), 0)
  }

  get nextSnapshot(): number {
    return 1 + Math.max(0, ...this.snapshots.keys())
  }

  /** The stamps that a region may show: from the last one finished before `begun` to the last one begun before `done`. */
  stampsOf(region: number, begun: number, done: number): { least: number; most: number } {
    let [least, most] = [0, 0]
    for (const write of this.#writesTo(region)) {
      if (write.done < begun) least = Math.max(least, write.stamp)
      if (write.begun < done) most = Math.max(most, write.stamp)
    }
    return { least, most }
  }

  /** The regions of which some write was begun after `from` and done before `to`. */
  regionsWritten(from: number, to: number): Set<number> {
    const regions = new Set<number>()
    for (const [region, writes] of this.#writes.entries()) {
      if (writes.some(({ begun, done }) => begun > from && done < to)) regions.add(region)
    }
    return regions
  }

  /** Forgets a snapshot that was destroyed by somebody else. */
  destroyed(number: number): void {
    this.#snapshot(number).gone = 'yes'
  }

  #writesTo(region: number): Write[] {
    const writes = this.#writes[region]
    if (writes === undefined) throw new Error(`there is no region ${region}`)
    return writes
  }

  #write(region: number, stamp: number): Write {
    const found = this.#writesTo(region).findLast((write) => write.stamp === stamp)
    if (found === undefined) throw new Error(`stamp ${stamp} was written without being begun`)
    return found
  }

  #snapshot(number: number): Snapshot {
    const found = this.snapshots.get(number)
    if (found === undefined) throw new Error(`snapshot ${number} was never begun`)
    return found
  }
}
