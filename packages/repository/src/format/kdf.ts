import { scrypt } from 'node:crypto'
import { promisify } from 'node:util'
import type { MasterKey } from './crypto.ts'

/** Cost of scrypt. */
export interface KdfParameters {
  /** A power of two above 1; memory is 128 × N × r bytes. */
  readonly N: number
  readonly r: number
  readonly p: number
}

/** About 0.4 s and 32 MiB: what restic's calibration gives on a machine of today. restic-format.md §2. */
export const kdfDefaults = { N: 32_768, r: 8, p: 5 } as const satisfies KdfParameters

const derive = promisify<string, Uint8Array, number, { N: number; r: number; p: number; maxmem: number }, Buffer>(
  scrypt,
)

/** The key that wraps the master key. restic-format.md §2: bytes 0–31 encrypt, 32–47 k, 48–63 r. */
export async function keyOfPassword(
  password: string,
  salt: Uint8Array,
  { N, r, p }: KdfParameters,
): Promise<MasterKey> {
  const bytes = await derive(password, salt, 64, { N, r, p, maxmem: 256 * N * r })
  return { encrypt: bytes.subarray(0, 32), k: bytes.subarray(32, 48), r: bytes.subarray(48, 64) }
}
