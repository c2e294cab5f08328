import { addKey, changePassword, listKeys, removeKey } from '@tidemark/repository'
import { openRepo, type GlobalOptions, type RepositoryOptions } from '../connect.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'
import { table } from '../output/table.ts'
import { moment, shortId } from '../output/units.ts'
import { newPassword } from '../secret.ts'

export interface NewKeyArguments extends RepositoryOptions {
  readonly newPasswordFile?: string
}

export async function keyList(global: GlobalOptions, out: Out, args: RepositoryOptions): Promise<ExitCode> {
  await using repository = await openRepo(global, args)
  await using _lock = await repository.lock('shared', global.signal)
  const keys = await listKeys(repository, global.signal)
  const rows = keys.map(({ name, isCurrent, username, hostname, created }) => [
    isCurrent ? '*' : '',
    shortId(name),
    username,
    hostname,
    moment(created),
  ])
  out.result({ keys }, table(['', 'key', 'user', 'host', 'created'], rows))
  return exitCodes.done
}

export async function keyAdd(global: GlobalOptions, out: Out, args: NewKeyArguments): Promise<ExitCode> {
  await using repository = await openRepo(global, args)
  await using lock = await repository.lock('shared', global.signal)
  const password = await newPassword(args.newPasswordFile)
  const key = await addKey(repository, password.reveal(), AbortSignal.any([global.signal, lock.signal]))
  out.result({ key }, `key ${shortId(key)} added: its password opens the repository as well`)
  return exitCodes.done
}

export async function keyRemove(
  global: GlobalOptions,
  out: Out,
  prefix: string,
  args: RepositoryOptions,
): Promise<ExitCode> {
  await using repository = await openRepo(global, args)
  await using lock = await repository.lock('exclusive', global.signal)
  const key = await removeKey(repository, prefix, AbortSignal.any([global.signal, lock.signal]))
  out.result({ key }, `key ${shortId(key)} removed`)
  return exitCodes.done
}

export async function keyPasswd(global: GlobalOptions, out: Out, args: NewKeyArguments): Promise<ExitCode> {
  await using repository = await openRepo(global, args)
  await using lock = await repository.lock('exclusive', global.signal)
  const password = await newPassword(args.newPasswordFile)
  const key = await changePassword(repository, password.reveal(), AbortSignal.any([global.signal, lock.signal]))
  out.result(
    { key, removed: repository.keyName },
    `password changed, key ${shortId(key)}; password files and credentials that name the old one need the new one`,
  )
  return exitCodes.done
}
