// Bitmaps of the lab that omit one changed block, until the audit catches each: npm run lying-bitmap -- [--trials 100] [--runs 10] [--seed 1]
// docs/runs.md
import { parseArgs } from 'node:util'
import { lyingBitmaps } from '../test/support/lying-bitmaps.ts'

const { values } = parseArgs({
  options: {
    trials: { type: 'string', default: '100' },
    runs: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})
const runs = Number(values.runs)
const caughtAfter = await lyingBitmaps(
  { trials: Number(values.trials), runs, seed: Number(values.seed) },
  (trial, after) => {
    if (!values.json) console.log(`trial ${trial}: caught in run ${after} of ${runs}`)
  },
)
const caught = caughtAfter.filter((after) => after <= runs).length
const mean = caughtAfter.reduce((sum, after) => sum + after, 0) / caughtAfter.length
if (values.json) console.log(JSON.stringify({ trials: caughtAfter.length, caught, runs, mean }))
else
  console.log(
    `${caught} of ${caughtAfter.length} were caught within ${runs} runs, in run ${mean.toFixed(1)} on average`,
  )
process.exitCode = caught === caughtAfter.length ? 0 : 1
