import { expect, test } from 'vitest'
import { detect } from './detection/run.ts'
import { kinds } from './detection/subject.ts'

test('each flipped bit is found and its file named, and what a restore gives is right or a typed error', async () => {
  const report = await detect({ flips: 200, from: 1 }) // 10,000 of them: npm run detect
  expect(report.failures).toEqual([])
  for (const kind of kinds) expect(report.kinds[kind].flips, kind).toBeGreaterThan(0)
}, 60_000)
