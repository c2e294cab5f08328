import { randomUUID } from 'node:crypto'
import type { Journal, Ledger, RunHeader, RunStep, UnfinishedRun } from '@tidemark/engine'
import type { Life } from './life.ts'

type Checkpoint = Parameters<Journal['checkpoint']>[0][number]

interface Noted {
  readonly header: RunHeader
  readonly steps: RunStep[]
  readonly checkpoints: Checkpoint[]
  worker: Life
  isCut: boolean
}

/** Journals of one machine: they outlive the lives that write them. */
export class SimLedger {
  readonly #runs = new Map<string, Noted>()

  /** The ledger as a process sees it. */
  of(life: Life): Ledger {
    const runs = this.#runs
    return {
      begin: (header) =>
        life.call('ledger.begin', async () => {
          const run = randomUUID()
          const noted = { header, steps: [], checkpoints: [], worker: life, isCut: false }
          runs.set(run, noted)
          return this.#journal(run, noted, life)
        }),
      unfinished: async () => Array.from(runs, ([run, noted]) => unfinished(run, noted)),
      checkpoints: async (run) => runs.get(run)?.checkpoints ?? [],
      resume: (run) =>
        life.call('ledger.resume', async () => {
          const noted = runs.get(run)
          if (noted === undefined || unfinished(run, noted).isAlive) return undefined
          noted.worker = life
          noted.isCut = false
          return this.#journal(run, noted, life)
        }),
      forget: (run) => life.call('ledger.forget', async () => void runs.delete(run)),
    }
  }

  #journal(run: string, noted: Noted, life: Life): Journal {
    return {
      run,
      isKept: true,
      note: (step) =>
        life.call(`journal.note ${step.step}`, async () => {
          noted.steps.push(step)
          if (step.step === 'cut' || step.step === 'left') noted.isCut = true
        }),
      checkpoint: (entries) => life.call('journal.checkpoint', async () => void noted.checkpoints.push(...entries)),
      end: () => life.call('journal.end', async () => void this.#runs.delete(run)),
    }
  }
}

const unfinished = (run: string, { header, steps, worker, isCut }: Noted): UnfinishedRun => ({
  run,
  header,
  steps: [...steps],
  isAlive: !isCut && !worker.isOver,
})
