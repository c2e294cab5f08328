// Our NBD client and server beside the peers', in one run: npm run bench -- nbd [--json] [words of the cases wanted]
// ROUNDS (5) and SIZE in MiB (4096) by environment. The medians of the ratios count: the machine may be busy with other work.
import { median } from './measure.ts'
import { clientCases } from './nbd/client-cases.ts'
import { pointCases } from './nbd/point-cases.ts'
import { serverCases } from './nbd/server-cases.ts'
import { openStage } from './nbd/stage.ts'

const ROUNDS = Number(process.env['ROUNDS'] ?? 5)
const SIZE = Number(process.env['SIZE'] ?? 4096) * 1024 * 1024
const isJson = process.argv.includes('--json')
const words = process.argv.slice(2).filter((each) => !each.startsWith('--'))
const say = (text: string): void => void (isJson ? process.stderr : process.stdout).write(`${text}\n`)

say(`image: ${SIZE / 2 ** 20} MiB of random bytes; ${ROUNDS} rounds`)
const stage = openStage(SIZE)
const chosen = (kind: string): boolean =>
  words.every((word) => word.startsWith(kind) || !/^(client|server|point)$/.test(word))
const cases = [
  ...(chosen('client') ? await clientCases(stage) : []),
  ...(chosen('server') ? await serverCases(stage) : []),
  ...(chosen('point') ? await pointCases(stage) : []),
]
const ratios: Record<string, { value: number; goal: number }> = {}
say(`${'case'.padEnd(46)} ours MB/s  peer MB/s  ratio  goal`)
for (const each of cases.filter(({ name }) => words.every((word) => name.includes(word)))) {
  each.ours() // once for the page cache, the compiler and the allocator of either side
  each.theirs()
  const rounds = Array.from({ length: ROUNDS }, () => ({ ours: each.ours(), theirs: each.theirs() }))
  const value = Number(median(rounds.map(({ ours, theirs }) => theirs / ours)).toFixed(2))
  ratios[each.name] = { value, goal: each.goal }
  const rate = (seconds: number): string => (each.bytes / seconds / 1e6).toFixed(0).padStart(9)
  const [a, b] = [median(rounds.map(({ ours }) => ours)), median(rounds.map(({ theirs }) => theirs))]
  say(`${each.name.padEnd(46)} ${rate(a)}  ${rate(b)}  ${value.toFixed(2).padStart(5)}  ${each.goal}`)
}
if (isJson) process.stdout.write(`${JSON.stringify({ ratios })}\n`)
process.exit(0)
