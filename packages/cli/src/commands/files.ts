import { once } from 'node:events'
import { cp, lstat, mkdir, readdir, readlink } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { chooseDisks, contentOf, type OpenPoint } from '@tidemark/engine'
import { serveNbd } from '@tidemark/nbd'
import { openImage, type Repository } from '@tidemark/repository'
import { pointExports } from '../access/exports.ts'
import { openGuestFs, type GuestFs, type GuestMount } from '../access/guestfs.ts'
import { placeInside } from '../access/inside.ts'
import { privateSocket } from '../access/private-socket.ts'
import { uriOf } from '../access/usage.ts'
import { openRepo, type GlobalOptions, type RepositoryOptions } from '../connect.ts'
import { CliError } from '../error.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'
import { table } from '../output/table.ts'
import { moment, size } from '../output/units.ts'
import { findPoint } from './points.ts'
import { warnOfSuspect } from './suspect.ts'

export interface FilesArguments extends RepositoryOptions {
  readonly disk?: readonly string[]
  readonly fs?: string
  readonly to?: string
  readonly mount?: string
}

/** Lists the file systems of a restore point, lists or extracts files, or shows them all in a directory. */
export async function files(
  global: GlobalOptions,
  out: Out,
  [selector, paths]: readonly [string, readonly string[]],
  args: FilesArguments,
): Promise<ExitCode> {
  if (args.to !== undefined && paths.length === 0) throw new CliError('CLI_USAGE', 'say which paths to extract')
  if (args.mount !== undefined && (args.to !== undefined || paths.length > 0)) {
    throw new CliError('CLI_USAGE', '--mount shows everything: it goes without paths and --to')
  }
  await using stack = new AsyncDisposableStack()
  const repository = stack.use(await openRepo(global, args))
  const lock = stack.use(await repository.lock('shared', global.signal))
  const signal = AbortSignal.any([global.signal, lock.signal])
  const point = await findPoint(repository, selector, signal)
  warnOfSuspect(out, point)
  const uris = await serveDisks(stack, { repository, point, selectors: args.disk ?? [], signal })
  const guest = stack.use(await openGuestFs(uris, signal))
  if (paths.length === 0 && args.mount === undefined) return await listFileSystems(out, guest)

  const root = await guest.show(await chooseMounts(guest, args.fs), args.mount && resolve(args.mount))
  if (args.mount !== undefined) {
    out.event({ type: 'ready', directory: root })
    out.say(`${point.record.vm.name} as of ${moment(point.snapshot.time)} in ${root}, until Ctrl-C`)
    if (!signal.aborted) await once(signal, 'abort')
    return exitCodes.done
  }
  if (args.to === undefined) return await listFiles(out, root, paths)
  return await extract(out, { root, paths, to: args.to })
}

interface DisksToServe {
  readonly repository: Repository
  readonly point: OpenPoint
  readonly selectors: readonly string[]
  readonly signal: AbortSignal
}

/** The disks on a socket that only this user can reach. @returns their URIs, by position */
async function serveDisks(
  stack: AsyncDisposableStack,
  { repository, point, selectors, signal }: DisksToServe,
): Promise<readonly string[]> {
  const disks = []
  for (const record of chooseDisks(point, selectors)) {
    disks.push({ record, image: await openImage(repository, await contentOf(point, record, signal), {}, signal) })
  }
  const server = stack.use(await serveNbd({ listen: await privateSocket(stack), exports: pointExports(disks) }))
  return disks.map(({ record }) =>
    // libguestfs has no word for a Unix socket in the scheme
    uriOf({ address: server.address, tls: false, name: String(record.position), writable: false }).replace('+unix', ''),
  )
}

async function listFileSystems(out: Out, guest: GuestFs): Promise<ExitCode> {
  const [found, mounts] = [await guest.fileSystems(), await guest.mounts()]
  const place = new Map(mounts.map(({ device, at }) => [device, at]))
  const fileSystems = found.map(({ device, type }) => ({ device, type, at: place.get(device) ?? null }))
  const rows = fileSystems.map(({ device, type, at }) => [device, type, at ?? ''])
  out.result({ fileSystems }, table(['file system', 'type', "guest's mount point"], rows))
  return exitCodes.done
}

/** The one that was asked for; or all as the guest mounts them; or the only one. */
async function chooseMounts(guest: GuestFs, wanted: string | undefined): Promise<readonly GuestMount[]> {
  if (wanted !== undefined) {
    const device = wanted.startsWith('/dev/') ? wanted : `/dev/${wanted}`
    return [{ device, at: '/' }]
  }
  const mounts = await guest.mounts()
  if (mounts.length > 0) return mounts
  const found = (await guest.fileSystems()).filter(({ type }) => type !== 'swap' && type !== 'unknown')
  const [only] = found
  if (only !== undefined && found.length === 1) return [{ device: only.device, at: '/' }]
  const known = found.map(({ device, type }) => `${device} (${type})`).join(', ')
  throw new CliError('CLI_USAGE', `choose a file system with --fs: ${known === '' ? 'there is none' : known}`)
}

interface Listed {
  readonly path: string
  readonly type: 'file' | 'directory' | 'link' | 'other'
  readonly size: number
  readonly modified: string
  readonly target?: string
}

async function listFiles(out: Out, root: string, paths: readonly string[]): Promise<ExitCode> {
  const listed: Listed[] = []
  for (const path of paths) {
    const place = await placeInside(root, path)
    if (!(await lstat(place)).isDirectory()) listed.push(await describe(path, place))
    else {
      for (const name of (await readdir(place)).sort()) {
        listed.push(await describe(`${path.replace(/\/+$/, '')}/${name}`, join(place, name)))
      }
    }
  }
  const rows = listed.map((file) => [
    file.type === 'file' ? size(file.size) : file.type,
    moment(new Date(file.modified)),
    file.target === undefined ? file.path : `${file.path} -> ${file.target}`,
  ])
  out.result({ files: listed }, table(['>size', 'modified', 'path'], rows))
  return exitCodes.done
}

async function describe(path: string, place: string): Promise<Listed> {
  const found = await lstat(place)
  const type = found.isFile() ? 'file' : found.isDirectory() ? 'directory' : found.isSymbolicLink() ? 'link' : 'other'
  const target = type === 'link' ? { target: await readlink(place) } : {}
  return { path, type, size: found.size, modified: found.mtime.toISOString(), ...target }
}

interface Extraction {
  readonly root: string
  readonly paths: readonly string[]
  readonly to: string
}

/** Copies files and trees out; links stay links, and nothing that is there already is overwritten. */
async function extract(out: Out, { root, paths, to }: Extraction): Promise<ExitCode> {
  await mkdir(to, { recursive: true })
  const made: string[] = []
  for (const path of paths) {
    const place = await placeInside(root, path)
    const target = join(to, place === root ? '' : basename(place))
    await cp(place, target, {
      recursive: true,
      preserveTimestamps: true,
      verbatimSymlinks: true,
      errorOnExist: true,
      force: false,
    })
    made.push(target)
  }
  out.result({ extracted: made }, made.join('\n'))
  return exitCodes.done
}
