import { expect, test } from 'vitest'
import { lyingBitmaps } from './support/lying-bitmaps.ts'

test('a bitmap that omits one changed block is caught within the promised number of runs (100 trials: npm run lying-bitmap)', async () => {
  const caughtAfter = await lyingBitmaps({ trials: 3, runs: 3, seed: 3 })
  expect(caughtAfter).toHaveLength(3)
  for (const after of caughtAfter) expect(after).toBeLessThanOrEqual(3)
}, 120_000)
