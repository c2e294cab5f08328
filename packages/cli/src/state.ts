import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileLedger, type Ledger } from '@tidemark/engine'
import { fileProofs, type ProofLog } from './proofs.ts'

/** Where this machine remembers what its runs do: TIDEMARK_STATE_DIR, systemd's STATE_DIRECTORY, or the XDG state directory. */
function stateDirectory(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const named = environment['TIDEMARK_STATE_DIR'] ?? environment['STATE_DIRECTORY']?.split(':')[0]
  if (named !== undefined && named !== '') return named
  return join(environment['XDG_STATE_HOME'] ?? join(homedir(), '.local', 'state'), 'tidemark')
}

/** The journals of runs that were not ended, of all pools and repositories. */
export const ledgerOfThisMachine = (): Ledger => fileLedger(join(stateDirectory(), 'runs'))

/** What verifications of a repository's points found. */
export const proofsOfThisMachine = (repositoryId: string): ProofLog =>
  fileProofs(join(stateDirectory(), 'proofs', `${repositoryId}.jsonl`))
