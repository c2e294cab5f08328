import type { RunStep, UnfinishedRun } from '../ledger/ledger.ts'

/** Whether and how long the snapshot of a run that was cut is kept, so that the next run can go on with it. */
export interface ResumeOptions {
  /** Time from one checkpoint to the next. */
  readonly everyMs: number
  /** After so long the next run starts afresh: what a snapshot holds back on its storage grows with its age. */
  readonly withinMs: number
  /** How often a run is gone on with. */
  readonly tries: number
}

export const resumeDefaults = {
  everyMs: 10_000,
  withinMs: 24 * 3_600_000,
  tries: 10,
} as const satisfies ResumeOptions

type Taken = Extract<RunStep, { step: 'snapshot-taken' }>

/** A run that was cut between its snapshot and its restore point. */
export interface CutRun {
  readonly run: UnfinishedRun
  readonly name: string
  readonly taken: Taken
  /** Undefined when it was not to be gone on with. */
  readonly limit: { readonly until: Date; readonly tries: number } | undefined
  /** How often it was gone on with. */
  readonly resumed: number
}

/** What the journal of a run says of going on with it; undefined when there is nothing to go on with. */
export function cutRunOf(run: UnfinishedRun): CutRun | undefined {
  const { header, steps, isAlive } = run
  const asked = steps.find((step) => step.step === 'snapshot')
  const taken = steps.find((step) => step.step === 'snapshot-taken')
  const isOver = steps.some(({ step }) => step === 'saved' || step === 'left')
  if (header.kind !== 'backup' || isAlive || isOver || asked === undefined || taken === undefined) return undefined
  const { name, resume } = asked
  const limit = resume && { until: new Date(resume.until), tries: resume.tries }
  return { run, name, taken, limit, resumed: steps.filter(({ step }) => step === 'resumed').length }
}

/** Which limit is over, if one is. */
export function overLimit({ limit, resumed }: CutRun, now: Date): 'not-kept' | 'too-old' | 'too-often' | undefined {
  if (limit === undefined) return 'not-kept'
  if (now >= limit.until) return 'too-old'
  return resumed >= limit.tries ? 'too-often' : undefined
}
