import type { VmRecord, VmRef } from '@tidemark/xenapi'
import { NULL_REF } from '@tidemark/xenapi/codec'
import { failure } from '../calls/failure.ts'
import { isDefaultTemplate } from '../classes/vm-operation.ts'
import type { Pool } from '../pool.ts'
import type { OvaSource, SourceObject } from './source.ts'

/** What becomes of a VM of the file. xapi: import.ml */
export type VmPlan =
  | { readonly kind: 'new' }
  | { readonly kind: 'replace'; readonly vm: VmRef }
  | { readonly kind: 'template'; readonly vm: VmRef }
  | { readonly kind: 'skip' }

interface PlanScope {
  readonly restore: boolean
  readonly force: boolean
}

/**
 * @throws XenApiError VM_BAD_POWER_STATE, VM_TO_IMPORT_IS_NOT_NEWER_VERSION when a restored VM exists: `force` leaves out one
 * that is not halted, and replaces one that is no older
 */
export function planVm({ db }: Pool, source: VmRecord, { restore, force }: PlanScope): VmPlan {
  const twin = db.all('VM').find(([, { name_label }]) => name_label === source.name_label)
  if (isDefaultTemplate(source) && twin !== undefined) return { kind: 'template', vm: twin[0] }
  const existing = restore ? db.findByUuid('VM', source.uuid) : undefined
  if (existing === undefined) return { kind: 'new' }
  const { power_state, version } = db.get('VM', existing)
  if (power_state !== 'Halted') {
    return force ? { kind: 'skip' } : failure('VM_BAD_POWER_STATE', existing, 'Halted', power_state)
  }
  if (version >= source.version && !force) {
    failure('VM_TO_IMPORT_IS_NOT_NEWER_VERSION', existing, String(version), String(source.version))
  }
  return { kind: 'replace', vm: existing }
}

/** Two VMs with one seed would get the same MAC addresses. @throws XenApiError DUPLICATE_MAC_SEED */
export function assertSeedsFree({ db }: Pool, source: OvaSource): void {
  const incoming = source.all('VM').filter(({ record }) => record.other_config['mac_seed'] !== undefined)
  for (const [, existing] of db.all('VM')) {
    const seed = existing.other_config['mac_seed']
    const clash = incoming.find(({ record }) => record.other_config['mac_seed'] === seed)
    if (seed === undefined || clash === undefined) continue
    const [a, b] = [originOf(clash.record, source), originIn({ db }, existing)]
    if (a === undefined || a !== b) failure('DUPLICATE_MAC_SEED', seed)
  }
}

/** uuid of the VM itself, or of the one that a snapshot is of. */
function originOf(record: VmRecord, source: OvaSource): string | undefined {
  return record.is_a_snapshot ? source.find('VM', record.snapshot_of)?.uuid : record.uuid
}

const originIn = ({ db }: Pick<Pool, 'db'>, { is_a_snapshot, snapshot_of, uuid }: VmRecord): string | undefined =>
  is_a_snapshot ? db.find('VM', snapshot_of)?.uuid : uuid

/**
 * A disk that was in use must be there, but for a medium in the drive of a VM with an emulated one.
 * @throws XenApiError IMPORT_ERROR_ATTACHED_DISKS_NOT_FOUND
 */
export function assertAttachedFound(
  source: OvaSource,
  disks: ReadonlyMap<string, unknown>,
  { record: vm }: SourceObject<'VM'>,
): void {
  const isEmulated = vm.domain_type === 'hvm' || vm.HVM_boot_policy !== ''
  for (const id of vm.VBDs) {
    const { currently_attached, VDI, type } = source.get('VBD', id)
    if (!currently_attached || disks.has(VDI) || (VDI as string) === NULL_REF) continue
    if (type !== 'CD' || !isEmulated) failure('IMPORT_ERROR_ATTACHED_DISKS_NOT_FOUND')
  }
}
