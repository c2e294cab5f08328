import { setTimeout as sleep } from 'node:timers/promises'
import { isFailure, NULL_REF, type VbdMode, type VbdRef, type VbdType, type VdiRef } from '@tidemark/xenapi'
import { action, refOf, uuidOf } from '../action.ts'
import { refused } from '../complaint.ts'
import type { Command, Job } from '../command.ts'
import type { Params } from '../params.ts'

export const storageCommands: readonly Command[] = [
  {
    name: 'vbd-create',
    required: ['vm-uuid', 'device'],
    optional: ['vdi-uuid', 'bootable', 'type', 'mode', 'unpluggable'],
    help: "Give a VM a drive and print its uuid. 'type' is Disk, CD or Floppy, 'mode' RO or RW; without a disk it is an empty CD drive.",
    run: createVbd,
  },
  action('vbd-destroy', 'VBD', { help: 'Take a drive from a VM; its disk stays.' }, ({ session, signal }, vbd) =>
    session.Async.VBD.destroy(vbd, { signal }),
  ),
  action('vbd-plug', 'VBD', { help: 'Attach a drive to its running VM.' }, ({ session, signal }, vbd) =>
    session.Async.VBD.plug(vbd, { signal }),
  ),
  action(
    'vbd-unplug',
    'VBD',
    {
      help: "Detach a drive from its running VM; 'timeout' is how many seconds it may take.",
      optional: ['timeout', 'force'],
    },
    unplug,
  ),
  action('vbd-eject', 'VBD', { help: 'Take the CD out of a drive.' }, ({ session, signal }, vbd) =>
    session.Async.VBD.eject(vbd, { signal }),
  ),
  action(
    'vbd-insert',
    'VBD',
    { help: 'Put a CD into an empty drive.', required: ['vdi-uuid'] },
    async (pool, vbd, { params }) =>
      pool.session.Async.VBD.insert(vbd, await refOf(pool, 'VDI', params.need('vdi-uuid')), { signal: pool.signal }),
  ),
  action(
    'sr-scan',
    'SR',
    { help: 'Compare the disks of a storage with what the pool knows of it.' },
    ({ session, signal }, sr) => session.Async.SR.scan(sr, { signal }),
  ),
  action('pbd-plug', 'PBD', { help: 'Attach a storage to a host.' }, ({ session, signal }, pbd) =>
    session.Async.PBD.plug(pbd, { signal }),
  ),
  action('pbd-unplug', 'PBD', { help: 'Detach a storage from a host.' }, ({ session, signal }, pbd) =>
    session.Async.PBD.unplug(pbd, { signal }),
  ),
  action('task-cancel', 'task', { help: 'Ask a task to stop, and do not wait for it.' }, ({ session, signal }, task) =>
    session.task.cancel(task, { signal }),
  ),
]

async function createVbd({ pool, params, printer }: Job): Promise<void> {
  const vm = await refOf(pool, 'VM', params.need('vm-uuid'))
  const vdi = params.find('vdi-uuid')
  const vdiRef = vdi === undefined ? (NULL_REF as VdiRef) : await refOf(pool, 'VDI', vdi)
  const mode = choice<VbdMode>(params, 'mode', { ro: 'RO', rw: 'RW' }, 'RW')
  const type = choice<VbdType>(params, 'type', { cd: 'CD', disk: 'Disk', floppy: 'Floppy' }, 'Disk')
  if (type === 'Disk' && vdi === undefined) throw refused('Empty VBDs can only be made for type=CD')
  const vbd = await pool.session.Async.VBD.create(
    {
      VM: vm,
      VDI: vdiRef,
      userdevice: params.need('device'),
      bootable: params.flag('bootable'),
      mode,
      type,
      unpluggable: params.flag('unpluggable', true),
      empty: vdi === undefined,
      other_config: {},
      qos_algorithm_type: '',
      qos_algorithm_params: {},
    },
    { signal: pool.signal },
  )
  printer.list([await uuidOf(pool, 'VBD', vbd)])
}

function choice<Value>(params: Params, name: string, values: Readonly<Record<string, Value>>, byDefault: Value): Value {
  const text = params.find(name)
  if (text === undefined) return byDefault
  const value = values[text.toLowerCase()]
  if (value !== undefined) return value
  throw refused(
    `Unknown ${name}: ${text} (should be ${Object.keys(values)
      .map((word) => `"${word}"`)
      .join(' or ')})`,
  )
}

const POLL_MS = 5000

async function unplug({ session, signal }: Job['pool'], vbd: VbdRef, { params }: Job): Promise<void> {
  const timeout = Number(params.find('timeout') ?? '0')
  if (Number.isNaN(timeout)) throw refused("Failed to parse parameter 'timeout': expecting a float")
  const until = Date.now() + timeout * 1000
  try {
    await (params.flag('force')
      ? session.Async.VBD.unplug_force(vbd, { signal })
      : session.Async.VBD.unplug(vbd, { signal }))
  } catch (error) {
    if (!isFailure(error, 'DEVICE_DETACH_REJECTED')) throw error
    while (await session.VBD.get_currently_attached(vbd, { signal })) {
      if (Date.now() >= until) throw error
      await sleep(Math.min(POLL_MS, until - Date.now()), undefined, { signal })
    }
  }
}
