import { probeProtection, type Protection, type Repository } from '@tidemark/repository'
import type { RepositoryConfig } from '../config.ts'
import type { Finding } from './finding.ts'

/** Examines a repository with the credentials of a backup. Yields as it finds. */
export async function* examineRepository(
  repository: Repository,
  entry: RepositoryConfig,
  signal: AbortSignal,
): AsyncIterable<Finding> {
  const protection = await probeProtection(repository, signal)
  yield destruction(protection, entry)
  yield lockRemoval(protection)
}

/** What somebody who has taken this machine could do. */
function destruction(protection: Protection, { appendOnly, s3 }: RepositoryConfig): Finding {
  const { remains, overwriting, removal, probe } = protection
  const finding = { subject: 'protection', details: { ...protection } }
  if (remains === 'in place') {
    const text = `removing and overwriting a file with these credentials was refused; the file of the proof stays, ${probe}`
    return { ...finding, verdict: 'good', text }
  }
  if (remains === 'as a version') {
    const text =
      'with these credentials a file can be hidden and not destroyed: the storage keeps its older version for somebody with more rights'
    return { ...finding, verdict: 'good', text }
  }
  const ways = [...(removal === 'accepted' ? ['removed'] : []), ...(overwriting === 'accepted' ? ['overwritten'] : [])]
  const isMeant = appendOnly === false && s3?.objectLock === undefined
  const text =
    `a file could be ${ways.join(' and ')} with these credentials: whoever takes this machine can destroy its backups` +
    (isMeant ? '; the configuration says that this is meant' : '; see "Append-only" in docs/backends.md')
  return { ...finding, verdict: isMeant ? 'note' : 'attention', text }
}

function lockRemoval({ locks }: Protection): Finding {
  const finding = { subject: 'locks', details: { locks } }
  if (locks === 'removable') return { ...finding, verdict: 'good', text: 'locks can be removed' }
  const text =
    'locks cannot be removed: each run leaves one, and whatever needs the repository alone waits; allow removing files in locks/'
  return { ...finding, verdict: 'attention', text }
}
