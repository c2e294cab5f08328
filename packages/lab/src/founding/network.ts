import type { HostRef, NetworkRef } from '@tidemark/xenapi'
import { newMac } from '../classes/vif.ts'
import type { Draft } from '../database/database.ts'
import type { LabOptions } from '../options.ts'

export const addNetwork = (draft: Draft, { networkPurpose }: LabOptions): NetworkRef =>
  draft.insert('network', {
    name_label: 'Pool-wide network associated with eth0',
    bridge: 'xenbr0',
    MTU: 1500,
    managed: true,
    purpose: networkPurpose === 'none' ? [] : [networkPurpose],
  })

interface Place {
  readonly network: NetworkRef
  readonly host: HostRef
  readonly position: number
}

/** A host's interface on the pool's network; its IPv4 address is set at each start. */
export function addInterface(draft: Draft, options: LabOptions, { network, host, position }: Place): void {
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
    ...(options.ipv6 ? { ipv6_configuration_mode: 'Static', IPv6: [`fd00::${(position + 1).toString(16)}/64`] } : {}),
  })
}
