import { RepositoryError, unlessGone } from '../error.ts'
import { decodeKeyOrigin, openKeyFile, type KeyOrigin } from '../format/key.ts'
import { sha256Hex } from '../id.ts'
import { assertRemovable } from '../protection.ts'
import type { Repository } from '../repository.ts'

/** A password of a repository: a key file that wraps its master key. */
export interface KeyInfo extends KeyOrigin {
  /** Name of the file, 64 hex characters. */
  readonly name: string
  /** Whether the repository was opened with it. */
  readonly isCurrent: boolean
}

/** All keys, oldest first. @throws RepositoryError REPOSITORY_DAMAGED, naming the key file */
export async function listKeys(repository: Repository, signal?: AbortSignal): Promise<readonly KeyInfo[]> {
  const keys: KeyInfo[] = []
  for (const name of await keyNames(repository, signal)) {
    const bytes = await repository.backend.load({ type: 'keys', name }, 'all', signal).catch(unlessGone)
    if (bytes === undefined) continue
    keys.push({ name, isCurrent: name === repository.keyName, ...decodeKeyOrigin(bytes, `keys/${name}`) })
  }
  return keys.sort((a, b) => a.created.getTime() - b.created.getTime())
}

/**
 * Adds a password. The key file is durable, read back and opened when this resolves.
 * @returns its name
 * @throws RepositoryError REPOSITORY_INPUT (an empty password), REPOSITORY_DAMAGED (it does not read back as written)
 */
export async function addKey(repository: Repository, password: string, signal?: AbortSignal): Promise<string> {
  if (password === '') throw new RepositoryError('REPOSITORY_INPUT', 'an empty password opens nothing: choose one')
  const bytes = await repository.wrapKey(password)
  const name = sha256Hex(bytes)
  await repository.backend.save({ type: 'keys', name }, bytes, signal)
  const stored = await repository.backend.load({ type: 'keys', name }, 'all', signal)
  if ((await openKeyFile(stored, password, `keys/${name}`)) !== undefined) return name
  throw new RepositoryError('REPOSITORY_DAMAGED', `keys/${name} does not open with the password it was made for`, {
    file: `keys/${name}`,
  })
}

/**
 * Removes a password. Take the exclusive lock first: two that remove at a time could remove the last two.
 * @param prefix of the name of one key
 * @throws RepositoryError REPOSITORY_INPUT (none or several fit, the key in use, the last one), REPOSITORY_APPEND_ONLY
 */
export async function removeKey(repository: Repository, prefix: string, signal?: AbortSignal): Promise<string> {
  const names = await keyNames(repository, signal)
  const name = oneKey(names, prefix)
  if (names.length === 1) throw refused('it is the last one, and without it nothing could ever be read')
  if (name === repository.keyName) throw refused('it is the one in use: open the repository with another password')
  await assertRemovable(repository, 'removing a key', signal)
  await repository.backend.remove({ type: 'keys', name }, signal)
  return name
}

/**
 * Changes the password that the repository was opened with: the new key file is durable and proven before the old one goes. Other
 * passwords stay. Take the exclusive lock first. This repository stays open; `keyName` keeps naming the old file.
 * @returns the name of the new key
 * @throws RepositoryError REPOSITORY_APPEND_ONLY, before anything was changed; REPOSITORY_INPUT
 */
export async function changePassword(repository: Repository, password: string, signal?: AbortSignal): Promise<string> {
  await assertRemovable(repository, 'changing a password', signal)
  const name = await addKey(repository, password, signal)
  await repository.backend.remove({ type: 'keys', name: repository.keyName }, signal)
  return name
}

async function keyNames({ backend }: Repository, signal?: AbortSignal): Promise<readonly string[]> {
  const names: string[] = []
  for await (const { name } of backend.list('keys', signal)) names.push(name)
  return names
}

function oneKey(names: readonly string[], prefix: string): string {
  const [found, second] = names.filter((name) => name.startsWith(prefix))
  if (found !== undefined && second === undefined && prefix !== '') return found
  const what = found === undefined ? 'no key has that name' : 'several keys have names that begin so'
  throw new RepositoryError('REPOSITORY_INPUT', `'${prefix}': ${what}; nothing was removed`)
}

const refused = (why: string): RepositoryError =>
  new RepositoryError('REPOSITORY_INPUT', `this key is not removed: ${why}`)
