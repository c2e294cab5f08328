// Operations on a repository killed at every call of its storage, and at every step of the file system:
// npm run crash -- [--seeds 3] [--cuts 1] [--restic 40] [--operation prune]. docs/crash-safety.md
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import {
  countCalls,
  countSteps,
  CRASH_PASSWORD,
  crashAt,
  cutAt,
  operations,
  prepare,
  type OperationName,
} from '../packages/repository/test/support/crash.ts'
import type { MemoryBackend } from '@tidemark/repository'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '3' },
    cuts: { type: 'string', default: '1' },
    restic: { type: 'string', default: '40' },
    operation: { type: 'string', multiple: true, default: Object.keys(operations) },
  },
})
const seeds = Number(values.seeds)
const every = Math.max(1, Number(values.restic))

const cuts = ['nothing unsynced', 'some unsynced', 'process'] as const

let total = 0
let checked = 0
for (const name of values.operation as OperationName[]) {
  const calls = await killAtCalls(name)
  const steps = await cutAtSteps(name)
  console.log(`${name}: ${calls} points at calls of the storage, ${steps} at steps of the file system`)
}
console.log(
  `${total} points in all, every acknowledged point whole and the repository sound at each; restic check clean at ${checked}`,
)

async function killAtCalls(name: OperationName): Promise<number> {
  let points = 0
  for (let seed = 1; seed <= seeds; seed++) {
    const before = await prepare(seed)
    const calls = await countCalls(name, before)
    for (let n = 1; n <= calls; n++) {
      for (const moment of ['before', 'after'] as const) {
        points++
        await judged(`${name}, seed ${seed}, killed ${moment} call ${n} of ${calls}`, crashAt(name, before, n, moment))
      }
    }
  }
  return points
}

async function cutAtSteps(name: OperationName): Promise<number> {
  let points = 0
  for (let seed = 1; seed <= Number(values.cuts); seed++) {
    const before = await prepare(seed)
    const steps = await countSteps(name, before)
    for (let step = 1; step <= steps; step++) {
      for (const moment of ['before', 'after'] as const) {
        const cut = cuts[points++ % cuts.length] ?? 'process'
        const what = `${name}, seed ${seed}, power cut ${moment} step ${step} of ${steps} (${cut})`
        await judged(what, cutAt(name, before, { step, moment, cut }))
      }
    }
  }
  return points
}

/** Counts a point that held, and shows some to restic. */
async function judged(what: string, point: Promise<MemoryBackend>): Promise<void> {
  const left = await point.catch((cause: unknown) => {
    throw new Error(what, { cause })
  })
  if (++total % every !== 0 || what.startsWith('repair')) return // a repair that was killed need not be sound yet
  await resticCheck(left)
  checked++
}

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
