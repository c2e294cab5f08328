import { bytes, planRuns, type Bytes, type Extents } from '@tidemark/blocks'
import { NbdError, openNbd, readRuns, type NbdClient, type NbdTarget } from '@tidemark/nbd'
import type { Session, VdiNbdServerInfoRecord, VdiRef } from '@tidemark/xenapi'
import { readVhd } from '@tidemark/xenapi/vhd'
import type { Clock } from '../clock.ts'
import { EngineError } from '../error.ts'
import type { Chunk, DiskSource, SourceKind } from '../pool.ts'

export interface SourceOptions {
  readonly clock: Clock
  /** NBD connections for one disk; xapi allows 16 per host in all. */
  readonly connections: number
  /** Whether a network with purpose `insecure_nbd` may be used: the disk then crosses it in clear text. */
  readonly allowInsecureNbd: boolean
  /** For how long a refused connection is tried again: a pool's firewall follows a new purpose with delay. */
  readonly connectPatienceMs: number
}

export const sourceDefaults = { connections: 2, allowInsecureNbd: false, connectPatienceMs: 30_000 } as const

/** Bytes in one NBD request: large enough to hide latency, small enough to share memory. */
const RUN_MAX = 1 << 20
/** Requests in flight on each connection; with runs of 1 MiB, what a disk on its way holds in memory. */
const IN_FLIGHT = 4
/** xapi's NBD server answers EINVAL to anything that is not a multiple of a sector. */
const SECTOR = 512

export async function openSource(
  session: Session,
  vdiUuid: string,
  kind: SourceKind,
  options: SourceOptions,
  signal?: AbortSignal,
): Promise<DiskSource> {
  const vdi = await session.VDI.get_by_uuid(vdiUuid, { signal })
  if (kind === 'nbd') return openNbdSource(session, vdi, options, signal)
  const size = bytes(await session.VDI.get_virtual_size(vdi, { signal }))
  return kind === 'vhd' ? openVhdSource(session, vdi, signal) : rawSource(session, vdi, size)
}

async function openNbdSource(
  session: Session,
  vdi: VdiRef,
  options: SourceOptions,
  signal: AbortSignal | undefined,
): Promise<DiskSource> {
  const client = await connect(await nbdTargets(session, vdi, options, signal), options, signal)
  return {
    kind: 'nbd',
    size: client.size,
    read: (extents, stop = signal) => readNbd(client, extents, stop),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  }
}

/** Every address and certificate that may be used, in the pool's order. @throws EngineError ENGINE_NO_NBD */
async function nbdTargets(
  session: Session,
  vdi: VdiRef,
  { allowInsecureNbd }: SourceOptions,
  signal: AbortSignal | undefined,
): Promise<readonly NbdTarget[]> {
  // xapi's server listens on IPv4 only
  const usable = (await session.VDI.get_nbd_info(vdi, { signal })).filter(({ address }) => !address.includes(':'))
  if (usable.length === 0) {
    throw new EngineError(
      'ENGINE_NO_NBD',
      'the pool offers no NBD connection for this disk: give a network on which the host of its storage has an IPv4 address ' +
        "the purpose 'nbd' (xe network-param-add param-name=purpose param-key=nbd uuid=<network>)",
    )
  }
  const insecure = await isInsecure(session, signal)
  if (insecure && !allowInsecureNbd) {
    throw new EngineError(
      'ENGINE_NO_NBD',
      "the pool's networks offer NBD without TLS only (purpose 'insecure_nbd'): give them the purpose 'nbd' instead, or allow " +
        'clear text with insecureNbd in the configuration (tidemark pool add --insecure-nbd)',
    )
  }
  return usable.map((info) => ({
    address: { host: withoutPrefix(info), port: info.port },
    exportName: info.exportname,
    ...(insecure ? {} : { tls: { kind: 'certificate' as const, pem: info.cert } }),
  }))
}

const withoutPrefix = ({ address }: VdiNbdServerInfoRecord): string => address.replace(/\/\d+$/, '')

/** Both purposes never exist in one pool, and `cert` is filled in for both: only the networks tell. */
async function isInsecure(session: Session, signal: AbortSignal | undefined): Promise<boolean> {
  const networks = Object.values(await session.network.get_all_records({ signal }))
  return networks.some(({ purpose }) => purpose.includes('insecure_nbd'))
}

/** What a firewall that is still closed, or a host with all 16 connections taken, looks like. */
const MOMENTARY = new Set(['NBD_CONNECT', 'NBD_DISCONNECTED'])

/** Tries one address after the other, and all of them again until patience ends. */
async function connect(
  targets: readonly NbdTarget[],
  options: SourceOptions,
  signal: AbortSignal | undefined,
): Promise<NbdClient> {
  const until = options.clock.now().getTime() + options.connectPatienceMs
  for (;;) {
    let failure: unknown
    for (const target of targets) {
      try {
        return await openNbd(target, { connections: options.connections, inFlight: IN_FLIGHT }, signal)
      } catch (error) {
        if (!(error instanceof NbdError) || !MOMENTARY.has(error.code)) throw error
        failure = error
      }
    }
    if (options.clock.now().getTime() >= until) throw failure
    await options.clock.sleep(2000, signal)
  }
}

/** Block status is asked for in pieces: one reply must stay small. */
const STATUS_SPAN = 1 << 30

/** Reads what holds data, and names the holes where the server shows them; xapi's does not, and is read whole. */
async function* readNbd(client: NbdClient, extents: Extents, signal?: AbortSignal): AsyncGenerator<Chunk> {
  const alignment = Math.max(SECTOR, client.blockSize.minimum)
  const read = (some: Extents) =>
    readRuns(client, planRuns(some, client.size, { maxLength: RUN_MAX, alignment }), signal)
  if (!client.contexts.includes('base:allocation')) {
    yield* read(extents)
    return
  }
  for (const { offset, length } of extents) {
    for (let at: number = offset; at < offset + length; at += STATUS_SPAN) {
      const span = Math.min(STATUS_SPAN, offset + length - at)
      for (const part of await client.blockStatus(bytes(at), bytes(span), signal)) {
        if (part.zero) yield { offset: part.offset, length: part.length, data: 'zero' }
        else yield* read([part])
      }
    }
  }
}

async function openVhdSource(session: Session, vdi: VdiRef, signal: AbortSignal | undefined): Promise<DiskSource> {
  const stop = new AbortController()
  const both = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal])
  const stream = await session.exportRawVdi(vdi, { format: 'vhd' }, both)
  const vhd = await readVhd(stream.body)
  if (!vhd.isAscending) throw new EngineError('ENGINE_SOURCE', 'the VHD stream is not in disk order; use --source nbd')
  return {
    kind: 'vhd',
    size: bytes(vhd.size),
    read: (extents) => cut(vhd.blocks(), extents),
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the disk is closed'))
    },
  }
}

function rawSource(session: Session, vdi: VdiRef, size: Bytes): DiskSource {
  return {
    kind: 'raw',
    size,
    async *read(extents, signal) {
      const stream = await session.exportRawVdi(vdi, { format: 'raw' }, signal)
      yield* cut(withOffsets(stream.body), extents)
    },
    async [Symbol.asyncDispose]() {},
  }
}

/** A chunk as a stream brings it, holes left out. */
type DataChunk = Extract<Chunk, { readonly data: Uint8Array }>

async function* withOffsets(body: AsyncIterable<Uint8Array>): AsyncGenerator<DataChunk> {
  let offset = 0
  for await (const data of body) {
    yield { offset, data }
    offset += data.length
  }
}

/** Exactly the bytes of `extents` out of ascending chunks; what no chunk brings is a hole. */
async function* cut(chunks: AsyncIterable<DataChunk>, extents: Extents): AsyncGenerator<Chunk> {
  const wanted = extents.values()
  let current = wanted.next().value
  let at: number = current?.offset ?? 0
  const end = () => (current === undefined ? 0 : current.offset + current.length)
  const advance = () => {
    current = wanted.next().value
    at = current?.offset ?? 0
  }
  function* holesUntil(limit: number): Generator<Chunk> {
    while (current !== undefined && at < limit) {
      const stop = Math.min(limit, end())
      yield { offset: at, length: stop - at, data: 'zero' }
      at = stop
      if (at === end()) advance()
    }
  }
  for await (const { offset, data } of chunks) {
    yield* holesUntil(offset)
    while (current !== undefined && at < offset + data.length) {
      const stop = Math.min(offset + data.length, end())
      yield { offset: at, data: data.subarray(at - offset, stop - offset) }
      at = stop
      if (at === end()) advance()
    }
  }
  yield* holesUntil(Infinity)
}
