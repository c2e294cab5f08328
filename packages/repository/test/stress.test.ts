import { expect, test } from 'vitest'
import { stress } from './stress/stress.ts'

test('four writers, a pruner, a checker and two restorers share a repository, and some are killed', async () => {
  const result = await stress({ seconds: 10, seed: 7, blocks: 64, killEvery: 2 })
  expect(result.failures).toEqual([])
  expect(result.points).toBeGreaterThan(3)
  const { prunes, checks, restores, kills, compared } = result
  const happened = { prunes, checks: checks.shared + checks.exclusive, restores, kills, compared }
  for (const [what, times] of Object.entries(happened)) expect(times, what).toBeGreaterThan(0)
}, 240_000)
