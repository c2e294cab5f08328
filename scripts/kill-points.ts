// A backup and a restore killed before and after every call that they make: npm run kill-points -- [--every 1] [--json]. docs/simulation.md
import { parseArgs } from 'node:util'
import { playKillPoints } from '../test/simulation/kill-points.ts'

const { values } = parseArgs({
  options: { every: { type: 'string', default: '1' }, json: { type: 'boolean', default: false } },
})
const startedAt = performance.now()
const onPoint = (point: string): void => {
  if (!values.json) console.log(point)
}
const points = await playKillPoints({ every: Number(values.every), onPoint })
const of = (kind: string): number => points.filter((point) => point.startsWith(kind)).length
const seconds = Math.round((performance.now() - startedAt) / 1000)
const result = { points: points.length, backup: of('backup'), restore: of('restore'), seconds }
console.log(
  values.json ? JSON.stringify(result) : `${points.length} points, the next run complete and the pool clean at each`,
)
