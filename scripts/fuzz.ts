// Generated inputs for every protocol: npm run fuzz -- --inputs 1000000 --seed 1 [--kinds xml,json] [--json], or --replay <kind>:<seed>:<n>
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
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

/** Says which input never ends, and ends the process: nothing else can, when it never gives way. */
function watch(seed: number): {
  readonly note: (kind: string, input: number) => void
  readonly stop: () => Promise<number>
} {
  const now = new Int32Array(new SharedArrayBuffer(8))
  const kinds: string[] = []
  const source = `
    const { workerData: { now, seed } } = require('node:worker_threads')
    let before = ''
    setInterval(() => {
      const here = now[0] + ' ' + now[1]
      if (here === before) {
        require('node:fs').writeSync(2, 'HANG: input ' + now[1] + ' of kind number ' + now[0] + ', seed ' + seed + '\\n')
        process.kill(process.pid, 'SIGKILL')
      }
      before = here
    }, 120000)`
  const worker = new Worker(source, { eval: true, workerData: { now, seed } })
  worker.unref()
  return {
    note(kind, input) {
      if (!kinds.includes(kind)) kinds.push(kind)
      now[0] = kinds.indexOf(kind)
      now[1] = input
    },
    stop: () => worker.terminate(),
  }
}

async function run(): Promise<void> {
  const say = (text: string): void => (values.json ? console.error(text) : console.log(text))
  const options = { inputs: Number(values.inputs), seed: Number(values.seed) }
  const watchdog = watch(options.seed)
  const chosen = values.kinds === undefined ? options : { ...options, kinds: values.kinds.split(',') }
  const result = await fuzz(chosen, say, ({ kind, input }) => watchdog.note(kind, input))
  await watchdog.stop()
  const { inputs, accepted, refused, crashes, hangs } = result
  say(
    `${inputs} inputs: ${accepted} accepted, ${refused} refused, ${crashes} crashes, ${hangs} hangs (seed ${options.seed})`,
  )
  if (values.json) console.log(JSON.stringify({ seed: options.seed, ...result }))
  process.exitCode = crashes + hangs === 0 ? 0 : 1
}
