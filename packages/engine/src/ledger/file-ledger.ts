import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Journal, Ledger, RunHeader, RunStep, UnfinishedRun } from './ledger.ts'
import { isAlive, ownProcess, type ProcessIdentity } from './process-identity.ts'

/**
 * A ledger of files: a directory a run, in it `journal` with one JSON object a line, header first. What a crash cut off at the end of
 * a journal had not been promised.
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
      return journalAt(place(run), run)
    },
    async unfinished() {
      const runs = await readdir(directory).catch(noneYet)
      const read = await Promise.all(runs.map((run) => readRun(place(run), run)))
      return read.filter((each) => each !== undefined)
    },
    forget: (run) => rm(place(run), { recursive: true, force: true }),
  }
}

const JOURNAL = 'journal'

function journalAt(directory: string, run: string): Journal {
  return {
    run,
    note: (step) => append(directory, step),
    end: () => rm(directory, { recursive: true, force: true }),
  }
}

async function append(directory: string, line: object): Promise<void> {
  await using file = await open(join(directory, JOURNAL), 'a', 0o600)
  await file.writeFile(`${JSON.stringify(line)}\n`)
  await file.datasync()
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r')
  await directory.sync()
}

const headerLine = z.object({
  kind: z.enum(['backup', 'restore']),
  pool: z.string(),
  repository: z.string(),
  vm: z.object({ uuid: z.string(), name: z.string() }),
  process: z.object({ machine: z.string(), boot: z.string(), pid: z.number(), startedAt: z.string() }),
})

/** Undefined for a run whose header was never complete: it had done nothing yet. */
async function readRun(directory: string, run: string): Promise<UnfinishedRun | undefined> {
  const text = await readFile(join(directory, JOURNAL), 'utf8').catch(() => '')
  const [first = '', ...rest] = text.split('\n').filter((line) => line !== '')
  const header = headerLine.safeParse(parsed(first))
  if (!header.success) return undefined
  const { process, ...about } = header.data
  const steps = rest.flatMap((line) => (parsed(line) as RunStep | undefined) ?? [])
  return { run, header: about satisfies RunHeader, steps, isAlive: await isAlive(process satisfies ProcessIdentity) }
}

/** Undefined for a line that a crash cut off. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

function noneYet(error: NodeJS.ErrnoException): string[] {
  if (error.code === 'ENOENT') return []
  throw error
}
