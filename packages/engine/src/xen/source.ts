import { bytes, totalLength, type Bytes, type Extents } from '@tidemark/blocks'
import { NbdError } from '@tidemark/nbd'
import type { Session, VdiRef } from '@tidemark/xenapi'
import { readVhd } from '@tidemark/xenapi/vhd'
import { EngineError } from '../error.ts'
import type { Chunk, DiskSource, SourceKind } from '../pool.ts'
import { openNbdSource } from './nbd-source.ts'
import { isTransferBroken } from './outcome.ts'
import { readOn, type BreakableReader } from './read-on.ts'
import type { SourceOptions } from './source-options.ts'

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
  const openRest = (stop: AbortSignal | undefined) => openNbdRest(session, vdi, options, stop)
  if (kind === 'raw') return rawSource(session, vdi, size, openRest)
  return openVhdSource(session, vdi, { size, openRest }, signal)
}

/** What goes on where a stream broke: undefined where the pool has no NBD. */
type OpenRest = (signal: AbortSignal | undefined) => Promise<DiskSource | undefined>

async function openNbdRest(
  session: Session,
  vdi: VdiRef,
  options: SourceOptions,
  signal: AbortSignal | undefined,
): Promise<DiskSource | undefined> {
  try {
    return await openNbdSource(session, vdi, options, signal)
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof EngineError || error instanceof NbdError) return undefined // the stream it is
    throw error
  }
}

async function openVhdSource(
  session: Session,
  vdi: VdiRef,
  { size, openRest }: { readonly size: Bytes; readonly openRest: OpenRest },
  signal: AbortSignal | undefined,
): Promise<DiskSource> {
  const stop = new AbortController()
  const both = signal === undefined ? stop.signal : AbortSignal.any([stop.signal, signal])
  const begin = async () => {
    const stream = await session.exportRawVdi(vdi, { format: 'vhd' }, both)
    const vhd = await readVhd(stream.body)
    if (vhd.isAscending) return vhd
    throw new EngineError('ENGINE_SOURCE', 'the VHD stream is not in disk order; use --source nbd')
  }
  const first = await begin()
  let opened: typeof first | undefined = first
  const read = async function* (extents: Extents) {
    const vhd = opened ?? (await begin())
    opened = undefined
    yield* cut(vhd.blocks(), extents)
  }
  const open = new AsyncDisposableStack()
  open.defer(() => stop.abort(new Error('the disk is closed')))
  return {
    kind: 'vhd',
    size: bytes(first.size),
    read: (extents) => readOn(streams(read, size, openRest, open), extents, both),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  }
}

function rawSource(session: Session, vdi: VdiRef, size: Bytes, openRest: OpenRest): DiskSource {
  const read = async function* (extents: Extents, signal: AbortSignal | undefined) {
    const stream = await session.exportRawVdi(vdi, { format: 'raw' }, signal)
    yield* cut(withOffsets(stream.body), extents)
  }
  const open = new AsyncDisposableStack()
  return {
    kind: 'raw',
    size,
    read: (extents, signal) => readOn(streams(read, size, openRest, open), extents, signal),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  }
}

/**
 * A stream cannot begin in the middle of a disk. When it breaks, the rest comes over NBD where that moves less than all of the stream would,
 * by what it brought so far; else the stream begins anew, and what came already is skipped.
 */
function streams(
  read: BreakableReader['read'],
  size: Bytes,
  openRest: OpenRest,
  open: AsyncDisposableStack,
): BreakableReader {
  let way: 'stream' | 'broken stream' | DiskSource = 'stream'
  let data = 0
  let place = 0
  async function* counted(extents: Extents, signal: AbortSignal | undefined): AsyncGenerator<Chunk> {
    for await (const chunk of read(extents, signal)) {
      if (chunk.data !== 'zero') data += chunk.data.length
      place = chunk.offset + (chunk.data === 'zero' ? chunk.length : chunk.data.length)
      yield chunk
    }
  }
  return {
    async *read(extents, signal) {
      const streamed = place === 0 ? 0 : (data / place) * size
      if (way === 'broken stream' && totalLength(extents) <= streamed) {
        const rest = await openRest(signal)
        way = rest === undefined ? 'stream' : open.use(rest)
      }
      yield* typeof way === 'object' ? way.read(extents, signal) : counted(extents, signal)
    },
    isBroken: isTransferBroken,
    async mend() {
      if (way === 'stream') way = 'broken stream'
    },
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
