import type { HostRef, SrRef } from '@tidemark/xenapi'
import { CBT_FEATURE, drivers, type DriverType } from '../classes/sr-driver.ts'
import type { Draft } from '../database/database.ts'
import { LabError } from '../error.ts'
import type { LabOptions, LabStorage } from '../options.ts'

/** An SM record for each driver. */
export function addDrivers(draft: Draft, options: LabOptions): void {
  for (const [type, { label, file }] of Object.entries(drivers)) {
    const features = featuresOf(type as DriverType, options)
    draft.insert('SM', {
      name_label: label,
      name_description: 'Disks as copy-on-write layers in sparse files',
      type,
      vendor: 'Tidemark',
      copyright: '',
      version: '1.0',
      required_api_version: '1.0',
      capabilities: Object.keys(features),
      features,
      driver_filename: `/opt/xensource/sm/${file}`,
    })
  }
}

const featuresOf = (type: DriverType, { tracking }: LabOptions): Record<string, number> =>
  Object.fromEntries(
    drivers[type].features.filter((feature) => tracking || feature !== CBT_FEATURE).map((feature) => [feature, 1]),
  )

/** The SRs of a new pool, plugged where they are. @returns the one for disks that name no other */
export function addStorages(draft: Draft, options: LabOptions, hosts: readonly HostRef[]): SrRef {
  const disks = options.storages ?? usual(hosts.length)
  const [first] = disks.map((storage) => addStorage(draft, options, { storage, hosts }))
  if (first === undefined) throw new LabError('LAB_OPTIONS', 'a pool needs at least one storage repository')
  for (const storage of media(hosts.length)) addStorage(draft, options, { storage, hosts })
  return first
}

/** A local SR on each host; where there are several hosts, they share one, and it comes first. */
const usual = (hosts: number): LabStorage[] => [
  ...(hosts > 1 ? [{ name: 'NFS virtual disk storage', type: 'nfs' } as const] : []),
  ...Array.from({ length: hosts }, (_, host) => ({ name: 'Local storage', type: 'ext', hosts: [host] }) as const),
]

/** What every pool has beside its disks. */
const media = (hosts: number): LabStorage[] => [
  { name: TOOLS, type: 'iso' },
  ...Array.from({ length: hosts }, (_, host) => host).flatMap((host) => [
    { name: 'DVD drives', type: 'udev', hosts: [host], size: 0 } as const,
    { name: 'Removable storage', type: 'udev', hosts: [host], size: 0 } as const,
  ]),
]

const TOOLS = 'XCP-ng Tools'

interface Placement {
  readonly storage: LabStorage
  readonly hosts: readonly HostRef[]
}

function addStorage(draft: Draft, options: LabOptions, { storage, hosts }: Placement): SrRef {
  const { name, type, size = options.storageSize } = storage
  const { shared, content } = drivers[type]
  const SR = draft.insert('SR', {
    name_label: name,
    type,
    content_type: name === 'DVD drives' ? 'iso' : content,
    shared,
    physical_size: size,
    is_tools_sr: name === TOOLS,
    ...(type.startsWith('lvm') && { sm_config: { use_vhd: 'true' } }), // as sm writes it: volumes hold VHDs, new ones read as zeros
  })
  for (const position of storage.hosts ?? (shared ? hosts.keys() : [0])) {
    const host = hosts[position]
    if (host === undefined) continue
    draft.insert('PBD', { host, SR, device_config: { device: '/dev/lab' }, currently_attached: true })
  }
  return SR
}
