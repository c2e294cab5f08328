// Many clients at random on one lab, unattended: npm run soak -- --minutes 10 --vms 200 --vdis 1000 --clients 50 --seed 1 [--json]
import { parseArgs } from 'node:util'
import { soak } from '../test/soak/soak.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    vms: { type: 'string', default: '200' },
    vdis: { type: 'string', default: '1000' },
    clients: { type: 'string', default: '50' },
    python: { type: 'string', default: '4' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    json: { type: 'boolean', default: false },
  },
})

const say = (text: string): void => (values.json ? console.error(text) : console.log(text))
const result = await soak(
  {
    seconds: Number(values.minutes) * 60,
    vms: Number(values.vms),
    vdis: Number(values.vdis),
    clients: Number(values.clients),
    python: Number(values.python),
    seed: Number(values.seed),
  },
  say,
)

const MiB = 1024 ** 2
for (const [name, { done, skipped, refused }] of Object.entries(result.operations)) {
  const reasons = Object.entries(refused).map(([code, times]) => `${code} ${times}`)
  say(
    `${name.padEnd(28)} ${String(done).padStart(6)} done ${String(skipped).padStart(5)} skipped  ${reasons.join(', ')}`,
  )
}
const { before, during, after } = result.memory
const rss = [before, ...during, after].map((each) => Math.round(each.rss / MiB)).join(' ')
say(`memory of the lab, MiB: ${rss}; heap at the end ${Math.round(after.heapUsed / MiB)}`)
say(
  `${result.steps} steps and ${result.python} calls of Python's in ${Math.round(result.seconds)} s, ${result.events} events`,
)
for (const finding of result.findings) say(`FINDING ${finding}`)
say(`${result.findings.length} findings`)
if (values.json) console.log(JSON.stringify({ seed: Number(values.seed), ...result }))
process.exitCode = result.findings.length === 0 ? 0 : 1
