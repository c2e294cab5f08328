import { availableParallelism } from 'node:os'
import { bytes, planRuns, type Extents } from '@tidemark/blocks'
import { borrowRuns, openNbd, type NbdClient, type NbdTarget } from '@tidemark/nbd'
import { isFailure, type Session, type VdiNbdServerInfoRecord, type VdiRef } from '@tidemark/xenapi'
import { EngineError } from '../error.ts'
import type { Chunk, DiskSource } from '../pool.ts'
import type { SourceOptions } from './source-options.ts'

/** Bytes in one NBD request: large enough to hide latency, small enough to share memory. */
const RUN_MAX = 1 << 20
/** Requests in flight on each connection; with runs of 1 MiB, what a disk on its way holds in memory. */
const IN_FLIGHT = 4
/** xapi's NBD server answers EINVAL to anything that is not a multiple of a sector. */
const SECTOR = 512

/**
 * A disk over NBD. A connection that is lost is made again, under the session that counts by then, and reading goes on where it
 * was: what is read is a snapshot, so the bytes are the same.
 */
export async function openNbdSource(
  session: Session,
  vdi: VdiRef,
  options: SourceOptions,
  signal: AbortSignal | undefined,
): Promise<DiskSource> {
  const { connections, hostConnections, connectPatienceMs, reconnectPatienceMs, nbd } = options
  // The pool is asked each time: an export's name holds the session
  const places = (stop: AbortSignal | undefined) => nbdTargets(session, vdi, options, stop)
  // With two cores the threads that compress have them; from three on, TLS is worth threads of its own.
  const thread = availableParallelism() > 2 ? 'own' : 'caller'
  const patience = { connectPatienceMs, reconnectPatienceMs }
  const settings = { connections, hostConnections, inFlight: IN_FLIGHT, thread, ...patience, ...nbd } as const
  const client = await openNbd(places, settings, signal)
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
  const usable = (await nbdInfo(session, vdi, signal)).filter(({ address }) => !address.includes(':'))
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

async function nbdInfo(
  session: Session,
  vdi: VdiRef,
  signal: AbortSignal | undefined,
): Promise<readonly VdiNbdServerInfoRecord[]> {
  try {
    return await session.VDI.get_nbd_info(vdi, { signal })
  } catch (cause) {
    if (!isFailure(cause, 'MESSAGE_METHOD_UNKNOWN')) throw cause
    throw new EngineError(
      'ENGINE_NO_NBD',
      'the pool is too old to serve disks over NBD: read in full with --source raw',
      {
        cause,
      },
    )
  }
}

const withoutPrefix = ({ address }: VdiNbdServerInfoRecord): string => address.replace(/\/\d+$/, '')

/** Both purposes never exist in one pool, and `cert` is filled in for both: only the networks tell. */
async function isInsecure(session: Session, signal: AbortSignal | undefined): Promise<boolean> {
  const networks = Object.values(await session.network.get_all_records({ signal }))
  return networks.some(({ purpose }) => purpose.includes('insecure_nbd'))
}

/** Block status is asked for in pieces: one reply must stay small. */
const STATUS_SPAN = 1 << 30

/** Reads what holds data, and names the holes where the server shows them; xapi's does not, and is read whole. */
async function* readNbd(client: NbdClient, extents: Extents, signal?: AbortSignal): AsyncGenerator<Chunk> {
  const alignment = Math.max(SECTOR, client.blockSize.minimum)
  const read = (some: Extents) =>
    borrowRuns(client, planRuns(some, client.size, { maxLength: RUN_MAX, alignment }), signal)
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
