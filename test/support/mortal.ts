import { execFile } from 'node:child_process'
import { join } from 'node:path'
import type { Order } from './mortal-run.ts'
import { PASSWORD, type Bench } from './pool.ts'

/** What a mortal process does, and where it dies. */
export type Deadly = Pick<Order, 'kind' | 'at' | 'vm' | 'after'>

/** Runs a backup or a restore in a process of its own, which dies at a step. Answers the steps it passed. */
export function mortal(
  { lab, repository, directory }: Bench,
  deadly: Deadly,
): Promise<{ readonly steps: readonly string[]; readonly died: boolean }> {
  const { url, fingerprint } = lab
  const state = join(directory, 'state', 'runs')
  const order: Order = { ...deadly, url, fingerprint, password: PASSWORD, repository, state }
  const program = join(import.meta.dirname, 'mortal-run.ts')
  const { promise, resolve, reject } = Promise.withResolvers<{ steps: string[]; died: boolean }>()
  execFile(
    process.execPath,
    ['--conditions=@tidemark/source', '--disable-warning=ExperimentalWarning', program, JSON.stringify(order)],
    (error, stdout, stderr) => {
      const steps = stdout.split('\n').filter((line) => line !== '')
      if (error !== null && error.signal !== 'SIGKILL') reject(new Error(stderr))
      else resolve({ steps, died: error !== null })
    },
  )
  return promise
}
