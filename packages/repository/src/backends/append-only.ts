import { RepositoryError } from '../error.ts'
import { filePath, type Backend } from './backend.ts'

/**
 * Adds files and removes none but locks, whatever the storage would allow. A guard against one's own mistakes: who has the
 * credentials has the storage. Only the server, or the bucket's policy, keeps an attacker out.
 */
export function withoutRemoval(backend: Backend): Backend {
  return {
    ...backend,
    async remove(file, signal) {
      if (file.type === 'locks') return backend.remove(file, signal)
      const path = filePath(file)
      throw new RepositoryError('BACKEND_DENIED', `${path}: this repository is configured as append-only`, {
        file: path,
      })
    },
  }
}
