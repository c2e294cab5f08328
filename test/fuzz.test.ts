import { expect, test } from 'vitest'
import { fuzz } from './fuzz/run.ts'

test('generated input of every kind is served or refused, and nothing else', { timeout: 300_000 }, async () => {
  const seed = Number(process.env['SEED'] ?? 7)
  const result = await fuzz({ inputs: 10_000, seed })
  expect(result.findings, `seed ${seed}`).toEqual([])
  expect(result.inputs).toBeGreaterThanOrEqual(10_000)
  for (const name of ['xml', 'json', 'nbd-codec', 'answers', 'http', 'nbd']) {
    expect(result.kinds[name]?.accepted, name).toBeGreaterThan(0)
    expect(result.kinds[name]?.refused, name).toBeGreaterThan(0)
  }
})
