import { isFailure, type VbdConstructor, type VbdRef, type VmRef } from '@tidemark/xenapi'
import { isFull } from './operations-disk.ts'
import type { Operations, Played } from './operations.ts'
import type { Player } from './player.ts'

/** Others switch VMs on and off, and pause them. */
const POWER = ['VM_BAD_POWER_STATE'] as const
/** A disk of the VM is attached to another one by now. */
const BUSY = ['VDI_IN_USE'] as const

/** What a player does with its VMs. */
export const vmOperations: Operations = {
  'VM.snapshot': { weight: 5, plausible: POWER, play: snapshot },
  'VM.checkpoint': { weight: 1, needs: ['VM.checkpoint'], plausible: POWER, play: checkpoint },
  'VM.clone': { weight: 2, plausible: POWER, play: clone },
  'VM.copy': { weight: 1, needs: ['VM.copy'], plausible: [...POWER, ...BUSY], play: copy },
  // xapi says no more when a disk of the VM is attached somewhere else
  'VM.revert': { weight: 1, plausible: [...POWER, ...BUSY, 'VM_REVERT_FAILED'], play: revert },
  'VM.destroy': { weight: 4, plausible: POWER, play: destroy },
  'VM.start': { weight: 5, plausible: [...POWER, ...BUSY], play: start },
  'VM.shutdown': { weight: 4, plausible: POWER, play: shutDown },
  'VM.pause': { weight: 1, plausible: POWER, play: pause },
  'VM.suspend': { weight: 1, needs: ['VM.suspend', 'VM.resume'], plausible: [...POWER, ...BUSY], play: suspend },
  'VBD.create': { weight: 3, plausible: ['DEVICE_ALREADY_EXISTS'], play: attach },
  'VBD.plug': { weight: 3, plausible: [...POWER, ...BUSY, 'DEVICE_ALREADY_ATTACHED'], play: plug },
  'VBD.unplug': { weight: 3, plausible: [...POWER, 'DEVICE_ALREADY_DETACHED'], play: unplug },
  'VBD.destroy': { weight: 2, plausible: [...POWER, 'OPERATION_NOT_ALLOWED', 'DEVICE_ALREADY_DETACHED'], play: detach },
}

/** Players stay near the number of VMs they began with. */
const hasManyVms = ({ vms, snapshots, options }: Player): boolean => vms.size + snapshots.size >= options.vms * 2 + 2

async function snapshot(player: Player): Promise<Played> {
  const vm = player.random.maybe([...player.vms])
  if (vm === undefined || hasManyVms(player) || isFull(player)) return 'skipped'
  const before = await player.slots(vm)
  const [ignored] = player.random.chance(20) ? before.values() : []
  const { VM } = player.calls()
  const made =
    ignored === undefined ? await VM.snapshot(vm, player.name) : await VM.snapshot(vm, player.name, [ignored])
  player.snapshots.add(made)
  await player.adoptVm(made, before, 'snapshot')
  return 'done'
}

async function checkpoint(player: Player): Promise<Played> {
  const vm = player.random.maybe([...player.vms])
  if (vm === undefined || hasManyVms(player) || isFull(player)) return 'skipped'
  if (player.random.chance(90) && (await player.session.VM.get_power_state(vm)) !== 'Running') return 'skipped'
  const before = await player.slots(vm)
  const made = await player.calls().VM.checkpoint(vm, player.name)
  player.snapshots.add(made)
  await player.adoptVm(made, before, 'snapshot')
  return 'done'
}

async function clone(player: Player): Promise<Played> {
  const vm = player.random.maybe([...player.vms, ...player.snapshots])
  if (vm === undefined || hasManyVms(player) || isFull(player)) return 'skipped'
  const before = await player.slots(vm)
  const made = await player.calls().VM.clone(vm, player.name)
  await adoptCopy(player, vm, made)
  await player.adoptVm(made, before, 'disk')
  return 'done'
}

async function copy(player: Player): Promise<Played> {
  const vm = player.random.maybe([...player.vms])
  if (vm === undefined || hasManyVms(player) || isFull(player)) return 'skipped'
  const before = await player.slots(vm)
  const made = await player.calls().VM.copy(vm, player.name, await player.storage())
  await adoptCopy(player, vm, made)
  await player.adoptVm(made, before, 'disk')
  return 'done'
}

/** What is made of a template is one; it becomes a VM. */
async function adoptCopy(player: Player, source: VmRef, made: VmRef): Promise<void> {
  player.vms.add(made)
  if (player.snapshots.has(source)) await player.session.VM.set_is_a_template(made, false)
}

/** The VM's disks go, and clones of the snapshot's take their place. */
async function revert(player: Player): Promise<Played> {
  const snapshot = player.random.maybe([...player.snapshots])
  if (snapshot === undefined) return 'skipped'
  const vm = await player.session.VM.get_snapshot_of(snapshot)
  if (!player.vms.has(vm)) return 'skipped'
  const frozen = await player.slots(snapshot)
  await player.calls().VM.revert(snapshot)
  await player.resync({ remove: false })
  await player.adoptVm(vm, frozen, 'disk')
  return 'done'
}

async function destroy(player: Player): Promise<Played> {
  const vm = player.random.maybe([...(player.vms.size > player.options.vms ? player.vms : []), ...player.snapshots])
  if (vm === undefined) return 'skipped'
  if (player.vms.has(vm)) await halted(player, vm)
  await player.calls().VM.destroy(vm)
  player.vms.delete(vm)
  player.snapshots.delete(vm)
  return 'done'
}

async function halted({ session: { VM } }: Player, vm: VmRef): Promise<void> {
  if ((await VM.get_power_state(vm)) !== 'Halted') await VM.hard_shutdown(vm)
}

async function start(player: Player): Promise<Played> {
  const vm = player.random.maybe([...player.vms])
  if (vm === undefined) return 'skipped'
  await player.calls().VM.start(vm, player.random.chance(10), player.random.chance(50))
  return 'done'
}

async function shutDown(player: Player): Promise<Played> {
  const vm = player.random.maybe([...player.vms])
  if (vm === undefined) return 'skipped'
  const { VM } = player.calls()
  const how = player.random.pick(['clean_shutdown', 'hard_shutdown', 'hard_reboot', 'clean_reboot'] as const)
  await VM[how](vm)
  return 'done'
}

async function pause(player: Player): Promise<Played> {
  const vm = player.random.maybe([...player.vms])
  if (vm === undefined) return 'skipped'
  await player.calls().VM.pause(vm)
  await player.calls().VM.unpause(vm)
  return 'done'
}

async function suspend(player: Player): Promise<Played> {
  const vm = player.random.maybe([...player.vms])
  if (vm === undefined) return 'skipped'
  await player.calls().VM.suspend(vm)
  await player.calls().VM.resume(vm, false, false)
  return 'done'
}

/** A disk more for one of its VMs. */
async function attach(player: Player): Promise<Played> {
  const vm = player.random.maybe([...player.vms])
  const disk = player.random.maybe(player.ofKind('disk'))
  if (vm === undefined || disk === undefined) return 'skipped'
  const used = await player.session.VDI.get_VBDs(disk.ref)
  if (used.length > 1 || (await player.session.VM.get_VBDs(vm)).length > player.options.disks + 3) return 'skipped'
  const record: VbdConstructor = {
    VM: vm,
    VDI: disk.ref,
    userdevice: player.random.chance(70) ? 'autodetect' : String(player.random.int(10)),
    bootable: false,
    mode: 'RW',
    type: 'Disk',
    empty: false,
    other_config: {},
    qos_algorithm_type: '',
    qos_algorithm_params: {},
  }
  await player.calls().VBD.create(record)
  return 'done'
}

async function someVbd(player: Player): Promise<VbdRef | undefined> {
  const vm = player.random.maybe([...player.vms])
  return vm === undefined ? undefined : player.random.maybe(await player.session.VM.get_VBDs(vm))
}

async function plug(player: Player): Promise<Played> {
  const vbd = await someVbd(player)
  if (vbd === undefined) return 'skipped'
  await player.calls().VBD.plug(vbd)
  return 'done'
}

async function unplug(player: Player): Promise<Played> {
  const vbd = await someVbd(player)
  if (vbd === undefined) return 'skipped'
  await player.calls().VBD.unplug(vbd)
  return 'done'
}

/** Not the last one: VMs without disks are dull. */
async function detach(player: Player): Promise<Played> {
  const vm = player.random.maybe([...player.vms])
  const vbds = vm === undefined ? [] : await player.session.VM.get_VBDs(vm)
  const vbd = player.random.maybe(vbds)
  if (vbd === undefined || vbds.length < 2) return 'skipped'
  try {
    await player.calls().VBD.destroy(vbd)
  } catch (error) {
    if (!isFailure(error, 'OPERATION_NOT_ALLOWED')) throw error
    await player.calls().VBD.unplug(vbd)
  }
  return 'done'
}
