import { action, uuidOf } from '../action.ts'
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
