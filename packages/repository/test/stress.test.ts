import { expect, test } from 'vitest'
import { stress } from './stress/stress.ts'

test('four writers, a pruner, a checker and two restorers share a repository, and some are killed', async () => {
  const result = await stress({ seconds: 10, seed: 7, blocks: 64, killEvery: 2 })
  expect(result.failures).toEqual([])
  expect(result.points).toBeGreaterThan(3)
  expect(result.compared).toBeGreaterThan(0)
  expect(result.restores).toBeGreaterThan(0)
}, 90_000)
