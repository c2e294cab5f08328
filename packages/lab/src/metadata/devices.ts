import type { NetworkRef, VbdRecord, VdiRef, VifRecord, VmRef } from '@tidemark/xenapi'
import { NULL_REF } from '@tidemark/xenapi/codec'
import { apiFailure } from '../calls/failure.ts'
import { newMac } from '../classes/vif.ts'
import type { Draft } from '../database/database.ts'
import type { ClassName } from '../database/tables.ts'
import type { Pool } from '../pool.ts'
import type { VtpmExport } from './vtpm.ts'
import { withoutReferences, type OvaSource } from './source.ts'

/** The making of one VM's devices. */
export interface DeviceJob {
  readonly pool: Pool
  readonly source: OvaSource
  readonly draft: Draft
  /** By `Ref:<n>`. */
  readonly disks: ReadonlyMap<string, VdiRef>
  readonly networks: Map<string, NetworkRef>
  readonly restore: boolean
  /** Whether the VM is suspended: then its devices stay attached. */
  readonly isSuspended: boolean
}

/** The uuid of the file where it is to be kept and is free. */
const uuidFor = ({ pool, restore }: DeviceJob, className: ClassName, uuid: string): string =>
  restore && pool.db.findByUuid(className, uuid) === undefined ? uuid : ''

/** A drive without its medium is empty; a disk that is not there has no VBD. */
export function importVbd(job: DeviceJob, VM: VmRef, source: VbdRecord): void {
  const found = source.empty ? undefined : job.disks.get(source.VDI)
  if (found === undefined && source.type !== 'CD') return
  job.draft.insert('VBD', {
    ...withoutReferences('VBD', source),
    uuid: uuidFor(job, 'VBD', source.uuid),
    VM,
    VDI: found ?? (NULL_REF as VdiRef),
    empty: found === undefined,
    device: '',
    currently_attached: job.isSuspended && source.currently_attached,
    current_operations: {},
  })
}

export function importVif(job: DeviceJob, VM: VmRef, source: VifRecord): void {
  job.draft.insert('VIF', {
    ...withoutReferences('VIF', source),
    uuid: uuidFor(job, 'VIF', source.uuid),
    VM,
    network: networkFor(job, source.network),
    MAC: job.restore ? source.MAC : newMac(job.pool),
    currently_attached: job.isSuspended && source.currently_attached,
    current_operations: {},
  })
}

/** By its name, else by its bridge, else a new one. */
function networkFor({ pool, source, draft, networks }: DeviceJob, id: string): NetworkRef {
  const known = networks.get(id)
  if (known !== undefined) return known
  const wanted = source.get('network', id)
  const all = pool.db.all('network')
  const found =
    all.find(([, { name_label }]) => name_label === wanted.name_label) ??
    all.find(([, { bridge }]) => bridge === wanted.bridge)
  const { name_label, name_description, MTU, bridge } = wanted
  const network = found?.[0] ?? draft.insert('network', { name_label, name_description, MTU, bridge, managed: true })
  networks.set(id, network)
  return network
}

/** @throws XenApiError IMPORT_ERROR when a TPM of that uuid is there */
export function importVtpm(job: DeviceJob, VM: VmRef, { uuid, isUnique, isProtected }: VtpmExport): void {
  if (job.restore && job.pool.db.findByUuid('VTPM', uuid) !== undefined) {
    throw apiFailure('IMPORT_ERROR', `A VTPM with UUID ${uuid} already exists`)
  }
  job.draft.insert('VTPM', {
    uuid: job.restore ? uuid : '',
    VM,
    is_unique: isUnique,
    is_protected: isProtected,
    persistence_backend: 'xapi',
  })
}
