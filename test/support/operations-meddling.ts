import { request } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeJsonCall } from '@tidemark/xenapi/codec'
import { isFailure, type VbdConstructor, type VbdRef } from '@tidemark/xenapi'
import type { Operations, Played } from './operations.ts'
import { Finding, type OwnDisk, type Player } from './player.ts'

/** Somebody else was faster. */
const GONE = ['HANDLE_INVALID'] as const
const POWER = ['VM_BAD_POWER_STATE', 'VDI_IN_USE', ...GONE] as const
const NO_LOG = ['SR_BACKEND_FAILURE_459', 'SR_BACKEND_FAILURE_460', 'VDI_IN_USE', ...GONE] as const

/** What a player does to others, and to itself. */
export const meddlingOperations: Operations = {
  'cancel a task of anybody': { weight: 2, plausible: [...GONE, 'OPERATION_NOT_ALLOWED'], play: cancelTask },
  'a task of its own': { weight: 2, plausible: GONE, play: ownTask },
  "another's VM switched": { weight: 2, plausible: POWER, play: switchOther },
  "another's disk attached": {
    weight: 2,
    // the disk may have lost its data since it was chosen
    plausible: [...POWER, 'DEVICE_ALREADY_DETACHED', 'DISK_VBD_MUST_BE_READWRITE_FOR_HVM', 'VDI_INCOMPATIBLE_TYPE'],
    play: borrow,
  },
  "another's tracking switched": { weight: 1, plausible: GONE, play: trackOther },
  "another's changes listed": { weight: 2, plausible: NO_LOG, play: listOther },
  'call broken off': { weight: 3, plausible: [], play: hangUp },
  'call aborted': { weight: 2, plausible: ['VM_BAD_POWER_STATE'], breaks: ['XENAPI_TASK'], play: abort },
  'login anew': { weight: 1, plausible: [], play: (player) => player.relogin().then(() => 'done') },
  'session ends': { weight: 1, plausible: [], play: endSession },
  'fields set': { weight: 4, plausible: ['MAP_DUPLICATE_KEY'], play: setFields },
  events: { weight: 2, plausible: [], play: listen },
}

async function cancelTask({ session: { task }, random }: Player): Promise<Played> {
  const ref = random.maybe(await task.get_all())
  if (ref === undefined) return 'skipped'
  await task.cancel(ref)
  return 'done'
}

/** Stays pending when the player's session ends in between: nobody else ends it. */
export const OWN_TASK = 'a task of its own'

async function ownTask({ session: { task }, name }: Player): Promise<Played> {
  const ref = await task.create(OWN_TASK, name)
  // the collector removes what has ended as soon as there are too many
  await task.set_progress(ref, 0.5)
  await task.set_status(ref, 'success')
  await task.destroy(ref)
  return 'done'
}

async function switchOther(player: Player, others: readonly Player[]): Promise<Played> {
  const vm = player.random.maybe([...(player.random.maybe(others)?.vms ?? [])])
  if (vm === undefined) return 'skipped'
  const { VM } = player.calls()
  if (player.random.chance(50)) await VM.start(vm, false, false)
  else await VM.hard_shutdown(vm)
  return 'done'
}

const disksOf = (other: Player | undefined, ...kinds: readonly OwnDisk['kind'][]): OwnDisk[] =>
  other === undefined ? [] : other.ofKind(...kinds)

/** A disk of somebody else's, for a moment; nothing is written to it. */
async function borrow(player: Player, others: readonly Player[]): Promise<Played> {
  const vm = player.random.maybe([...player.vms])
  const disk = player.random.maybe(disksOf(player.random.maybe(others), 'disk', 'snapshot'))
  if (vm === undefined || disk === undefined) return 'skipped'
  const record: VbdConstructor = {
    VM: vm,
    VDI: disk.ref,
    userdevice: 'autodetect',
    bootable: false,
    mode: player.random.chance(70) ? 'RW' : 'RO',
    type: 'Disk',
    empty: false,
    other_config: {},
    qos_algorithm_type: '',
    qos_algorithm_params: {},
  }
  const vbd = await player.session.VBD.create(record)
  try {
    await player.session.VBD.plug(vbd)
    await sleep(player.random.int(20))
  } finally {
    await giveBack(player, vbd)
  }
  return 'done'
}

/** Others cancel tasks and switch VMs: it may take several tries. */
async function giveBack(player: Player, vbd: VbdRef): Promise<void> {
  for (let tries = 0; tries < 20; tries++) {
    const { VBD } = player.session
    try {
      if (await VBD.get_currently_attached(vbd)) await VBD.unplug(vbd)
      return await VBD.destroy(vbd)
    } catch (error) {
      if (isFailure(error, 'HANDLE_INVALID')) return
      if (isFailure(error, 'SESSION_INVALID')) await player.relogin()
      await sleep(50)
    }
  }
  throw new Finding(`the VBD ${vbd} cannot be removed`)
}

async function trackOther(player: Player, others: readonly Player[]): Promise<Played> {
  const disk = player.random.maybe(disksOf(player.random.maybe(others), 'disk'))
  if (disk === undefined) return 'skipped'
  const { VDI } = player.calls()
  if (player.random.chance(30)) await VDI.disable_cbt(disk.ref)
  else await VDI.enable_cbt(disk.ref)
  return 'done'
}

/** Any two disks, mostly unrelated. */
async function listOther(player: Player, others: readonly Player[]): Promise<Played> {
  const disks = disksOf(player.random.maybe(others), 'disk', 'snapshot', 'metadata')
  const [from, to] = [player.random.maybe(disks), player.random.maybe(disks)]
  if (from === undefined || to === undefined) return 'skipped'
  await player.calls().VDI.list_changed_blocks(from.ref, to.ref)
  return 'done'
}

/** Sends a call and cuts the connection; whether the call took place shows later. */
async function hangUp(player: Player): Promise<Played> {
  const vm = player.random.maybe([...player.vms])
  const disk = player.random.maybe(player.ofKind('disk'))
  if (vm === undefined || disk === undefined) return 'skipped'
  const [method, params] = player.random.pick([
    ['VM.snapshot', [vm, player.name]],
    ['VM.clone', [vm, player.name]],
    ['VDI.snapshot', [disk.ref]],
    ['VDI.clone', [disk.ref]],
    ['VM.get_all_records', []],
    ['event.from', [['*'], '', 30]],
  ] as const)
  const body = encodeJsonCall({ version: 2, method, params: [player.session.ref, ...params], id: 1 })
  const { promise, resolve } = Promise.withResolvers<void>()
  // whom we talk to is not in question, and nothing is believed that comes back
  const sent = request(`${player.session.url}/jsonrpc`, { method: 'POST', agent: false, rejectUnauthorized: false })
  sent.once('close', resolve)
  sent.on('error', () => sent.destroy())
  sent.end(body)
  await sleep(player.random.int(60))
  sent.destroy()
  await promise
  await player.resync({ remove: true })
  return 'done'
}

async function abort(player: Player): Promise<Played> {
  const vm = player.random.maybe([...player.vms])
  if (vm === undefined) return 'skipped'
  const signal = AbortSignal.timeout(1 + player.random.int(50))
  try {
    const made = await player.session.Async.VM.snapshot(vm, player.name, { signal })
    player.snapshots.add(made)
    await player.adoptVm(made, await player.slots(vm), 'snapshot')
  } catch (error) {
    if (error !== signal.reason) throw error
    await player.resync({ remove: true })
  }
  return 'done'
}

/** Behind its own back: the next call finds out. */
async function endSession(player: Player): Promise<Played> {
  await player.session.call('session.logout', [])
  return 'done'
}

async function setFields(player: Player): Promise<Played> {
  const { VDI, VM } = player.session
  const disk = player.random.maybe([...player.disks.values()])
  const vm = player.random.maybe([...player.vms])
  if (disk === undefined || vm === undefined) return 'skipped'
  const key = `stress:${player.random.int(3)}`
  await VDI.remove_from_other_config(disk.ref, key)
  await VDI.add_to_other_config(disk.ref, key, String(player.random.int(1000)))
  await VM.set_name_description(vm, `step ${player.random.int(1000)} <&>"é\u{1F4BE}`)
  await VM.add_tags(vm, key)
  await VM.remove_tags(vm, key)
  return 'done'
}

async function listen(player: Player): Promise<Played> {
  const { event } = player.session
  const first = await event.from(['vdi', 'vm'], '', 0.1)
  const second = await event.from(['vdi', 'vm'], first.token, 0.5)
  return second.token >= first.token ? 'done' : Promise.reject(new Finding('the token of events went back'))
}
