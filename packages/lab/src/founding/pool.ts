import type { VmRef } from '@tidemark/xenapi'
import type { Database } from '../database/database.ts'
import type { HostIdentity, LabHost } from '../host/host.ts'
import type { LabOptions } from '../options.ts'
import { addHost, CPU } from './host.ts'
import { addInterface, addNetwork } from './network.ts'
import { addDrivers, addStorages } from './storage.ts'
import { addTemplates } from './templates.ts'

/** The objects of a new pool: hosts with their control domains, one network, storage. */
export function foundPool(db: Database, options: LabOptions, identities: readonly HostIdentity[]): void {
  if (db.all('pool').length > 0) return
  db.change((draft) => {
    const hosts = identities.map((identity) => addHost(draft, options, identity))
    const [master] = hosts
    if (master === undefined) throw new Error('a pool needs a host')
    addDrivers(draft, options)
    const network = addNetwork(draft, options)
    for (const [position, host] of hosts.entries()) addInterface(draft, options, { network, host, position })
    addTemplates(draft, options)
    const SR = addStorages(draft, options, hosts)
    draft.insert('pool', {
      name_label: 'tidemark-lab',
      name_description: 'A pool in one process',
      master,
      default_SR: SR,
      suspend_image_SR: SR,
      crash_dump_SR: SR,
      restrictions: { restrict_cbt: 'false', ...options.restrictions },
      cpu_info: CPU,
      tls_verification_enabled: true,
    })
    draft.insert('role', { name_label: 'pool-admin', name_description: 'May do everything' })
  })
}

/** What may differ from the last start: addresses; and what the last process left attached. */
export function refreshHosts(db: Database, hosts: readonly LabHost[]): void {
  setAddresses(db, hosts)
  db.change((draft) => {
    for (const { ref, address } of hosts) {
      const { PIFs, metrics } = db.get('host', ref)
      draft.update('host_metrics', metrics, { live: true })
      for (const pif of PIFs) if (db.get('PIF', pif).management) draft.update('PIF', pif, { IP: address })
    }
    const domains = new Set<VmRef>(db.all('host').map(([, { control_domain }]) => control_domain))
    for (const [vbd, { VM }] of db.all('VBD')) if (domains.has(VM)) draft.remove('VBD', vbd)
  })
}

/** @param port goes into host.address for clients that build URLs from it */
export function setAddresses(db: Database, hosts: readonly LabHost[], port?: number): void {
  db.change((draft) => {
    for (const { ref, address } of hosts) {
      draft.update('host', ref, { address: port === undefined ? address : `${address}:${port}` })
    }
  })
}
