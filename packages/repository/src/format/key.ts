import { randomBytes } from 'node:crypto'
import { RepositoryError } from '../error.ts'
import { isUsable, Sealer, type MasterKey } from './crypto.ts'
import { goJson, goTime } from './go-json.ts'
import { keyOfPassword, type KdfParameters } from './kdf.ts'

/** Who made a key, and when: for people. */
export interface KeyOrigin {
  readonly created: Date
  readonly username: string
  readonly hostname: string
}

const SALT_LENGTH = 64

export function newMasterKey(): MasterKey {
  return { encrypt: randomBytes(32), k: randomBytes(16), r: randomBytes(16) }
}

/** The bytes of a key file that wraps `master` with `password`. restic-format.md §2. */
export async function encodeKeyFile(
  master: MasterKey,
  password: string,
  kdf: KdfParameters,
  { created, username, hostname }: KeyOrigin,
): Promise<Uint8Array> {
  const salt = randomBytes(SALT_LENGTH)
  const wrapping = await keyOfPassword(password, salt, kdf)
  const plain = goJson({ mac: { k: base64(master.k), r: base64(master.r) }, encrypt: base64(master.encrypt) })
  const data = new Sealer(wrapping).seal(Buffer.from(plain))
  const { N, r, p } = kdf
  const head = { created: goTime(created), username, hostname, kdf: 'scrypt', N, r, p }
  return Buffer.from(goJson({ ...head, salt: base64(salt), data: base64(data) }))
}

/**
 * Opens a key file with a password.
 * @returns undefined when the password is another one
 * @throws RepositoryError REPOSITORY_DAMAGED (no key file), REPOSITORY_UNSUPPORTED (other key derivation)
 */
export async function openKeyFile(bytes: Uint8Array, password: string, file: string): Promise<MasterKey | undefined> {
  const { kdf, salt, data } = decodeKeyFile(bytes, file)
  const plain = new Sealer(await keyOfPassword(password, salt, kdf)).open(data)
  if (plain === undefined) return undefined
  const master = decodeMasterKey(plain)
  if (!isUsable(master)) throw new RepositoryError('REPOSITORY_DAMAGED', `${file} holds an unusable key`, { file })
  return master
}

/** Who made a key, and when; what is missing is empty. @throws RepositoryError REPOSITORY_DAMAGED */
export function decodeKeyOrigin(bytes: Uint8Array, file: string): KeyOrigin {
  const { created, username, hostname } = parseKeyFile(bytes, file)
  const text = (value: unknown) => (typeof value === 'string' ? value : '')
  return { created: new Date(text(created)), username: text(username), hostname: text(hostname) }
}

function parseKeyFile(bytes: Uint8Array, file: string): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(bytes).toString()) as Record<string, unknown>
  } catch (cause) {
    throw new RepositoryError('REPOSITORY_DAMAGED', `${file} is no key file`, { cause, file })
  }
}

function decodeKeyFile(bytes: Uint8Array, file: string) {
  const { kdf, N, r, p, salt, data } = parseKeyFile(bytes, file)
  if (typeof kdf === 'string' && kdf !== 'scrypt') {
    throw new RepositoryError('REPOSITORY_UNSUPPORTED', `${file} uses the key derivation '${kdf}', not scrypt`, {
      file,
    })
  }
  const numbers = typeof N === 'number' && typeof r === 'number' && typeof p === 'number'
  if (!numbers || !isCost(N, r, p) || typeof salt !== 'string' || typeof data !== 'string') {
    throw new RepositoryError('REPOSITORY_DAMAGED', `${file} is no key file`, { file })
  }
  const saltBytes = Buffer.from(salt, 'base64')
  if (saltBytes.length !== SALT_LENGTH) {
    throw new RepositoryError('REPOSITORY_DAMAGED', `${file} has a salt of ${saltBytes.length} bytes`, { file })
  }
  return { kdf: { N, r, p }, salt: saltBytes, data: Buffer.from(data, 'base64') }
}

/** About fifty times what restic and we choose: some 20 seconds. */
const COST_MAX = 2 ** 26

/** Bounds before an allocation: a damaged file must not ask for all memory (1 GiB) or for hours. */
const isCost = (N: number, r: number, p: number): boolean =>
  [N, r, p].every((cost) => Number.isSafeInteger(cost) && cost >= 1) &&
  N > 1 &&
  Number.isInteger(Math.log2(N)) &&
  128 * N * r <= 2 ** 30 &&
  N * r * p <= COST_MAX

function decodeMasterKey(plain: Uint8Array): MasterKey {
  const value = JSON.parse(Buffer.from(plain).toString()) as { mac?: { k?: string; r?: string }; encrypt?: string }
  return { encrypt: fromBase64(value.encrypt), k: fromBase64(value.mac?.k), r: fromBase64(value.mac?.r) }
}

const fromBase64 = (text = ''): Uint8Array => Buffer.from(text, 'base64')

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
