export { openStorage } from './open.ts'
export type { Storage, StorageOptions } from './storage.ts'
