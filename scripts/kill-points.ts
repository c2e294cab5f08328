// A backup and a restore killed before and after every call that they make: npm run kill-points -- [--every 1] [--json]; with --processes [n]
// real processes, and restores of other kinds too, at n drawn points of each: [--seed 1]. docs/simulation.md
import { parseArgs } from 'node:util'
import { playKillPoints } from '../test/simulation/kill-points.ts'
import { playProcessKills } from '../test/simulation/process-kills.ts'

const { values } = parseArgs({
  options: {
    every: { type: 'string', default: '1' },
    processes: { type: 'string' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})
const startedAt = performance.now()
const onPoint = (point: string): void => {
  if (!values.json) console.log(point)
}
const points =
  values.processes === undefined
    ? await playKillPoints({ every: Number(values.every), onPoint })
    : await playProcessKills({ seed: Number(values.seed), each: Number(values.processes), onPoint })
const of = (kind: string): number => points.filter((point) => point.startsWith(kind)).length
const seconds = Math.round((performance.now() - startedAt) / 1000)
const kinds = { backup: of('backup'), restore: of('restore'), newDisk: of('new-disk'), over: of('over') }
const result = { points: points.length, ...kinds, seconds }
console.log(
  values.json ? JSON.stringify(result) : `${points.length} points, the next run complete and the pool clean at each`,
)
