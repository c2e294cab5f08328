import type { Storage, StorageOptions } from './storage.ts'

/** Opens the storage in a directory, or makes it. */
export function openStorage(options: StorageOptions): Promise<Storage> {
  return Promise.reject(new Error(`the storage in ${options.directory} comes with the next commit`))
}
