import { appendFile, mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { codeOf } from './exit.ts'

/** What was looked at: every blob, every byte beside the pool's, or whether it starts. */
const steps = ['hashed', 'compared', 'booted'] as const
export type ProofStep = (typeof steps)[number]

/** What a verification of a whole restore point found. */
export interface Proof {
  readonly step: ProofStep
  /** ISO 8601. */
  readonly at: string
  readonly passed: boolean
  /** A sentence: what was looked at, or what is wrong. */
  readonly detail: string
}

/**
 * Remembers, on this machine, what verifications found. Not in the repository: a snapshot that is changed gets another ID, and storage that
 * only takes files would keep both.
 */
export interface ProofLog {
  note(point: string, proof: Omit<Proof, 'at'>): Promise<void>
  /** The newest of each step, by the point's ID. */
  all(): Promise<ReadonlyMap<string, readonly Proof[]>>
}

const lineSchema = z.object({
  point: z.string(),
  step: z.enum(steps),
  at: z.iso.datetime(),
  passed: z.boolean(),
  detail: z.string(),
})

/** A file with a line a proof, which several processes may add to. It is made with the first one. */
export const fileProofs = (path: string, now: () => Date = () => new Date()): ProofLog => ({
  async note(point, { step, passed, detail }) {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const line = { point, step, at: now().toISOString(), passed, detail }
    await appendFile(path, `\n${JSON.stringify(line)}\n`, { mode: 0o600 }) // the line before may have been cut short
  },
  async all() {
    const found = new Map<string, Map<ProofStep, Proof>>()
    for (const line of (await textOf(path)).split('\n')) {
      const parsed = lineSchema.safeParse(valueOf(line))
      if (!parsed.success) continue // a line that a crash cut short is no proof
      const { point, ...proof } = parsed.data
      found.set(point, (found.get(point) ?? new Map<ProofStep, Proof>()).set(proof.step, proof))
    }
    return new Map([...found].map(([point, byStep]) => [point, steps.flatMap((step) => byStep.get(step) ?? [])]))
  },
})

/** What says that the point is wrong, and not that it could not be looked at. */
const FINDINGS: ReadonlySet<string | undefined> = new Set([
  'REPOSITORY_DAMAGED',
  'REPOSITORY_MISSING_BLOB',
  'ENGINE_POINT_DAMAGED',
  'ENGINE_BOOT',
])

/** Does a verification, and notes what came of it. @param detailOf what it looked at. @throws what `work` throws */
export async function proved<Result>(
  note: (proof: Omit<Proof, 'at'>) => Promise<void>,
  step: ProofStep,
  work: () => Promise<Result>,
  detailOf: (result: Result) => string,
): Promise<Result> {
  let result: Result
  try {
    result = await work()
  } catch (error) {
    if (FINDINGS.has(codeOf(error))) await note({ step, passed: false, detail: (error as Error).message })
    throw error
  }
  await note({ step, passed: true, detail: detailOf(result) })
  return result
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return ''
    throw error
  }
}

function valueOf(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
