// A lab in a process of its own, to be killed: `node victim.ts DIRECTORY`. Says so on stdout when it can be used.
import { startLab } from '../src/index.ts'
import { quick } from './harness.ts'

const lab = await startLab({ ...quick, directory: process.argv[2] ?? '' })
process.stdout.write(`${lab.url}\n`)
