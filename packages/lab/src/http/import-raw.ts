import { encodeXmlValue, XenApiError } from '@tidemark/xenapi/codec'
import { readVhd } from '@tidemark/xenapi/vhd'
import type { VdiRef } from '@tidemark/xenapi'
import { apiFailure } from '../calls/failure.ts'
import { assertHasData } from '../classes/vdi-operation.ts'
import { createVdi } from '../classes/vdi.ts'
import { LabError } from '../error.ts'
import { pieces, type Pieces } from './pieces.ts'
import { findObject, HttpRefusal, type Transfer } from './transfer.ts'

/** PUT /import_raw_vdi: data into a disk, or into a new one. contract/xenapi.md §5.3 */
export async function importRawVdi(transfer: Transfer): Promise<string> {
  const { pool, query, request } = transfer
  const format = query.get('format') ?? 'raw'
  if (format !== 'raw' && format !== 'vhd') throw new HttpRefusal(404, ['INTERNAL_ERROR', `Unknown format ${format}`])
  if (query.has('chunked') && format !== 'raw') throw new HttpRefusal(404, ['INTERNAL_ERROR', 'chunked means raw'])
  const encoding = request.headers['transfer-encoding']
  if (encoding !== undefined) throw new HttpRefusal(404, ['INTERNAL_ERROR', `Cannot handle encoding ${encoding}`])
  const length = Number(request.headers['content-length'] ?? 0)
  const vdi = await targetOf(transfer, format, length)
  const { uuid } = assertHasData(pool, vdi)
  const release = pool.holds.hold(transfer.call, vdi, 'RW')
  try {
    transfer.begin({ status: 200 })
    if (format === 'vhd') await takeVhd(transfer, uuid)
    else if (query.has('chunked')) await takeFramed(transfer, uuid)
    else await takeRaw(transfer, uuid, length)
  } catch (error) {
    throw ioErrorOf(error)
  } finally {
    release()
  }
  return encodeXmlValue(vdi)
}

async function targetOf({ pool, call, query }: Transfer, format: string, length: number): Promise<VdiRef> {
  const vdi = query.get('vdi')
  if (vdi !== null) return findObject(pool, 'VDI', vdi)
  const sr = query.get('sr_id') ?? query.get('sr_uuid')
  if (sr === null) throw new HttpRefusal(400, ['VDI_MISSING'])
  if (format !== 'raw') throw new HttpRefusal(400, ['INTERNAL_ERROR', `${format} needs an existing VDI`])
  return createVdi(call, {
    name_label: 'Imported VDI',
    SR: findObject(pool, 'SR', sr),
    virtual_size: length,
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
  })
}

const ioError = () => apiFailure('VDI_IO_ERROR', 'Device I/O errors')

/** A stream that breaks off or does not fit the disk is an I/O error to the client. */
function ioErrorOf(error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException
  const isDamaged = error instanceof XenApiError && error.code === 'XENAPI_PROTOCOL'
  const isOutside = error instanceof LabError && error.code === 'LAB_STORAGE_RANGE'
  return isDamaged || isOutside || code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE' ? ioError() : error
}

const PIECE = 1024 * 1024

/** Exactly as many bytes as announced. Fewer than the disk has leave the rest as it was; more are an error. */
async function takeRaw(transfer: Transfer, uuid: string, length: number): Promise<void> {
  const { storage } = transfer.pool
  const size = storage.sizeOf(uuid)
  if (length === 0) throw ioError()
  const wanted = Math.min(length, size)
  await withPieces(transfer, async (input) => {
    for (let at = 0; at < wanted; at += PIECE) {
      await store(transfer, uuid, at, await input.take(Math.min(PIECE, wanted - at)))
      transfer.call.task?.progress(at / wanted)
    }
  })
  if (length > size) throw ioError()
}

async function withPieces(transfer: Transfer, work: (input: Pieces) => Promise<void>): Promise<void> {
  const input = pieces(bodyOf(transfer))
  try {
    await work(input)
  } finally {
    await input.close()
  }
}

/** Frames of a 12-byte little-endian head, offset (u64) and length (u32), and data; 0, 0 ends. */
function takeFramed(transfer: Transfer, uuid: string): Promise<void> {
  return withPieces(transfer, async (input) => {
    for (;;) {
      const head = await input.take(12)
      const view = new DataView(head.buffer, head.byteOffset, head.byteLength)
      const [offset, length] = [Number(view.getBigUint64(0, true)), view.getUint32(8, true)]
      if (length === 0) return
      await takeFrame(transfer, uuid, { input, offset, length })
    }
  })
}

async function takeFrame(
  transfer: Transfer,
  uuid: string,
  { input, offset, length }: { readonly input: Pieces; readonly offset: number; readonly length: number },
): Promise<void> {
  for (let done = 0; done < length; done += PIECE) {
    await store(transfer, uuid, offset + done, await input.take(Math.min(PIECE, length - done)))
  }
}

/** Only what the stream holds is written: a difference merges with what the disk holds. */
async function takeVhd(transfer: Transfer, uuid: string): Promise<void> {
  const vhd = await readVhd(bodyOf(transfer))
  if (vhd.size > transfer.pool.storage.sizeOf(uuid)) throw ioError()
  for await (const { offset, data } of vhd.blocks()) {
    await store(transfer, uuid, offset, data)
    transfer.call.task?.progress(offset / vhd.size)
  }
}

/** The body; who stops reading it early leaves the connection open for the answer. */
const bodyOf = ({ request }: Transfer): AsyncIterable<Uint8Array> => request.iterator({ destroyOnReturn: false })

const ZERO_BLOCK = Buffer.alloc(64 * 1024)

/** Writes a piece; zeros take no space. */
async function store({ pool: { storage }, call }: Transfer, uuid: string, at: number, data: Uint8Array): Promise<void> {
  call.signal.throwIfAborted()
  if (isZero(data)) await storage.writeZeroes(uuid, at, data.length)
  else await storage.write(uuid, at, data)
}

export function isZero(data: Uint8Array): boolean {
  for (let at = 0; at < data.length; at += ZERO_BLOCK.length) {
    const part = data.subarray(at, at + ZERO_BLOCK.length)
    if (ZERO_BLOCK.compare(part, 0, part.length, 0, part.length) !== 0) return false
  }
  return true
}
