import type { SrRef, VmRef } from '@tidemark/xenapi'
import { allowedSrOperations, CBT_FEATURE } from './classes/sr.ts'
import { newMac } from './classes/vif.ts'
import type { Database, Draft } from './database/database.ts'
import type { LabOptions } from './options.ts'
import type { Pool } from './pool.ts'
import type { HostCertificate } from './tls/certificate.ts'

interface Founding {
  readonly db: Database
  readonly options: LabOptions
  readonly certificate: HostCertificate
}

/** The objects of a new pool: one host with its control domain, one network, one storage repository. */
export function foundPool({ db, options, certificate }: Founding): void {
  if (db.all('pool').length > 0) return
  db.change((draft) => {
    const host = addHost(draft, options, certificate)
    const SR = addStorage(draft, options, host)
    addNetwork(draft, options, host)
    draft.insert('pool', {
      name_label: 'tidemark-lab',
      name_description: 'A pool in one process',
      master: host,
      default_SR: SR,
      suspend_image_SR: SR,
      crash_dump_SR: SR,
      restrictions: { restrict_cbt: 'false' },
      cpu_info: CPU,
      tls_verification_enabled: true,
    })
    draft.insert('role', { name_label: 'pool-admin', name_description: 'May do everything' })
  })
}

type Host = ReturnType<typeof addHost>

const CPU = { cpu_count: '4', socket_count: '1', vendor: 'GenuineIntel', speed: '3000', modelname: 'Lab CPU' } as const

function addHost(draft: Draft, options: LabOptions, certificate: HostCertificate) {
  const now = options.clock.now()
  const metrics = draft.insert('host_metrics', {
    memory_total: 64 * 1024 ** 3,
    memory_free: 48 * 1024 ** 3,
    live: true,
    last_updated: now,
  })
  const host = draft.insert('host', {
    name_label: options.hostname,
    name_description: 'The one host of the lab',
    hostname: options.hostname,
    address: options.address,
    enabled: true,
    API_version_major: 2,
    API_version_minor: 21,
    API_version_vendor: 'XenSource',
    software_version: {
      product_version: '8.3.0',
      product_version_text: '8.3',
      product_brand: 'Tidemark lab',
      build_number: 'lab',
      platform_name: 'XCP',
      platform_version: '3.4.0',
      date: '2026-01-01',
      xapi: '26.1',
      xen: '4.17',
      linux: '4.19',
    },
    metrics,
    cpu_info: CPU,
    edition: 'lab',
    license_params: {
      sku_type: 'lab',
      expiry: '20991231T23:59:59Z',
    },
    capabilities: ['xen-3.0-x86_64', 'hvm-3.0-x86_64'],
    sched_policy: 'credit',
    tls_verification_enabled: true,
  })
  const control_domain = draft.insert('VM', {
    name_label: `Control domain on host: ${options.hostname}`,
    is_control_domain: true,
    power_state: 'Running',
    resident_on: host,
    affinity: host,
    domid: 0,
    memory_static_max: 4 * 1024 ** 3,
    memory_dynamic_max: 4 * 1024 ** 3,
    VCPUs_max: 4,
    VCPUs_at_startup: 4,
    metrics: draft.insert('VM_metrics', {
      memory_actual: 4 * 1024 ** 3,
      VCPUs_number: 4,
      start_time: now,
    }),
  })
  draft.update('host', host, { control_domain })
  draft.insert('Certificate', {
    type: 'host',
    host,
    not_before: certificate.validFrom,
    not_after: certificate.validTo,
    fingerprint: certificate.fingerprint,
  })
  return host
}

function addStorage(draft: Draft, { storageSize, tracking }: LabOptions, host: Host): SrRef {
  const features = { SR_UPDATE: 1, VDI_CREATE: 1, VDI_DELETE: 1, VDI_CLONE: 1, VDI_SNAPSHOT: 1, VDI_RESIZE: 1 } as const
  const all = { ...features, VDI_ATTACH: 1, VDI_DETACH: 1, ...(tracking ? { [CBT_FEATURE]: 1 } : {}) }
  draft.insert('SM', {
    name_label: 'EXT3',
    name_description: 'Disks as copy-on-write layers in sparse files',
    type: 'ext',
    vendor: 'Tidemark',
    copyright: '',
    version: '1.0',
    required_api_version: '1.0',
    capabilities: Object.keys(all),
    features: all,
    driver_filename: '/opt/xensource/sm/EXTSR',
  })
  const SR = draft.insert('SR', {
    name_label: 'Local storage',
    type: 'ext',
    content_type: 'user',
    shared: false,
    physical_size: storageSize,
    allowed_operations: allowedSrOperations(tracking),
  })
  draft.insert('PBD', { host, SR, device_config: { device: '/dev/lab' }, currently_attached: true })
  return SR
}

function addNetwork(draft: Draft, options: LabOptions, host: Host): void {
  const network = draft.insert('network', {
    name_label: 'Pool-wide network associated with eth0',
    bridge: 'xenbr0',
    MTU: 1500,
    managed: true,
    purpose: options.networkPurpose === 'none' ? [] : [options.networkPurpose],
  })
  draft.insert('PIF', {
    network,
    host,
    device: 'eth0',
    MAC: newMac({ options }),
    MTU: 1500,
    VLAN: -1,
    physical: true,
    management: true,
    currently_attached: true,
    managed: true,
    ip_configuration_mode: 'Static',
    IP: options.address,
    netmask: '255.0.0.0',
    primary_address_type: 'IPv4',
  })
}

/** What may differ from the last start: ports, addresses; and what the last process left attached. */
export function refreshHost({ db }: Pick<Pool, 'db'>, options: LabOptions, address: string): void {
  db.change((draft) => {
    for (const [host] of db.all('host')) draft.update('host', host, { address })
    for (const [pif, { management }] of db.all('PIF')) if (management) draft.update('PIF', pif, { IP: options.address })
    const domains = new Set<VmRef>(db.all('host').map(([, { control_domain }]) => control_domain))
    for (const [vbd, { VM }] of db.all('VBD')) if (domains.has(VM)) draft.remove('VBD', vbd)
  })
}
