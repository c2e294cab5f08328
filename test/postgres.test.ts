import { expect, test } from 'vitest'
import { postgresRun } from './postgres/run.ts'

test('a PostgreSQL server recovers on every restored point, with all that it had acknowledged', async () => {
  const points = await postgresRun(2, () => undefined)
  expect(points.map(({ action }) => action)).toEqual(['full', 'incremental'])
  for (const { acknowledged, wrong } of points) {
    expect(wrong).toEqual([])
    expect(acknowledged).toBeGreaterThan(0)
  }
}, 180_000)
