import { assertHasData } from '../classes/vdi-operation.ts'
import { apiFailure } from '../calls/failure.ts'
import { VHD_SIZE_MAX } from '@tidemark/xenapi/vhd'
import type { VdiRecord, VdiRef } from '@tidemark/xenapi'
import { send } from './exchange.ts'
import { contentTypeOf, formatOf, type DiskFormat } from './format.ts'
import { TAR_END } from '../tar/write.ts'
import { chunksOf } from '../xva/chunks-out.ts'
import { qcow2Of } from './qcow2-out.ts'
import { rawOf } from './raw-out.ts'
import { findObject, parameter } from './parameters.ts'
import type { Transfer } from './transfer.ts'
import { vhdOf } from './vhd-out.ts'

/**
 * GET /export_raw_vdi: a whole disk, or what differs from an older one. As with xapi, the head of the answer goes out before
 * the disks are looked at: the task tells what was wrong with them. contract/xenapi.md §5.2
 */
export async function exportRawVdi(transfer: Transfer): Promise<string> {
  const { pool, call } = transfer
  const vdi = findObject(pool, 'VDI', parameter(transfer, 'vdi') ?? '')
  const format = formatOf(transfer)
  const { uuid, virtual_size } = pool.db.get('VDI', vdi)
  transfer.begin({
    status: 200,
    headers: {
      'Content-Type': contentTypeOf(format),
      'Content-Disposition': `attachment; filename="${uuid}.${format}"`,
    },
  })
  if (format === 'vhd' && virtual_size > VHD_SIZE_MAX) throw apiFailure('VDI_TOO_LARGE', vdi, String(VHD_SIZE_MAX))
  using held = new DisposableStack()
  const disk = await attach(transfer, held, vdi)
  const baseName = parameter(transfer, 'base')
  const base = baseName === undefined ? undefined : await attach(transfer, held, findObject(pool, 'VDI', baseName))
  for await (const piece of streamOf(transfer, format, { disk, base })) await send(transfer, piece, call.signal)
  return ''
}

/** The control domain reads the disk until `held` is disposed. */
async function attach({ pool, call }: Transfer, held: DisposableStack, vdi: VdiRef): Promise<VdiRecord> {
  const record = assertHasData(pool, vdi)
  held.defer(await pool.holds.hold(call, vdi, 'RO'))
  return record
}

interface Disks {
  readonly disk: VdiRecord
  readonly base: VdiRecord | undefined
}

function streamOf(transfer: Transfer, format: DiskFormat, { disk, base }: Disks): AsyncIterable<Uint8Array> {
  const { pool, call } = transfer
  if (format === 'raw') return rawOf(pool.storage, disk.uuid, (fraction) => call.task?.progress(fraction))
  if (format === 'tar') return tarOf(transfer, disk.uuid)
  if (format === 'qcow2') return qcow2Of(transfer, disk.uuid, base?.uuid)
  return vhdOf(transfer, disk.uuid, base?.uuid)
}

/** The folder that a disk alone has in its archive. xapi: vdi_tar_export_dir */
export const TAR_FOLDER = 'vdi'

/** The chunks of an archive without a description. A base makes no difference to it. */
async function* tarOf({ pool: { storage }, call }: Transfer, uuid: string): AsyncGenerator<Uint8Array, void, void> {
  const size = storage.sizeOf(uuid)
  yield* chunksOf(storage, { prefix: TAR_FOLDER, uuid }, (bytes) => call.task?.progress(bytes / size))
  yield TAR_END
}
