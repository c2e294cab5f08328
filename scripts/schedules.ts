// NBD servers that die, stall and talk nonsense: npm run schedules -- --schedules 2000 --seed 1 [--json]; one alone: --schedules 1 --seed <n>
import { parseArgs } from 'node:util'
import { makeCertificates } from '../packages/nbd/test/certificates.ts'
import { playSchedules } from '../test/schedules/play.ts'

const { values } = parseArgs({
  options: {
    schedules: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})
const startedAt = performance.now()
await using pki = await makeCertificates()
const seeds = { first: Number(values.seed), count: Number(values.schedules) }
const result = await playSchedules(seeds, pki, (played) => {
  if (played % 500 === 0) console.error(`${played} played`)
})
const seconds = Math.round((performance.now() - startedAt) / 1000)
if (values.json) console.log(JSON.stringify({ ...seeds, seconds, ...result }))
else {
  console.log(`${seeds.count} schedules from seed ${seeds.first} in ${seconds} s, ${result.connections} connections`)
  console.log('ends:', result.ends, 'faults:', result.fired)
  for (const failure of result.failures) console.log(failure)
}
process.exitCode = result.failures.length === 0 ? 0 : 1
