import { bytes, type Bytes, type Extents } from '@tidemark/blocks'
import type { NbdOptions } from '@tidemark/nbd'
import type { Session, VdiRef } from '@tidemark/xenapi'
import { readVhd } from '@tidemark/xenapi/vhd'
import { EngineError } from '../error.ts'
import type { Chunk, DiskSource, SourceKind } from '../pool.ts'
import { openNbdSource } from './nbd-source.ts'
import { isTransferBroken } from './outcome.ts'
import { readOn, type BreakableReader } from './read-on.ts'

export interface SourceOptions {
  /** NBD connections for one disk; xapi allows 16 per host in all. */
  readonly connections: number
  /** Whether a network with purpose `insecure_nbd` may be used: the disk then crosses it in clear text. */
  readonly allowInsecureNbd: boolean
  /** For how long a refused connection is tried again: a pool's firewall follows a new purpose with delay. */
  readonly connectPatienceMs: number
  /** For how long a connection that was lost in the middle of a disk is made again: the pool may be restarting. */
  readonly reconnectPatienceMs: number
  /** What else is to be set of the NBD client. */
  readonly nbd: Partial<NbdOptions>
}

export const sourceDefaults = {
  connections: 2,
  allowInsecureNbd: false,
  connectPatienceMs: 30_000,
  reconnectPatienceMs: 5 * 60_000,
  nbd: {},
} as const

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

async function openVhdSource(session: Session, vdi: VdiRef, signal: AbortSignal | undefined): Promise<DiskSource> {
  const stop = new AbortController()
  const both = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal])
  const open = async () => {
    const stream = await session.exportRawVdi(vdi, { format: 'vhd' }, both)
    const vhd = await readVhd(stream.body)
    if (vhd.isAscending) return vhd
    throw new EngineError('ENGINE_SOURCE', 'the VHD stream is not in disk order; use --source nbd')
  }
  const first = await open()
  let opened: typeof first | undefined = first
  const read = async function* (extents: Extents) {
    const vhd = opened ?? (await open())
    opened = undefined
    yield* cut(vhd.blocks(), extents)
  }
  return {
    kind: 'vhd',
    size: bytes(first.size),
    read: (extents) => readOn(streams(read), extents, both),
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the disk is closed'))
    },
  }
}

function rawSource(session: Session, vdi: VdiRef, size: Bytes): DiskSource {
  const read = async function* (extents: Extents, signal: AbortSignal | undefined) {
    const stream = await session.exportRawVdi(vdi, { format: 'raw' }, signal)
    yield* cut(withOffsets(stream.body), extents)
  }
  return {
    kind: 'raw',
    size,
    read: (extents, signal) => readOn(streams(read), extents, signal),
    async [Symbol.asyncDispose]() {},
  }
}

/** A stream cannot begin in the middle of a disk: it begins anew, and what came already is skipped. */
const streams = (read: BreakableReader['read']): BreakableReader => ({
  read,
  isBroken: isTransferBroken,
  mend: async () => {},
})

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
