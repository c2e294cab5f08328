import { createGzip, createZstdCompress } from 'node:zlib'
import type { Duplex } from 'node:stream'
import type { VdiRef, VmRef } from '@tidemark/xenapi'
import { operateOnVm } from '../classes/vm-operation.ts'
import { assertHasData } from '../classes/vdi-operation.ts'
import { ovaFile } from '../metadata/archive.ts'
import { describeVms } from '../metadata/export.ts'
import { encodeOva } from '../metadata/ova.ts'
import type { Pool } from '../pool.ts'
import { through } from '../streams/through.ts'
import { TAR_END } from '../tar/write.ts'
import { chunksOf, type ChunkedDisk } from '../xva/chunks-out.ts'
import { inOrder } from '../xva/order.ts'
import { send } from './exchange.ts'
import { vmOf } from './export-metadata.ts'
import { parameter } from './parameters.ts'
import type { Transfer } from './transfer.ts'

const COMPRESSORS: Readonly<Record<string, () => Duplex>> = {
  true: () => createGzip(),
  gzip: () => createGzip(),
  zstd: () => createZstdCompress(),
}

/**
 * GET /export: a VM with its disks, as one archive: its description, then each disk in chunks. Snapshots of the VM do not
 * come along. contract/xenapi.md §5.6
 */
export function exportVm(transfer: Transfer): Promise<string> {
  const vm = vmOf(transfer)
  return operateOnVm(transfer.call, vm, 'export', () => sendVm(transfer, vm))
}

async function sendVm(transfer: Transfer, vm: VmRef): Promise<string> {
  const compressor = COMPRESSORS[transfer.query.get('use_compression') ?? '']
  transfer.begin({
    version: '1.0',
    status: 200,
    headers: {
      'Content-Type': 'application/octet-stream',
      'Content-Disposition': 'attachment; filename="export.xva"',
    },
  })
  using held = new DisposableStack()
  const archive = archiveOf(transfer, vm, held)
  const body = compressor === undefined ? archive : through(archive, compressor())
  for await (const piece of body) await send(transfer, piece, transfer.call.signal)
  return ''
}

async function* archiveOf(
  transfer: Transfer,
  vm: VmRef,
  held: DisposableStack,
): AsyncGenerator<Uint8Array, void, void> {
  const { pool, call } = transfer
  const powerState = parameter(transfer, 'preserve_power_state') === 'true'
  const { ova, ids } = describeVms(pool, [vm], { snapshots: false, powerState, excluded: new Set() })
  yield* ovaFile(encodeOva(ova), pool.options.clock.now())
  const disks: ChunkedDisk[] = []
  for (const vdi of disksOf(pool, vm, powerState)) {
    const prefix = ids.get(vdi)
    if (prefix === undefined) continue
    const { uuid } = assertHasData(pool, vdi)
    held.defer(await pool.holds.hold(call, vdi, 'RO'))
    disks.push({ prefix, uuid })
  }
  const total = disks.reduce((sum, { uuid }) => sum + pool.storage.sizeOf(uuid), 0)
  let before = 0
  for (const disk of inOrder(disks)) {
    yield* chunksOf(pool.storage, disk, (bytes) => call.task?.progress((before + bytes) / total))
    before += pool.storage.sizeOf(disk.uuid)
  }
  yield TAR_END
}

/** Every disk that is no medium, once; with the one that a suspended VM sleeps in. */
function disksOf({ db }: Pool, vm: VmRef, powerState: boolean): VdiRef[] {
  const { VBDs, power_state, suspend_VDI } = db.get('VM', vm)
  const disks = VBDs.map((vbd) => db.get('VBD', vbd)).filter(({ type }) => type !== 'CD')
  const all = [...(powerState && power_state === 'Suspended' ? [suspend_VDI] : []), ...disks.map(({ VDI }) => VDI)]
  const isDisk = (vdi: VdiRef): boolean => {
    const record = db.find('VDI', vdi)
    return record !== undefined && db.get('SR', record.SR).content_type !== 'iso'
  }
  return [...new Set(all)].filter(isDisk)
}
