export { openStorage } from './open.ts'
export type { Storage } from './storage.ts'
