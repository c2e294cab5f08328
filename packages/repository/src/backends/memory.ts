import { RepositoryError } from '../error.ts'
import { filePath, type Backend, type FileName, type FileRange, type FileType } from './backend.ts'

/** A backend that keeps its files in memory, and lets tests look at and damage them. */
export interface MemoryBackend extends Backend {
  /** Every file by its path: `data/ab/ab12…`. */
  readonly files: Map<string, Uint8Array>
}

/** Storage for tests and for trying things out; gone with the process. */
export function memoryBackend(files = new Map<string, Uint8Array>()): MemoryBackend {
  return {
    files,
    location: 'memory',
    create: async () => {},
    async *list(type: FileType, signal?: AbortSignal) {
      for (const [path, bytes] of Array.from(files)) {
        signal?.throwIfAborted()
        if (path === type) yield { name: '', size: bytes.length }
        else if (path.startsWith(`${type}/`)) yield { name: path.slice(path.lastIndexOf('/') + 1), size: bytes.length }
      }
    },
    async load(file: FileName, range: FileRange | 'all', signal?: AbortSignal) {
      signal?.throwIfAborted()
      const path = filePath(file)
      const bytes = files.get(path)
      if (bytes === undefined) throw new RepositoryError('BACKEND_NOT_FOUND', `${path} does not exist`, { file: path })
      if (range === 'all') return bytes.slice()
      const end = range.offset + range.length
      if (end > bytes.length) {
        throw new RepositoryError('BACKEND_OUT_OF_RANGE', `${path} has ${bytes.length} bytes, not ${end}`, {
          file: path,
        })
      }
      return bytes.slice(range.offset, end)
    },
    async save(file: FileName, bytes: Uint8Array, signal?: AbortSignal) {
      signal?.throwIfAborted()
      const path = filePath(file)
      if (files.has(path)) throw new RepositoryError('BACKEND_EXISTS', `${path} exists already`, { file: path })
      files.set(path, bytes.slice())
    },
    async remove(file: FileName, signal?: AbortSignal) {
      signal?.throwIfAborted()
      const path = filePath(file)
      if (!files.delete(path)) throw new RepositoryError('BACKEND_NOT_FOUND', `${path} does not exist`, { file: path })
    },
    [Symbol.asyncDispose]: async () => {},
  }
}
