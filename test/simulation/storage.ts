import { setTimeout as pause } from 'node:timers/promises'
import { RepositoryError, type Backend, type FileType, type MemoryBackend } from '@tidemark/repository'
import type { Life } from './life.ts'

/** What the storage of the repository does wrong: one call, or all from one on. */
export interface StorageFault {
  readonly kind: 'full' | 'unavailable' | 'answer-lost' | 'slow'
  /** So many calls that it could hit pass before. */
  readonly after: number
  readonly times: number
}

/** Longer than everything else that is under way meanwhile. */
const SLOW_MS = 25

/** Storage as a process sees it, with its faults. `onFault` hears of each. */
export function faultyStorage(
  backend: MemoryBackend,
  life: Life,
  faults: readonly StorageFault[],
  onFault: (kind: string) => void,
): Backend {
  const seen = faults.map(() => 0)
  const due = (isSave: boolean): StorageFault['kind'] | undefined => {
    let hit: StorageFault['kind'] | undefined
    for (const [index, { kind, after, times }] of faults.entries()) {
      if (kind === 'full' && !isSave) continue
      const count = (seen[index] = (seen[index] ?? 0) + 1)
      if (count > after && count <= after + times) hit ??= kind
    }
    if (hit !== undefined) onFault(`storage ${hit}`)
    return hit
  }
  const spoiled = (name: string, isSave: boolean, call: () => Promise<void>): Promise<void> =>
    life.call(name, async () => {
      const kind = due(isSave)
      if (kind === 'full') throw new RepositoryError('REPOSITORY_FULL', 'the storage is full')
      if (kind === 'unavailable') throw away()
      if (kind === 'slow') await pause(SLOW_MS)
      await call()
      if (kind === 'answer-lost') throw away()
    })
  return {
    ...backend,
    async *list(type, signal) {
      await spoiled(`list ${type}`, false, async () => {})
      yield* await listed(backend, type, signal)
    },
    async load(file, range, signal) {
      await spoiled(`load ${file.type}`, false, async () => {})
      return backend.load(file, range, signal)
    },
    save: (file, bytes, signal) => spoiled(`save ${file.type}`, true, () => backend.save(file, bytes, signal)),
    remove: (file, signal) => spoiled(`remove ${file.type}`, false, () => backend.remove(file, signal)),
  }
}

const away = (): RepositoryError => new RepositoryError('BACKEND_UNAVAILABLE', 'the storage is away')

async function listed(backend: Backend, type: FileType, signal: AbortSignal | undefined) {
  const files = []
  for await (const file of backend.list(type, signal)) files.push(file)
  return files
}
