import { bytes } from '@tidemark/blocks'
import type { Session, SrRecord, VbdRecord, VdiRecord, VdiRef, VmRecord } from '@tidemark/xenapi'
import { NULL_REF } from '@tidemark/xenapi/codec'
import { positionOfDevice } from '../device.ts'
import { EngineError } from '../error.ts'
import type { Disk, Storage, StorageSpace, Vm } from '../pool.ts'
import type { PoolTracking } from './tracking.ts'

/** What the pool has, read in five calls; enough to list every VM with its disks. */
export interface Inventory {
  readonly vms: readonly Vm[]
  readonly storages: readonly Storage[]
}

export async function readInventory(
  session: Session,
  poolWide: PoolTracking,
  signal?: AbortSignal,
): Promise<Inventory> {
  const [vms, vbds, vdis, srs, drivers] = await Promise.all([
    session.VM.get_all_records({ signal }),
    session.VBD.get_all_records({ signal }),
    session.VDI.get_all_records({ signal }),
    session.SR.get_all_records({ signal }),
    session.SM.get_all_records({ signal }),
  ])
  const tracking = new Set(
    Object.values(drivers)
      .filter(({ features }) => 'VDI_CONFIG_CBT' in features)
      .map(({ type }) => type),
  )
  const storageOf = new Map(Object.entries(srs).map(([ref, record]) => [ref, storage(record, tracking, poolWide)]))
  const disksOf = (vm: VmRecord) =>
    vm.VBDs.flatMap((ref) => disk(vbds[ref], vdis, storageOf)).toSorted((a, b) => a.position - b.position)
  return {
    vms: Object.values(vms)
      .filter((vm) => !vm.is_a_template && !vm.is_a_snapshot && !vm.is_control_domain)
      .map((vm) => ({
        uuid: vm.uuid,
        name: vm.name_label,
        powerState: vm.power_state,
        tags: vm.tags,
        ...(vm.resident_on !== NULL_REF && { host: vm.resident_on }),
        disks: disksOf(vm),
      }))
      .toSorted((a, b) => a.name.localeCompare(b.name)),
    storages: [...storageOf.values()],
  }
}

function disk(
  vbd: VbdRecord | undefined,
  vdis: Readonly<Record<VdiRef, VdiRecord>>,
  storageOf: ReadonlyMap<string, Storage>,
): Disk[] {
  const vdi = vbd === undefined ? undefined : vdis[vbd.VDI]
  const place = vdi === undefined ? undefined : storageOf.get(vdi.SR)
  if (vbd === undefined || vdi === undefined || place === undefined || vbd.type !== 'Disk' || vbd.empty) return []
  return [
    {
      position: positionOf(vbd.userdevice),
      vdiUuid: vdi.uuid,
      name: vdi.name_label,
      size: bytes(vdi.virtual_size),
      ...(vdi.physical_utilisation > 0 && { used: bytes(vdi.physical_utilisation) }),
      storage: place,
      tracked: vdi.cbt_enabled,
    },
  ]
}

/** Old guests have names in place of numbers: `hdb`, `sdb` and `xvdb` are 1. */
function positionOf(userdevice: string): number {
  const position = positionOfDevice(userdevice) ?? Number(userdevice)
  if (Number.isInteger(position) && userdevice !== '') return position
  throw new EngineError('ENGINE_SOURCE', `the pool names a disk slot '${userdevice}', which is none that we know`)
}

const storage = (record: SrRecord, tracking: ReadonlySet<string>, poolWide: PoolTracking): Storage => ({
  uuid: record.uuid,
  name: record.name_label,
  type: record.type,
  canTrack: tracking.has(record.type) && poolWide.state !== 'unknown',
  ...(record.physical_size > 0 && { space: spaceOf(record) }),
  ...(poolWide.state === 'possible' ? {} : { whyUntracked: poolWide.detail }),
})

/** Drivers that give a disk its full size at once, unless they are told otherwise. */
const WHOLE = new Set(['lvm', 'lvmoiscsi', 'lvmohba', 'lvmofcoe'])

const spaceOf = ({ type, physical_size, physical_utilisation, sm_config }: SrRecord): StorageSpace => ({
  free: bytes(Math.max(0, physical_size - physical_utilisation)),
  allocation: WHOLE.has(type) && sm_config['allocation'] !== 'thin' ? 'whole' : 'written',
})
