import { action, refOf, uuidOf } from '../action.ts'
import { refused } from '../complaint.ts'
import type { Command, Job } from '../command.ts'
import { FORCE_NEEDED } from './vm.ts'

export const networkCommands: readonly Command[] = [
  {
    name: 'network-create',
    required: ['name-label'],
    optional: ['name-description', 'MTU', 'bridge', 'managed'],
    help: 'Make a network and print its uuid.',
    run: create,
  },
  action('network-destroy', 'network', { help: 'Destroy a network.' }, ({ session, signal }, network) =>
    session.Async.network.destroy(network, { signal }),
  ),
  action('vif-plug', 'VIF', { help: 'Attach a network card to its running VM.' }, ({ session, signal }, vif) =>
    session.Async.VIF.plug(vif, { signal }),
  ),
  {
    name: 'vif-create',
    required: ['device', 'network-uuid', 'vm-uuid'],
    optional: ['mac'],
    help: 'Give a VM a network card and print its uuid; without a MAC address, or with mac=random, the server makes one.',
    run: createVif,
  },
  action(
    'vif-unplug',
    'VIF',
    { help: 'Detach a network card from its running VM.', optional: ['force'] },
    ({ session, signal }, vif, { params }) =>
      params.flag('force')
        ? session.Async.VIF.unplug_force(vif, { signal })
        : session.Async.VIF.unplug(vif, { signal }),
  ),
  action('vif-destroy', 'VIF', { help: 'Take a network card from a VM.' }, ({ session, signal }, vif) =>
    session.Async.VIF.destroy(vif, { signal }),
  ),
  action(
    'vtpm-destroy',
    'VTPM',
    { help: 'Destroy a virtual TPM and what it holds. Needs --force.', optional: ['force'] },
    ({ session, signal }, vtpm, { params }) => {
      if (!params.flag('force')) throw refused(FORCE_NEEDED)
      return session.Async.VTPM.destroy(vtpm, { signal })
    },
  ),
]

async function create({ pool, params, printer }: Job): Promise<void> {
  const mtu = Number(params.find('MTU') ?? '1500')
  if (!Number.isSafeInteger(mtu)) throw refused("Failed to parse parameter 'MTU': expecting an integer")
  const network = await pool.session.Async.network.create(
    {
      name_label: params.need('name-label'),
      name_description: params.find('name-description') ?? '',
      MTU: mtu,
      bridge: params.find('bridge') ?? '',
      managed: params.flag('managed', true),
      other_config: {},
      tags: [],
    },
    { signal: pool.signal },
  )
  printer.list([await uuidOf(pool, 'network', network)])
}

async function createVif({ pool, params, printer }: Job): Promise<void> {
  const mac = params.find('mac') ?? 'random'
  const network = await refOf(pool, 'network', params.need('network-uuid'))
  const mtu = await pool.session.network.get_MTU(network, { signal: pool.signal })
  const vif = await pool.session.Async.VIF.create(
    {
      device: params.need('device'),
      network,
      VM: await refOf(pool, 'VM', params.need('vm-uuid')),
      MAC: mac === 'random' ? '' : mac,
      MTU: mtu,
      other_config: {},
      qos_algorithm_type: '',
      qos_algorithm_params: {},
    },
    { signal: pool.signal },
  )
  printer.list([await uuidOf(pool, 'VIF', vif)])
}
