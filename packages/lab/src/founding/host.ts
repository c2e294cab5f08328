import type { HostRef } from '@tidemark/xenapi'
import type { Draft } from '../database/database.ts'
import type { HostIdentity } from '../host/host.ts'
import type { LabOptions } from '../options.ts'

export const CPU = {
  cpu_count: '4',
  socket_count: '1',
  vendor: 'GenuineIntel',
  speed: '3000',
  modelname: 'Lab CPU',
} as const

/** A host with its metrics, its certificate, and the control domain that stands for it. */
export function addHost(
  draft: Draft,
  { clock }: LabOptions,
  { hostname, address, certificate }: HostIdentity,
): HostRef {
  const now = clock.now()
  const metrics = draft.insert('host_metrics', {
    memory_total: 64 * 1024 ** 3,
    memory_free: 48 * 1024 ** 3,
    live: true,
    last_updated: now,
  })
  const host = draft.insert('host', {
    name_label: hostname,
    name_description: 'A host of the lab',
    hostname,
    address,
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
    name_label: `Control domain on host: ${hostname}`,
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
