// Programs that share one repository, some of them killed: npm run stress -- [--minutes 10] [--seed 1] [--through rclone] [--json]. docs/crash-safety.md
import { parseArgs } from 'node:util'
import { stress } from '../packages/repository/test/stress/stress.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    through: { type: 'string', default: 'directory' },
    json: { type: 'boolean', default: false },
  },
})
const seconds = Number(values.minutes) * 60
const seed = Number(values.seed)
const through = values.through === 'rclone' ? 'rclone' : 'directory'
const result = await stress({ seconds, seed, blocks: 256, killEvery: 10, through })
for (const failure of result.failures) console.error(failure)
const { points, forgotten, prunes, checks, restores, locked, kills, compared } = result
if (values.json) console.log(JSON.stringify({ seed, seconds, ...result, failures: result.failures.length }))
else {
  console.log(`${points} points acknowledged, ${forgotten} of them forgotten, ${compared} compared at the end`)
  console.log(
    `${prunes} prunes, ${checks.shared} checks beside writers and ${checks.exclusive} alone, ${restores} restores compared`,
  )
  console.log(`${kills} programs killed; a lock was in the way ${locked} times; ${result.failures.length} failures`)
}
process.exitCode = result.failures.length === 0 ? 0 : 1
