import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { decodeEntries, encodeEntry, wholeLength } from '../checkpoint/frame.ts'
import type { Journal, Ledger, RunHeader, RunStep, UnfinishedRun } from './ledger.ts'
import { syncDirectory } from '../sync-directory.ts'
import { isAlive, ownProcess, type ProcessIdentity } from './process-identity.ts'

/**
 * A ledger of files: a directory a run, in it `journal` with one JSON object a line, header first, and `checkpoints`. What a crash cut off
 * at the end of either had not been promised. A process that goes on with a run says so in a file of its own, `taken-<n>`, which only one
 * can make.
 */
export function fileLedger(directory: string): Ledger {
  const place = (run: string): string => join(directory, run)
  return {
    async begin(header) {
      const run = randomUUID()
      await mkdir(place(run), { recursive: true, mode: 0o700 })
      await append(place(run), { ...header, process: await ownProcess() })
      await syncDirectory(place(run))
      await syncDirectory(directory)
      return journalAt(place(run), run, 0)
    },
    async unfinished() {
      const runs = await readdir(directory).catch(noneYet)
      const read = await Promise.all(runs.map((run) => readRun(place(run), run)))
      return read.filter((each) => each !== undefined)
    },
    checkpoints: async (run) => decodeEntries(await readFile(join(place(run), CHECKPOINTS)).catch(noFileYet)),
    async resume(run) {
      const worker = (await takersOf(place(run))) + 1 // before it is asked who is alive: of two, one makes the file
      const read = await readRun(place(run), run)
      if (read === undefined || read.isAlive || !(await take(place(run), worker))) return undefined
      await dropTorn(place(run))
      return journalAt(place(run), run, worker)
    },
    forget: (run) => rm(place(run), { recursive: true, force: true }),
  }
}

const JOURNAL = 'journal'
const CHECKPOINTS = 'checkpoints'
const TAKEN = 'taken-'

function journalAt(directory: string, run: string, worker: number): Journal {
  return {
    run,
    isKept: true,
    note: (step) => append(directory, { ...step, worker } satisfies NotedStep),
    checkpoint: (entries) => appendTo(join(directory, CHECKPOINTS), Buffer.concat(entries.map(encodeEntry))),
    end: () => rm(directory, { recursive: true, force: true }),
  }
}

const append = (directory: string, line: object): Promise<void> =>
  appendTo(join(directory, JOURNAL), `${JSON.stringify(line)}\n`)

async function appendTo(path: string, text: string | Uint8Array): Promise<void> {
  await using file = await open(path, 'a', 0o600)
  await file.writeFile(text)
  await file.datasync()
}

/** Says that this process goes on with a run, as the `worker`th after the first. False when another said so before. */
async function take(directory: string, worker: number): Promise<boolean> {
  const draft = join(directory, randomUUID())
  await writeFile(draft, JSON.stringify(await ownProcess()), { mode: 0o600, flush: true })
  try {
    await link(draft, join(directory, `${TAKEN}${worker}`))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    await rm(draft)
  }
  await syncDirectory(directory)
  return true
}

/** How many processes went on with a run. */
const takersOf = async (directory: string): Promise<number> =>
  (await readdir(directory)).filter((name) => name.startsWith(TAKEN)).length

/** Cuts off what a crash left half, so that what is added now can be read. */
async function dropTorn(directory: string): Promise<void> {
  const journal = await readFile(join(directory, JOURNAL))
  await truncate(join(directory, JOURNAL), journal.lastIndexOf('\n') + 1)
  const checkpoints = await readFile(join(directory, CHECKPOINTS)).catch(noFileYet)
  if (checkpoints.length > 0) await truncate(join(directory, CHECKPOINTS), wholeLength(checkpoints))
}

const identity = z.object({ machine: z.string(), boot: z.string(), pid: z.number(), startedAt: z.string() })

const headerLine = z.object({
  kind: z.enum(['backup', 'restore']),
  pool: z.string(),
  repository: z.string(),
  vm: z.object({ uuid: z.string(), name: z.string() }),
  process: identity,
})

/** A step, and the number of the process that took it: 0 is the one that began the run. */
type NotedStep = RunStep & { readonly worker?: number }

/** Undefined for a run whose header was never complete: it had done nothing yet. */
async function readRun(directory: string, run: string): Promise<UnfinishedRun | undefined> {
  const worker = await takersOf(directory)
  const text = await readFile(join(directory, JOURNAL), 'utf8').catch(() => '')
  const [first = '', ...rest] = text.split('\n').filter((line) => line !== '')
  const header = headerLine.safeParse(parsed(first))
  if (!header.success) return undefined
  const { process, ...about } = header.data
  const steps = rest.flatMap((line) => (parsed(line) as NotedStep | undefined) ?? [])
  const isOver = steps.some(({ step, worker: by }) => (step === 'cut' || step === 'left') && by === worker)
  const worksOn = (await takerOf(directory, worker)) ?? process
  return { run, header: about satisfies RunHeader, steps, isAlive: !isOver && (await isAlive(worksOn)) }
}

/** Who works on a run, if not the process that began it. */
async function takerOf(directory: string, worker: number): Promise<ProcessIdentity | undefined> {
  if (worker === 0) return undefined
  return identity.safeParse(parsed(await readFile(join(directory, `${TAKEN}${worker}`), 'utf8'))).data
}

/** Undefined for a line that a crash cut off. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function noFileYet(error: NodeJS.ErrnoException): Buffer {
  if (error.code === 'ENOENT') return Buffer.alloc(0)
  throw error
}

function noneYet(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return []
  throw error
}
