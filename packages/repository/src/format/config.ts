import { randomBytes } from 'node:crypto'
import { RepositoryError } from '../error.ts'
import { goJson } from './go-json.ts'
import { randomPolynomial } from './polynomial.ts'

/** What the sealed `config` file says. restic-format.md §1. */
export interface Config {
  readonly version: number
  /** 64 hex characters. */
  readonly id: string
  readonly chunkerPolynomial: string
}

/** @param chunkerPolynomial of another repository; a new one when empty */
export function newConfig(chunkerPolynomial = ''): Config {
  return { version: 2, id: randomBytes(32).toString('hex'), chunkerPolynomial: chunkerPolynomial || randomPolynomial() }
}

export const encodeConfig = ({ version, id, chunkerPolynomial }: Config): Uint8Array =>
  Buffer.from(goJson({ version, id, chunker_polynomial: chunkerPolynomial }))

/** @throws RepositoryError REPOSITORY_DAMAGED, REPOSITORY_UNSUPPORTED (format version other than 2) */
export function decodeConfig(json: Uint8Array): Config {
  const value = JSON.parse(Buffer.from(json).toString()) as Record<string, unknown>
  const { version, id, chunker_polynomial: polynomial } = value
  if (typeof version !== 'number' || typeof id !== 'string') {
    throw new RepositoryError('REPOSITORY_DAMAGED', 'config has no version or id', { file: 'config' })
  }
  if (version !== 2) {
    const hint = version === 1 ? '; `restic migrate upgrade_repo_v2` upgrades it' : ''
    throw new RepositoryError('REPOSITORY_UNSUPPORTED', `the repository has format version ${version}, not 2${hint}`)
  }
  return { version, id, chunkerPolynomial: typeof polynomial === 'string' ? polynomial : '' }
}
