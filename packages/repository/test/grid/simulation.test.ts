import { GiB, type Bytes } from '@tidemark/blocks'
import { expect, test } from 'vitest'
import { gridFor } from '../../src/index.ts'
import { patterns, simulatedDisk } from './patterns.ts'
import { monthOf, simulate, type DayFigures } from './simulate.ts'

const GIB = 2
const SEED = 7

/** Stored for each byte changed: in the worst day, and in the last ten of twenty. The long run is in docs/grid.md. */
const bounds: Record<string, { worst: number; steady: number }> = {
  database: { worst: 2, steady: 1.35 },
  logs: { worst: 2.5, steady: 1.4 },
  'file server': { worst: 1.4, steady: 1.3 },
  'system updates': { worst: 2.6, steady: 1.7 },
  'single blocks': { worst: 4.1, steady: 2.7 },
  'hot spot that moves': { worst: 2.2, steady: 1.85 },
  'all rewritten': { worst: 4.6, steady: 1.1 },
  'made to hurt': { worst: 4.01, steady: 1.5 },
}

test.each(patterns)('$name: an increment stores little more than what changed', async (pattern) => {
  const grid = gridFor((GIB * GiB) as Bytes)
  const days = await simulate(simulatedDisk(GIB, SEED), pattern, { grid, options: {} }, 20)
  const { worst = 0, steady = 0 } = bounds[pattern.name] ?? {}
  expect(Math.max(...days.map(ratioOf))).toBeLessThan(worst)
  expect(monthOf(days).steady).toBeLessThan(steady)
  for (const { restRead, changed } of days) expect(restRead).toBeLessThanOrEqual((grid.base / grid.fine - 1) * changed)
})

const ratioOf = ({ stored, changed }: DayFigures): number => stored / changed
