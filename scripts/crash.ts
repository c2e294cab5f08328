// Operations on a repository killed at every call of its storage: npm run crash -- [--seeds 4] [--restic 40]. docs/crash-safety.md
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  countCalls,
  CRASH_PASSWORD,
  crashAt,
  operations,
  prepare,
  type OperationName,
} from '../packages/repository/test/support/crash.ts'
import type { MemoryBackend } from '@tidemark/repository'

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '3' }, restic: { type: 'string', default: '40' } },
})
const seeds = Number(values.seeds)
const every = Math.max(1, Number(values.restic))

let total = 0
let checked = 0
for (const name of Object.keys(operations) as OperationName[]) {
  let points = 0
  for (let seed = 1; seed <= seeds; seed++) {
    const before = await prepare(seed)
    const calls = await countCalls(name, before)
    for (let n = 1; n <= calls; n++) {
      for (const moment of ['before', 'after'] as const) {
        const left = await crashAt(name, before, n, moment).catch((cause: unknown) => {
          throw new Error(`${name}, seed ${seed}, killed ${moment} call ${n} of ${calls}`, { cause })
        })
        points++
        if ((total + points) % every === 0) {
          await resticCheck(left)
          checked++
        }
      }
    }
  }
  total += points
  console.log(`${name}: ${points} points`)
}
console.log(
  `${total} points in all, every acknowledged point whole and the repository sound at each; restic check clean at ${checked}`,
)

async function resticCheck({ files }: MemoryBackend): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-crash-'))
  try {
    for (const type of ['locks', 'snapshots', 'index', 'data', 'keys']) await mkdir(join(directory, type))
    for (const [path, bytes] of files) {
      await mkdir(dirname(join(directory, path)), { recursive: true })
      await writeFile(join(directory, path), bytes)
    }
    const output = execFileSync('restic', ['--no-cache', '-r', directory, 'check', '--read-data'], {
      env: { ...process.env, RESTIC_PASSWORD: CRASH_PASSWORD },
      encoding: 'utf8',
    })
    assert.match(output, /no errors were found/)
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
