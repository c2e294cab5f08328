import { bytes, CBT_BLOCK } from '@tidemark/blocks'
import { expect, test } from 'vitest'
import { planAudit } from './audit.ts'

const record = (from: number, to: number) => ({
  from: bytes(from * CBT_BLOCK),
  to: bytes(to * CBT_BLOCK),
  compared: bytes(0),
  differing: bytes(0),
})

test('the sweep goes on where the last run was, and begins anew behind the end', () => {
  const size = bytes(10 * CBT_BLOCK)
  const next = (last: Parameters<typeof planAudit>[1]) => planAudit(size, last, { runs: 3, samples: 0 }, 'seed').extents
  expect(next(undefined)).toEqual([{ offset: 0, length: 4 * CBT_BLOCK }])
  expect(next(record(4, 8))).toEqual([{ offset: 8 * CBT_BLOCK, length: 2 * CBT_BLOCK }])
  expect(next(record(8, 10))).toEqual([{ offset: 0, length: 4 * CBT_BLOCK }])
})

test('an audit of everything in one run looks at everything, wherever the sweep was', () => {
  const size = bytes(10 * CBT_BLOCK)
  const plan = planAudit(size, record(0, 7), { runs: 1, samples: 0 }, 'seed')
  expect(plan.extents).toEqual([{ offset: 0, length: 10 * CBT_BLOCK }])
})
