import { CBT_BLOCK, GiB, MiB } from '@tidemark/blocks'

/** A day's changes: numbers of the 64 KiB blocks that were written, in any order, perhaps twice. */
export type Day = Iterable<number>

/** How a machine changes its disk from day to day. */
export interface Pattern {
  readonly name: string
  readonly days: (disk: SimulatedDisk, day: number) => Day
}

/** The disk that changes. Its first blocks are in use, the others zero until somebody writes there. */
export interface SimulatedDisk {
  /** Blocks of 64 KiB. */
  readonly blocks: number
  /** Blocks in use on the first day. */
  readonly used: number
  /** From 0 up to, and without, 1. */
  readonly random: () => number
}

const perMiB = MiB / CBT_BLOCK
const perGiB = GiB / CBT_BLOCK

/** A generator of random numbers that is the same for the same seed: mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const run = (from: number, length: number, blocks: number): number[] =>
  Array.from({ length: Math.max(0, Math.min(length, blocks - from)) }, (_, i) => from + i)

/** Lengths of which most are short and some long: from 1 on, the mean about `mean`. */
const lengthOf = ({ random }: SimulatedDisk, mean: number): number => Math.ceil(-Math.log(1 - random()) * mean)

function* scattered(disk: SimulatedDisk, from: number, to: number, count: number, mean = 1): Generator<number> {
  for (let done = 0; done < count;) {
    const length = mean === 1 ? 1 : lengthOf(disk, mean)
    yield* run(Math.floor(from + disk.random() * (to - from)), length, disk.blocks)
    done += length
  }
}

/** Eight kinds, from what machines do to what would hurt the rule most. */
export const patterns: readonly Pattern[] = [
  {
    name: 'database', // nine tenths of the pages in a hot tenth of the file, and a log that goes round
    *days(disk, day) {
      const [from, to] = [disk.used * 0.3, disk.used * 0.7]
      const hot = from + (to - from) * 0.1
      const changes = disk.used * 0.008
      yield* scattered(disk, from, hot, changes * 0.9, 2)
      yield* scattered(disk, from, to, changes * 0.1)
      const log = Math.floor(disk.used * 0.02)
      yield* run(Math.floor(disk.used * 0.8) + ((day * Math.floor(log / 3)) % log), Math.floor(log / 3), disk.blocks)
    },
  },
  {
    name: 'logs', // appended, and rotated within a week
    *days(disk, day) {
      const each = Math.floor(disk.used * 0.006)
      yield* run(Math.floor(disk.used * 0.5) + (day % 7) * each, each, disk.blocks)
      yield* scattered(disk, 0, disk.used * 0.02, 200)
    },
  },
  {
    name: 'file server', // files of about 2 MiB, new ones in free space, a fifth over old ones; metadata here and there
    *days(disk, day) {
      const changes = disk.used * 0.01
      const free = disk.used + ((day * changes) % ((disk.blocks - disk.used) * 0.9))
      yield* scattered(disk, free, Math.min(free + changes * 1.5, disk.blocks), changes * 0.8, 2 * perMiB)
      yield* scattered(disk, 0, disk.used, changes * 0.2, 2 * perMiB)
      yield* scattered(disk, 0, disk.used, changes * 0.01)
    },
  },
  {
    name: 'system updates', // once a week thousands of small files all over, else logs
    *days(disk, day) {
      if (day % 7 === 1) yield* scattered(disk, 0, disk.used * 0.4, disk.used * 0.02, 3)
      yield* scattered(disk, 0, disk.used * 0.03, disk.used * 0.0005, 2)
      yield* run(Math.floor(disk.used * 0.6) + day * perMiB * 20, perMiB * 20, disk.blocks)
    },
  },
  {
    name: 'single blocks', // nothing is worse for any grid: one block each, anywhere
    days: (disk) => scattered(disk, 0, disk.used, disk.used * 0.01),
  },
  {
    name: 'hot spot that moves', // a twentieth of the disk, half of it written, another one each day
    *days(disk, day) {
      const size = Math.floor(disk.used * 0.05)
      const from = (day * size) % (disk.used - size)
      yield* scattered(disk, from, from + size, size * 0.7)
    },
  },
  {
    name: 'all rewritten', // everything every ten days, a defragmentation say; single blocks between
    *days(disk, day) {
      if (day % 10 === 0) yield* run(0, disk.used, disk.blocks)
      else yield* scattered(disk, 0, disk.used, disk.used * 0.002)
    },
  },
  {
    name: 'made to hurt', // a day almost enough to merge a group, the next a single block of it
    *days(disk, day) {
      const groups = Math.floor((disk.used * 0.02) / 16)
      for (let group = 0; group < groups; group++) {
        if (day % 2 === 1) yield* run(group * 16, 12, disk.blocks)
        else yield group * 16 + 13
      }
    },
  },
]

/** A disk of `gib` GiB, 60 % in use. */
export function simulatedDisk(gib: number, seed: number): SimulatedDisk {
  const blocks = Math.round(gib * perGiB)
  return { blocks, used: Math.floor(blocks * 0.6), random: randomOf(seed) }
}
