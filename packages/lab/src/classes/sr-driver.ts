import type { StorageOperations } from '@tidemark/xenapi'

/** One storage driver: what SM says of it. sm: drivers/*SR.py */
interface Driver {
  readonly label: string
  /** The driver's file on a real host. */
  readonly file: string
  readonly shared: boolean
  /** What its SRs hold: SR.content_type. */
  readonly content: string
  readonly features: readonly string[]
}

/** How SM.features names changed block tracking. */
export const CBT_FEATURE = 'VDI_CONFIG_CBT'

const ATTACH = ['VDI_ATTACH', 'VDI_DETACH'] as const
const RAW = ['SR_PROBE', 'SR_UPDATE', 'VDI_CREATE', 'VDI_DELETE', ...ATTACH] as const
const COPY_ON_WRITE = [
  ...RAW,
  'VDI_CLONE',
  'VDI_SNAPSHOT',
  'VDI_RESIZE',
  'VDI_MIRROR',
  'VDI_RESET_ON_BOOT',
  'VDI_UPDATE',
  CBT_FEATURE,
] as const

const copyOnWrite = (label: string, file: string, shared: boolean): Driver => ({
  label,
  file,
  shared,
  content: 'user',
  features: COPY_ON_WRITE,
})

/** Every driver of the pool, by SR.type. Those that keep disks as VHD chains can track changes; the others cannot. */
export const drivers = {
  ext: copyOnWrite('Local EXT3 VHD', 'EXTSR', false),
  lvm: copyOnWrite('Local VHD on LVM', 'LVHDSR', false),
  file: copyOnWrite('Local path VHD', 'FileSR', false),
  nfs: copyOnWrite('NFS VHD', 'NFSSR', true),
  smb: copyOnWrite('SMB VHD', 'SMBSR', true),
  lvmoiscsi: copyOnWrite('VHD over iSCSI', 'LVHDoISCSISR', true),
  lvmohba: copyOnWrite('VHD on HBA', 'LVHDoHBASR', true),
  iscsi: { label: 'Raw iSCSI', file: 'RawISCSISR', shared: true, content: 'user', features: [...RAW] },
  iso: { label: 'ISO', file: 'ISOSR', shared: true, content: 'iso', features: ['VDI_ATTACH', 'VDI_DETACH'] },
  udev: { label: 'udev', file: 'udevSR', shared: false, content: 'disk', features: ['VDI_INTRODUCE', ...ATTACH] },
} as const satisfies Readonly<Record<string, Driver>>

export type DriverType = keyof typeof drivers

export const isDriverType = (type: string): type is DriverType => Object.hasOwn(drivers, type)

/** The operations of an SR that need a feature of its driver. xapi: xapi_sr_operations.ml */
const NEEDED: Readonly<Partial<Record<StorageOperations, string>>> = {
  vdi_create: 'VDI_CREATE',
  vdi_destroy: 'VDI_DELETE',
  vdi_resize: 'VDI_RESIZE',
  vdi_clone: 'VDI_CLONE',
  vdi_snapshot: 'VDI_SNAPSHOT',
  vdi_mirror: 'VDI_MIRROR',
  vdi_enable_cbt: CBT_FEATURE,
  vdi_disable_cbt: CBT_FEATURE,
  vdi_data_destroy: CBT_FEATURE,
  vdi_list_changed_blocks: CBT_FEATURE,
  vdi_introduce: 'VDI_INTRODUCE',
  vdi_set_on_boot: 'VDI_RESET_ON_BOOT',
  vdi_revert: 'VDI_REVERT',
  update: 'SR_UPDATE',
}

/** Whether a driver with these features can do it; what needs no feature, every driver can. */
export function supports(features: Readonly<Record<string, unknown>>, operation: StorageOperations): boolean {
  const needed = NEEDED[operation]
  return needed === undefined || Object.hasOwn(features, needed)
}
