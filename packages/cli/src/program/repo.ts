import { type Command, Option } from 'commander'
import type { NewKeyArguments } from '../commands/keys.ts'
import type { RepoInitArguments } from '../commands/repo.ts'
import type { RepositoryOptions } from '../connect.ts'
import { count, days, rate } from './numbers.ts'
import { withRepo } from './selection.ts'
import type { Start } from './start.ts'

export function addRepo(program: Command, start: Start): void {
  const repo = program.command('repo').description('restic repositories by name')
  withStorage(
    repo.command('init <name> <url>').description('make a new repository and remember it').addHelpText('after', urls),
  ).action((name: string, url: string, args: RepoInitArguments) =>
    start(async (global, out) => (await import('../commands/repo.ts')).repoInit(global, out, name, url, args)),
  )
  withStorage(
    repo
      .command('add <name> <url>')
      .description('remember a repository that exists, made by tidemark or by restic')
      .addHelpText('after', urls),
  ).action((name: string, url: string, args: RepoInitArguments) =>
    start(async (global, out) => (await import('../commands/repo.ts')).repoAdd(global, out, name, url, args)),
  )
  repo
    .command('ls')
    .description('list repositories')
    .action(() => start(async (global, out) => (await import('../commands/repo.ts')).repoList(global, out)))
  withRepo(repo.command('info').description('open one and count its snapshots')).action((args: RepositoryOptions) =>
    start(async (global, out) => (await import('../commands/repo.ts')).repoShow(global, out, args)),
  )
  withRepo(
    repo
      .command('renew-retention')
      .description('with Object Lock: keep all files from removal for as long as new ones'),
  ).action((args: RepositoryOptions) =>
    start(async (global, out) => (await import('../commands/repo.ts')).repoRenew(global, out, args)),
  )
  addKeys(repo, start)
}

function addKeys(repo: Command, start: Start): void {
  const key = repo.command('key').description('passwords of a repository: each opens it alone')
  const withNew = (command: Command) =>
    withRepo(command).option('--new-password-file <file>', 'file with it; else TIDEMARK_NEW_PASSWORD or a prompt')
  withRepo(key.command('list').description('who made each key, and when; * is the one in use')).action(
    (args: RepositoryOptions) =>
      start(async (global, out) => (await import('../commands/keys.ts')).keyList(global, out, args)),
  )
  withNew(key.command('add').description('one more password')).action((args: NewKeyArguments) =>
    start(async (global, out) => (await import('../commands/keys.ts')).keyAdd(global, out, args)),
  )
  withRepo(key.command('remove <key>').description('take one away: never the one in use, nor the last')).action(
    (name: string, args: RepositoryOptions) =>
      start(async (global, out) => (await import('../commands/keys.ts')).keyRemove(global, out, name, args)),
  )
  withNew(key.command('passwd').description('another password instead of the one in use')).action(
    (args: NewKeyArguments) =>
      start(async (global, out) => (await import('../commands/keys.ts')).keyPasswd(global, out, args)),
  )
}

const urls = `
A repository is at a path, in a bucket of S3, or on a server that speaks restic's REST protocol (rest-server, rclone serve restic):
  /backup/main     s3:https://s3.example.org/bucket/prefix     rest:https://user@backup.example.org:8000/main/

Keys and passwords are never arguments: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or an AWS profile; RESTIC_REST_PASSWORD; or files.`

const withStorage = (command: Command): Command =>
  command
    .option('--password-file <file>', 'file with its password; else TIDEMARK_REPOSITORY_PASSWORD or a prompt')
    .option('--append-only', 'remove nothing but locks; doctor insists that the storage sees to it')
    .option('--connections <n>', 'requests at a time (default: 5)', count)
    .option('--upload-limit <MiB/s>', 'mean rate of uploads', rate)
    .option('--download-limit <MiB/s>', 'mean rate of downloads', rate)
    .option('--ca <file>', 'trust these certificate authorities for the server, PEM')
    .option('--client-cert <file>', 'certificate to show to the server, PEM')
    .option('--client-key <file>', 'its key, PEM')
    .option('--rest-password-file <file>', "file with the password of the REST server's user")
    .option('--s3-region <name>', 'region of the bucket')
    .option('--s3-key-id <id>', 'access key; its secret comes by --s3-secret-file')
    .option('--s3-secret-file <file>', 'file with the secret key')
    .option('--object-lock-days <n>', 'S3: keep each file from removal for so many days', days)
    .addOption(
      new Option('--object-lock-mode <mode>', 'S3: who may shorten that').choices(['governance', 'compliance']),
    )
