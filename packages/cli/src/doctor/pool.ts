import { inspectPool, tidyPool, type JanitorContext, type Verdict } from '@tidemark/engine'
import { describe } from '../exit.ts'
import { verdictForPrograms, verdictLine } from '../output/verdict.ts'
import type { Finding } from './finding.ts'

interface PoolExamination {
  readonly dryRun: boolean
  readonly leaveResumable: boolean
  readonly signal: AbortSignal
}

/** Finds what runs left on a pool; finishes or removes it, unless it is only to look. */
export async function examinePool(
  context: JanitorContext,
  { dryRun, leaveResumable, signal }: PoolExamination,
): Promise<readonly Finding[]> {
  const othersAtWork = await context.repository.isShared(signal)
  const inspection = await inspectPool(context, { othersAtWork, leaveResumable }, signal)
  const failed = dryRun ? [] : await tidyPool(context, inspection)
  const findings = inspection.verdicts.map((verdict) => {
    const cause = failed.find((each) => each.verdict === verdict)?.cause
    return cause === undefined ? seenTo(verdict) : notDone(verdict, cause)
  })
  if (findings.some(({ verdict }) => verdict !== 'good')) return findings
  return [
    ...findings,
    { subject: 'pool', verdict: 'good', text: 'nothing of ours is there that should not be', details: {} },
  ]
}

const seenTo = (verdict: Verdict): Finding => ({
  subject: 'pool',
  verdict: verdict.action === 'leave' ? 'good' : verdict.action === 'report' ? 'attention' : 'note',
  text: verdictLine(verdict),
  details: verdictForPrograms(verdict),
})

const notDone = (verdict: Verdict, cause: unknown): Finding => ({
  subject: 'pool',
  verdict: 'attention',
  text: `not done: ${verdictLine(verdict)}: ${describe(cause)}`,
  details: verdictForPrograms(verdict),
})
