import { bytes } from '@tidemark/blocks'
import type { NetworkRef, Session, VifLockingMode, VmRef } from '@tidemark/xenapi'
import { EngineError } from '../error.ts'
import type { Card, TargetFacts, VmSettings } from '../pool.ts'
import { decodeArchive, encodeArchive, listOf, mapOf, textOf, type Archive, type ArchivedObject } from './archive.ts'

/** What exported settings say of their VM. @throws EngineError ENGINE_POINT_DAMAGED */
export function settingsOf(metadata: Uint8Array): VmSettings {
  const archive = decodeArchive(metadata)
  const { record } = theVm(archive)
  const cards = cardsOf(archive).map(({ device, mac, network }) => ({
    device,
    mac,
    network: {
      uuid: network === undefined ? '' : textOf(network.record, 'uuid'),
      name: network === undefined ? '' : textOf(network.record, 'name_label'),
    },
  }))
  const isUefi = mapOf(record, 'HVM_boot_params')['firmware'] === 'uefi'
  return {
    name: textOf(record, 'name_label'),
    virtualCpus: Number(textOf(record, 'VCPUs_at_startup')),
    memory: bytes(Number(textOf(record, 'memory_static_max'))),
    firmware: isUefi ? 'UEFI' : 'BIOS',
    hasTpm: archive.objects.some((each) => each.class === 'VTPM'),
    isSuspended: textOf(record, 'power_state') === 'Suspended',
    cards,
  }
}

/** The same settings without cards and networks: an import would make a network where it finds none of the name. */
export function withoutCards(metadata: Uint8Array): Uint8Array {
  const archive = decodeArchive(metadata)
  const kept = archive.objects.filter((each) => each.class !== 'VIF' && each.class !== 'network')
  const objects = kept.map((each) =>
    each.class === 'VM' ? { ...each, record: { ...each.record, VIFs: [] as readonly string[] } } : each,
  )
  return encodeArchive({ ...archive, objects })
}

/** Gives a VM the cards of its settings, each on its new network. */
export async function makeCards(
  session: Session,
  vm: VmRef,
  metadata: Uint8Array,
  cards: readonly Card[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const archived = cardsOf(decodeArchive(metadata))
  for (const { device, mac, networkUuid } of cards) {
    const record = archived.find((each) => each.device === device)?.record ?? {}
    const network: NetworkRef = await session.network.get_by_uuid(networkUuid, { signal })
    await session.VIF.create({
      device,
      network,
      VM: vm,
      MAC: mac ?? '',
      MTU: Number(textOf(record, 'MTU')) || 1500,
      other_config: mapOf(record, 'other_config'),
      qos_algorithm_type: textOf(record, 'qos_algorithm_type'),
      qos_algorithm_params: mapOf(record, 'qos_algorithm_params'),
      locking_mode: (textOf(record, 'locking_mode') || 'network_default') as VifLockingMode,
      ipv4_allowed: listOf(record, 'ipv4_allowed'),
      ipv6_allowed: listOf(record, 'ipv6_allowed'),
    })
  }
}

function theVm({ objects }: Archive): ArchivedObject {
  const vms = objects.filter((each) => each.class === 'VM' && each.record['is_control_domain'] !== true)
  const vm = vms.find(({ record }) => record['is_a_snapshot'] !== true)
  if (vm === undefined) throw new EngineError('ENGINE_POINT_DAMAGED', 'the VM settings of the restore point name no VM')
  return vm
}

function cardsOf(archive: Archive) {
  const byId = new Map(archive.objects.map((each) => [each.id, each]))
  return listOf(theVm(archive).record, 'VIFs').flatMap((id) => {
    const card = byId.get(id)
    if (card === undefined) return []
    const { record } = card
    return [
      {
        device: textOf(record, 'device'),
        mac: textOf(record, 'MAC'),
        network: byId.get(textOf(record, 'network')),
        record,
      },
    ]
  })
}

/** What a pool has for a VM that is to come. */
export async function targetFacts(session: Session, signal?: AbortSignal): Promise<TargetFacts> {
  const [networks, srs, vifs, vms, hosts, metrics] = await Promise.all([
    session.network.get_all_records({ signal }),
    session.SR.get_all_records({ signal }),
    session.VIF.get_all_records({ signal }),
    session.VM.get_all_records({ signal }),
    session.host.get_all_records({ signal }),
    session.host_metrics.get_all_records({ signal }),
  ])
  const owner = (vm: VmRef): string => Object.entries(vms).find(([ref]) => ref === vm)?.[1].name_label ?? ''
  const isShown = ({ other_config: config }: { other_config: Readonly<Record<string, string>> }) =>
    config['is_guest_installer_network'] !== 'true' && config['is_host_internal_management_network'] !== 'true'
  return {
    networks: Object.values(networks)
      .filter(isShown)
      .map(({ uuid, name_label: name }) => ({ uuid, name })),
    storages: Object.values(srs)
      .filter(({ content_type: content, type }) => content !== 'iso' && type !== 'udev' && type !== 'iso')
      .map((sr) => ({
        uuid: sr.uuid,
        name: sr.name_label,
        type: sr.type,
        ...(sr.physical_size > 0 && { free: bytes(Math.max(0, sr.physical_size - sr.physical_utilisation)) }),
      })),
    macs: new Map(
      Object.values(vifs)
        .filter(({ VM }) => vms[VM]?.is_a_snapshot === false)
        .map(({ MAC, VM }) => [MAC.toLowerCase(), owner(VM)]),
    ),
    vms: new Set(Object.values(vms).map(({ uuid }) => uuid)),
    hosts: Object.values(hosts).map((host) => ({
      name: host.name_label,
      cpus: Number(host.cpu_info['cpu_count'] ?? 0),
      memory: bytes(metrics[host.metrics]?.memory_total ?? 0),
    })),
  }
}
