import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { chooseDisks, contentOf, openOverlay, type DiskRecord, type OpenPoint } from '@tidemark/engine'
import { serveNbd, type NbdAddress, type NbdServerOptions } from '@tidemark/nbd'
import { openImage, type DiskImage, type Repository } from '@tidemark/repository'
import { pointExports, type ServedDisk } from '../access/exports.ts'
import { privateSocket } from '../access/private-socket.ts'
import { uriOf, usageOf, type Served } from '../access/usage.ts'
import { openRepo, type GlobalOptions, type RepositoryOptions } from '../connect.ts'
import { CliError } from '../error.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'
import { moment, shortId, size } from '../output/units.ts'
import { findPoint } from './points.ts'
import { warnOfSuspect } from './suspect.ts'

export interface NbdArguments extends RepositoryOptions {
  readonly socket?: string
  readonly listen?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly tlsClientCa?: string
  readonly writable?: boolean
  readonly overlay?: string
  /** MiB. */
  readonly cache?: number
}

/** Serves the disks of a restore point over NBD until a signal ends it. */
export async function nbd(
  global: GlobalOptions,
  out: Out,
  [selector, disk]: readonly [string, string | undefined],
  args: NbdArguments,
): Promise<ExitCode> {
  await using stack = new AsyncDisposableStack()
  const tls = await tlsOf(args)
  const listen = await listenOn(stack, args, tls !== undefined)
  const repository = stack.use(await openRepo(global, args))
  const lock = stack.use(await repository.lock('shared', global.signal))
  const signal = AbortSignal.any([global.signal, lock.signal])
  const point = await findPoint(repository, selector, signal)
  warnOfSuspect(out, point)
  const disks: ServedDisk[] = []
  for (const record of chooseDisks(point, disk === undefined ? [] : [disk])) {
    disks.push({ record, image: await openDisk(stack, { repository, point, record, args, signal }) })
  }
  const onError = (error: Error): void => out.event({ type: 'error', message: error.message })
  const server = stack.use(await serveNbd({ listen, exports: pointExports(disks), onError, ...(tls && { tls }) }))
  const isWritable = args.writable === true || args.overlay !== undefined
  const served = disks.map(({ record }) => ({
    record,
    where: { address: server.address, tls: tls !== undefined, name: String(record.position), writable: isWritable },
  }))
  announce(out, point, served)
  if (!signal.aborted) await once(signal, 'abort')
  await server.stop('drain')
  lock.signal.throwIfAborted()
  return exitCodes.done
}

interface DiskToOpen {
  readonly repository: Repository
  readonly point: OpenPoint
  readonly record: DiskRecord
  readonly args: NbdArguments
  readonly signal: AbortSignal
}

async function openDisk(
  stack: AsyncDisposableStack,
  { repository, point, record, args, signal }: DiskToOpen,
): Promise<ServedDisk['image']> {
  const content = await contentOf(point, record, signal)
  const cacheBytes = (args.cache ?? 64) << 20
  const image: DiskImage = await openImage(repository, content, { cacheBytes }, signal)
  if (args.writable !== true && args.overlay === undefined) return image
  const identity = { point: point.id, vdi: record.vdi }
  const path = args.overlay === undefined ? undefined : join(args.overlay, `${record.position}-${record.vdi}.overlay`)
  return stack.use(await openOverlay(image, identity, path))
}

function announce(
  out: Out,
  point: OpenPoint,
  disks: readonly { readonly record: DiskRecord; readonly where: Served }[],
): void {
  out.event({
    type: 'ready',
    point: point.id,
    disks: disks.map(({ record, where }) => ({
      position: record.position,
      vdi: record.vdi,
      size: record.size,
      uri: uriOf(where),
      writable: where.writable,
      lines: usageOf(where),
    })),
  })
  out.say(`${point.record.vm.name} as of ${moment(point.snapshot.time)} (point ${shortId(point.id)}), until Ctrl-C:`)
  for (const { record, where } of disks) {
    out.say(`\ndisk ${record.position} '${record.name}', ${size(record.size)}: ${uriOf(where)}`)
    for (const line of usageOf(where)) out.say(`  ${line}`)
  }
}

/** Where the server listens; by default a socket that only this user can reach. */
async function listenOn(stack: AsyncDisposableStack, args: NbdArguments, hasTls: boolean): Promise<NbdAddress> {
  if (args.listen !== undefined && args.socket !== undefined) {
    throw new CliError('CLI_USAGE', 'choose one of --socket and --listen')
  }
  if (args.listen !== undefined) return tcpAddress(args.listen, hasTls)
  if (args.socket !== undefined) return { path: args.socket }
  return privateSocket(stack)
}

function tcpAddress(text: string, hasTls: boolean): NbdAddress {
  const [, host, port] = /^\[?([^\]]+?)\]?:(\d{1,5})$/.exec(text) ?? []
  if (host === undefined || Number(port) > 65_535) {
    throw new CliError('CLI_USAGE', `'${text}' is no address: write 127.0.0.1:10809`)
  }
  const isLocal = host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
  if (!isLocal && !hasTls) {
    throw new CliError('CLI_USAGE', `whoever reaches ${text} could read the disks: give --tls-cert and --tls-key`)
  }
  return { host, port: Number(port) }
}

async function tlsOf({ tlsCert, tlsKey, tlsClientCa }: NbdArguments): Promise<NbdServerOptions['tls'] | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) {
    if (tlsClientCa === undefined) return undefined
    throw new CliError('CLI_USAGE', '--tls-client-ca needs --tls-cert and --tls-key')
  }
  if (tlsCert === undefined || tlsKey === undefined) {
    throw new CliError('CLI_USAGE', '--tls-cert and --tls-key go together')
  }
  const [cert, key] = await Promise.all([readFile(tlsCert, 'utf8'), readFile(tlsKey, 'utf8')])
  if (tlsClientCa === undefined) return { cert, key, mode: 'required' }
  return { cert, key, mode: 'required', clientCa: await readFile(tlsClientCa, 'utf8') }
}
