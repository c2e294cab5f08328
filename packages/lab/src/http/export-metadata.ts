import { packOva } from '../metadata/archive.ts'
import { describeVms } from '../metadata/export.ts'
import { encodeOva } from '../metadata/ova.ts'
import { send } from './exchange.ts'
import { findObject, type Transfer } from './transfer.ts'

/** GET /export_metadata: one VM or all, without data. The answer is made in memory, so that errors come as a status. */
export async function exportMetadata(transfer: Transfer): Promise<string> {
  const { pool, query } = transfer
  const excluded = new Set(
    (query.get('excluded_device_types') ?? '').split(',').map((name) => name.trim().toLowerCase()),
  )
  const name = query.get('ref') ?? query.get('uuid')
  const all = query.get('all') === 'true'
  const vms = all
    ? pool.db
        .all('VM')
        .flatMap(([vm, { is_control_domain }]) =>
          is_control_domain && query.get('include_dom0') === 'false' ? [] : [vm],
        )
    : [findObject(pool, 'VM', name ?? '')]
  const ova = describeVms(pool, vms, { snapshots: query.get('export_snapshots') !== 'false', excluded })
  const archive = await packOva(encodeOva(ova))
  transfer.begin({
    version: '1.0',
    status: 200,
    headers: {
      'Content-Type': 'application/octet-stream',
      'Content-Length': String(archive.length),
      'Content-Disposition': 'attachment; filename="export.xva"',
    },
  })
  await send(transfer, archive, transfer.call.signal)
  return ''
}
