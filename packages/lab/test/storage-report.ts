/** Regions of the disk, each written by one writer: no multiple of 64 KiB, so that neighbours share blocks. */
export const REGION = 20_000
export const REGIONS = 10

/** A region's content: one stamp, over and over. */
export function stamped(value: number): Uint8Array {
  return new Uint8Array(new Uint32Array(REGION / 4).fill(value).buffer)
}

interface Write {
  readonly region: number
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
  readonly writes: Write[] = []
  readonly snapshots = new Map<number, Snapshot>()
  #now = 0

  line(text: string): void {
    const [what = '', first = '', second = ''] = text.split(' ')
    const number = Number(first)
    const now = ++this.#now
    if (what === 'write') this.writes.push({ region: number, stamp: Number(second), begun: now, done: Infinity })
    if (what === 'written') this.#write(number, Number(second)).done = now
    if (what === 'snapshot') this.snapshots.set(number, { begun: now, done: Infinity, gone: 'no', data: 'yes' })
    if (what === 'snapshotted') this.#snapshot(number).done = now
    if (what === 'destroy') this.#snapshot(number).gone = 'perhaps'
    if (what === 'destroyed') this.#snapshot(number).gone = 'yes'
    if (what === 'dataDestroy') this.#snapshot(number).data = 'perhaps'
    if (what === 'dataDestroyed') this.#snapshot(number).data = 'no'
  }

  get nextStamp(): number {
    return 1 + this.writes.reduce((most, { stamp }) => Math.max(most, stamp), 0)
  }

  get nextSnapshot(): number {
    return 1 + Math.max(0, ...this.snapshots.keys())
  }

  /** The stamps that a region may show: from the last one finished before `begun` to the last one begun before `done`. */
  stampsOf(region: number, begun: number, done: number): { least: number; most: number } {
    let [least, most] = [0, 0]
    for (const write of this.writes) {
      if (write.region !== region) continue
      if (write.done < begun) least = Math.max(least, write.stamp)
      if (write.begun < done) most = Math.max(most, write.stamp)
    }
    return { least, most }
  }

  /** The regions of which some write was begun after `from` and done before `to`. */
  regionsWritten(from: number, to: number): Set<number> {
    const regions = new Set<number>()
    for (const { region, begun, done } of this.writes) if (begun > from && done < to) regions.add(region)
    return regions
  }

  /** Forgets a snapshot that was destroyed by somebody else. */
  destroyed(number: number): void {
    this.#snapshot(number).gone = 'yes'
  }

  #write(region: number, stamp: number): Write {
    const found = this.writes.findLast((write) => write.region === region && write.stamp === stamp)
    if (found === undefined) throw new Error(`stamp ${stamp} was written without being begun`)
    return found
  }

  #snapshot(number: number): Snapshot {
    const found = this.snapshots.get(number)
    if (found === undefined) throw new Error(`snapshot ${number} was never begun`)
    return found
  }
}
