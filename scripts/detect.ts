// Flips one bit at random places of a repository: npm run detect -- --flips 10000 [--from 1] [--json]. docs/detection.md
import { parseArgs } from 'node:util'
import { detect } from '../packages/repository/test/detection/run.ts'

const { values } = parseArgs({
  options: {
    flips: { type: 'string', default: '10000' },
    from: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})
const startedAt = performance.now()
const range = { flips: Number(values.flips), from: Number(values.from) }
const report = await detect(range, (done) => {
  if (done % 1000 === 0) console.error(`${done} flips`)
})
const seconds = Math.round((performance.now() - startedAt) / 1000)
if (values.json) console.log(JSON.stringify({ ...report, seconds }))
else {
  console.table(report.kinds)
  console.log(
    `${range.flips} flips from seed ${range.from} in ${seconds} s, ${report.failures.length} not found or answered with wrong bytes`,
  )
  for (const failure of report.failures) console.log(failure)
}
process.exitCode = report.failures.length === 0 ? 0 : 1
