import type { VmRef } from '@tidemark/xenapi'
import type { Operation } from '../calls/operations.ts'
import { failure } from '../calls/failure.ts'
import { isDefaultTemplate, vmRefusal } from '../classes/vm-operation.ts'
import { packOva } from '../metadata/archive.ts'
import { describeVms } from '../metadata/export.ts'
import { encodeOva } from '../metadata/ova.ts'
import { send } from './exchange.ts'
import { findObject, flag } from './parameters.ts'
import type { Transfer } from './transfer.ts'

/**
 * GET /export_metadata: one VM or all, without data, as they are. The answer is made in memory, so that errors come as a
 * status. contract/xenapi.md §5.4
 */
export async function exportMetadata(transfer: Transfer): Promise<string> {
  const { pool, call, query } = transfer
  const vms = flag(query, 'all') ? allVms(transfer) : [vmOf(transfer)]
  const excluded = excludedDevices(query)
  const exported = vms.map((ref): Operation => {
    const refusal = () => vmRefusal(pool.db, ref, 'metadata_export')
    return { class: 'VM', ref, operation: 'metadata_export', refusal }
  })
  const archive = await pool.operations.during(call, exported, async () => {
    const scope = { snapshots: flag(query, 'export_snapshots', true), powerState: true, excluded }
    return packOva(encodeOva(describeVms(pool, vms, scope).ova), pool.options.clock.now())
  })
  transfer.begin({
    version: '1.0',
    status: 200,
    headers: {
      'Content-Type': 'application/octet-stream',
      'Content-Length': String(archive.length),
      'Content-Disposition': 'attachment; filename="export.xva"',
    },
  })
  await send(transfer, archive, call.signal)
  return ''
}

/** Everything but the templates that every pool has. */
function allVms({ pool, query }: Transfer): VmRef[] {
  const withHosts = flag(query, 'include_dom0', true)
  return pool.db
    .all('VM')
    .filter(([, vm]) => !isDefaultTemplate(vm) && (withHosts || !vm.is_control_domain))
    .map(([ref]) => ref)
}

/** The VM that a request names. @throws XenApiError HANDLE_INVALID */
export const vmOf = ({ pool, query }: Transfer): VmRef =>
  findObject(pool, 'VM', query.get('ref') ?? query.get('uuid') ?? '')

const DEVICES = ['vif', 'vbd', 'vgpu', 'vtpm']

/** @throws XenApiError INTERNAL_ERROR for a device that there is not */
function excludedDevices(query: URLSearchParams): ReadonlySet<string> {
  const names = (query.get('excluded_device_types') ?? '').split(',').filter((name) => name !== '')
  const wrong = names.find((name) => !DEVICES.includes(name.toLowerCase()))
  if (wrong !== undefined) failure('INTERNAL_ERROR', `Type '${wrong}' not one of [${DEVICES.join('; ')}]`)
  return new Set(names.map((name) => name.toLowerCase()))
}
