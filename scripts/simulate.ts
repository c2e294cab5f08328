// Life cycles of VMs under faults drawn from seeds: npm run simulate -- --seeds 200 [--from 1] [--short] [--json]; one alone, with its trace: --seeds 1 --from <n>. docs/simulation.md
import { parseArgs } from 'node:util'
import { playSeeds } from '../test/simulation/seeds.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    from: { type: 'string', default: '1' },
    short: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const length = values.short ? 'short' : 'full'
const seeds = { from: Number(values.from), count: Number(values.seeds), length } as const
const startedAt = performance.now()
const result = await playSeeds(seeds, ({ seed, trace, failure }, played) => {
  if (seeds.count === 1) for (const line of trace) console.error(line)
  if (failure !== undefined) console.error(`seed ${seed} failed: ${failure}`)
  if (played % 100 === 0) console.error(`${played} of ${seeds.count}`)
})
const { failed, points, faults, fired } = result
const seconds = Math.round((performance.now() - startedAt) / 1000)
if (values.json)
  console.log(
    JSON.stringify({ seeds: seeds.count, failed: failed.length, points, faults, seconds, fired, failures: failed }),
  )
else {
  console.log(
    `${seeds.count} seeds from ${seeds.from} in ${seconds} s: ${points} points compared, ${faults} faults`,
    fired,
  )
  for (const seed of failed)
    console.log(`failed: npm run simulate -- --seeds 1 --from ${seed}${values.short ? ' --short' : ''}`)
}
process.exitCode = failed.length === 0 ? 0 : 1
