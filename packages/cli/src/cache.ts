import { homedir } from 'node:os'
import { join } from 'node:path'

/**
 * Where this machine keeps what it knows of repositories: `TIDEMARK_CACHE_DIR`, else `$XDG_CACHE_HOME/tidemark`, else
 * `~/.cache/tidemark`. An empty `TIDEMARK_CACHE_DIR` means nowhere.
 */
export function cacheDirectory(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const own = environment['TIDEMARK_CACHE_DIR']
  if (own !== undefined) return own === '' ? undefined : own
  const shared = environment['XDG_CACHE_HOME']
  return join(shared === undefined || shared === '' ? join(homedir(), '.cache') : shared, 'tidemark')
}
