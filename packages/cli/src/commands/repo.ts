import { resolve } from 'node:path'
import { initRepository, localBackend } from '@tidemark/repository'
import { fromConfig, loadConfig, saveEntry } from '../config.ts'
import { localPath, openRepo, repoPassword, type GlobalOptions, type RepositoryOptions } from '../connect.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'
import { table } from '../output/table.ts'

export interface RepoInitArguments {
  readonly passwordFile?: string
}

export async function repoInit(
  global: GlobalOptions,
  out: Out,
  name: string,
  url: string,
  args: RepoInitArguments,
): Promise<ExitCode> {
  const path = resolve(localPath(url))
  const entry = { url: path, passwordFile: args.passwordFile === undefined ? undefined : resolve(args.passwordFile) }
  const password = await repoPassword(global.config, name, entry)
  await using repository = await initRepository(localBackend(path), password.reveal(), {}, global.signal)
  await saveEntry(global.config, 'repositories', name, entry)
  out.result(
    { repository: name, id: repository.id, path },
    `repository '${name}' (${repository.id.slice(0, 10)}) made in ${path}\n` +
      'Without its password nothing in it can ever be read: keep the password where this machine cannot lose it.',
  )
  return exitCodes.done
}

export async function repoList(global: GlobalOptions, out: Out): Promise<ExitCode> {
  const { repositories } = await loadConfig(global.config)
  const rows = Object.entries(repositories).map(([name, { url }]) => [name, fromConfig(global.config, url)])
  out.result({ repositories }, rows.length === 0 ? 'no repositories' : table(['repository', 'URL'], rows))
  return exitCodes.done
}

/** Opens a repository and says what it is: the quickest proof that path and password are right. */
export async function repoShow(global: GlobalOptions, out: Out, args: RepositoryOptions): Promise<ExitCode> {
  await using repository = await openRepo(global, args)
  let snapshots = 0
  for await (const _ of repository.snapshots(global.signal)) snapshots++
  out.result({ id: repository.id, snapshots }, `repository ${repository.id.slice(0, 10)}, ${snapshots} snapshots`)
  return exitCodes.done
}

export interface UnlockArguments extends RepositoryOptions {
  readonly removeAll?: boolean
}

/** Removes locks that nobody holds any more, as `restic unlock` does; all of them when somebody knows that nobody works. */
export async function unlock(global: GlobalOptions, out: Out, args: UnlockArguments): Promise<ExitCode> {
  await using repository = await openRepo(global, args)
  const removed = await repository.unlock(args.removeAll === true ? 'all' : 'stale', global.signal)
  out.result({ removed }, removed === 1 ? '1 lock removed' : `${removed} locks removed`)
  return exitCodes.done
}
