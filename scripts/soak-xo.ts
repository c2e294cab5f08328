// Xen Orchestra's mirrors beside clients at random: npm run soak:xo -- --minutes 10 --clients 8 --seed 1
import { parseArgs } from 'node:util'
import { follow } from '../test/soak/xen-orchestra.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    clients: { type: 'string', default: '8' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})

console.log(`seed ${values.seed}`)
const { steps, findings, mirrors } = await follow(
  { seconds: Number(values.minutes) * 60, clients: Number(values.clients), seed: Number(values.seed) },
  console.log,
)
console.log(`${steps} steps`)
for (const finding of findings) console.log(`FINDING ${finding}`)
for (const { transport, events, barriers, classes, objects, refetched, differences, output } of mirrors) {
  console.log(
    `${transport}: ${events} events, ${barriers} barriers, ${refetched} classes fetched anew; ` +
      `${objects} objects of ${classes} classes, ${differences.length} differences`,
  )
  for (const difference of differences) console.log(`DIFFERENCE ${difference}`)
  if (output !== '') console.log(output)
}
process.exitCode = mirrors.every(({ differences }) => differences.length === 0) ? 0 : 1
