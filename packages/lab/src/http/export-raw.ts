import { bytes, complement, endOf } from '@tidemark/blocks'
import type { VdiRecord } from '@tidemark/xenapi'
import { VHD_BLOCK, VHD_SIZE_MAX, writeVhd } from '@tidemark/xenapi/vhd'
import { assertHasData } from '../classes/vdi-operation.ts'
import { apiFailure } from '../calls/failure.ts'
import { send } from './exchange.ts'
import { asDifference, changedVhdBlocks } from './vhd-difference.ts'
import { findObject, HttpRefusal, type Transfer } from './transfer.ts'

const CONTENT_TYPES = { raw: 'application/octet-stream', vhd: 'application/vhd' } as const
const PIECE = 1024 * 1024
const ZEROS = new Uint8Array(PIECE)

/** GET /export_raw_vdi: a whole disk, or a VHD of what differs from an older one. contract/xenapi.md §5.2 */
export async function exportRawVdi(transfer: Transfer): Promise<string> {
  const { pool, query } = transfer
  const format = query.get('format') ?? 'raw'
  if (format !== 'raw' && format !== 'vhd') throw new HttpRefusal(404, ['INTERNAL_ERROR', `Unknown format ${format}`])
  const vdi = findObject(pool, 'VDI', query.get('vdi') ?? '')
  const disk = assertHasData(pool, vdi)
  const baseName = query.get('base')
  const base = baseName === null ? undefined : assertHasData(pool, findObject(pool, 'VDI', baseName))
  if (format === 'vhd' && disk.virtual_size > VHD_SIZE_MAX) {
    throw apiFailure('VDI_TOO_LARGE', vdi, String(VHD_SIZE_MAX))
  }
  const release = pool.holds.hold(transfer.call, vdi, 'RO')
  try {
    transfer.begin({
      status: 200,
      headers: {
        'Content-Type': CONTENT_TYPES[format],
        'Content-Disposition': `attachment; filename="${disk.uuid}.${format}"`,
      },
    })
    if (format === 'raw') await sendRaw(transfer, disk)
    else await sendVhd(transfer, disk, base)
  } finally {
    release()
  }
  return ''
}

async function sendRaw(transfer: Transfer, { uuid }: VdiRecord): Promise<void> {
  const { storage } = transfer.pool
  const size = storage.sizeOf(uuid)
  const data = await storage.allocatedExtents(uuid)
  const all = [
    ...data.map((each) => ({ ...each, zero: false })),
    ...complement(data, bytes(size)).map((each) => ({ ...each, zero: true })),
  ].sort((a, b) => a.offset - b.offset)
  for (const each of all) {
    for (let at: number = each.offset; at < endOf(each); at += PIECE) {
      transfer.call.signal.throwIfAborted()
      const length = Math.min(PIECE, endOf(each) - at)
      await send(transfer, each.zero ? ZEROS.subarray(0, length) : await storage.read(uuid, at, length))
      transfer.call.task?.progress(at / size)
    }
  }
}

async function sendVhd(transfer: Transfer, { uuid }: VdiRecord, base: VdiRecord | undefined): Promise<void> {
  const { storage, options } = transfer.pool
  const size = storage.sizeOf(uuid)
  const data = await storage.allocatedExtents(uuid)
  const blocks =
    base === undefined
      ? [...new Set(data.flatMap((each) => blocksOf(each.offset, endOf(each))))]
      : await changedVhdBlocks(storage, { from: base.uuid, to: uuid }, transfer.call.signal)
  const { body } = writeVhd({
    size,
    blocks,
    uuid,
    created: options.clock.now(),
    read: (block) => storage.read(uuid, block * VHD_BLOCK, Math.min(VHD_BLOCK, size - block * VHD_BLOCK)),
  })
  for await (const piece of base === undefined ? body : asDifference(body, base.uuid)) {
    transfer.call.signal.throwIfAborted()
    await send(transfer, piece)
  }
}

const blocksOf = (from: number, to: number): number[] => {
  const first = Math.floor(from / VHD_BLOCK)
  return Array.from({ length: Math.ceil(to / VHD_BLOCK) - first }, (_, index) => first + index)
}
