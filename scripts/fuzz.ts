// Generated inputs for every protocol: npm run fuzz -- --inputs 1000000 --seed 1 [--kinds xml,json] [--json], or --replay <kind>:<seed>:<n>
import { parseArgs } from 'node:util'
import { fuzz, replay } from '../test/fuzz/run.ts'

const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    kinds: { type: 'string' },
    replay: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})

if (values.replay === undefined) await run()
else {
  const [kind = '', seed, n] = values.replay.split(':')
  const { input, verdict } = await replay(kind, Number(seed), Number(n))
  console.log(`${input}\n== ${verdict}`)
}

async function run(): Promise<void> {
  const say = (text: string): void => (values.json ? console.error(text) : console.log(text))
  const options = { inputs: Number(values.inputs), seed: Number(values.seed) }
  const result = await fuzz(values.kinds === undefined ? options : { ...options, kinds: values.kinds.split(',') }, say)
  const { inputs, accepted, refused, crashes, hangs } = result
  say(
    `${inputs} inputs: ${accepted} accepted, ${refused} refused, ${crashes} crashes, ${hangs} hangs (seed ${options.seed})`,
  )
  if (values.json) console.log(JSON.stringify({ seed: options.seed, ...result }))
  process.exitCode = crashes + hangs === 0 ? 0 : 1
}
