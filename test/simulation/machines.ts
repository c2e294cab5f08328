import { CBT_BLOCK } from '@tidemark/blocks'
import { LabError, type Lab } from '@tidemark/lab'
import { isFailure, type Session, type SrRef, type VdiRef, type VmRef } from '@tidemark/xenapi'
import type { Random } from '../support/random.ts'

/** A disk as a guest knows it: `data` is what it must read as. */
export interface SimDisk {
  readonly uuid: string
  readonly ref: VdiRef
  readonly userdevice: string
  readonly sr: SrRef
  data: Buffer
}

/** What an administrator froze, to go back to. */
interface Frozen {
  readonly ref: VmRef
  readonly data: ReadonlyMap<string, Buffer>
}

export interface SimVm {
  readonly uuid: string
  readonly ref: VmRef
  readonly name: string
  disks: SimDisk[]
  frozen: Frozen | undefined
}

/** The VMs of a pool with what their disks must hold, and what guests and administrators do to them. */
export class Machines {
  readonly all: SimVm[] = []
  readonly #lab: Lab
  readonly #admin: Session
  readonly #canTrack: boolean
  #made = 0

  /** @param canTrack whether the pool tracks changed blocks */
  constructor(lab: Lab, admin: Session, canTrack: boolean) {
    this.#lab = lab
    this.#admin = admin
    this.#canTrack = canTrack
  }

  async create(random: Random): Promise<void> {
    const name = `vm${this.all.length}`
    const disks = Array.from({ length: random.pick([1, 1, 1, 2, 3]) }, () => ({
      size: (1 + random.int(8)) * CBT_BLOCK,
      tracked: random.chance(50) && this.#canTrack,
    }))
    const made = await this.#lab.control.createVm({ name, disks, running: random.chance(50) })
    const vm: SimVm = { uuid: made.uuid, ref: made.ref as VmRef, name, disks: [], frozen: undefined }
    this.all.push(vm)
    await this.#look(vm, new Map())
    for (const disk of vm.disks) await this.write(disk, random)
  }

  /** What each disk of a VM holds now, by UUID. */
  contentsOf(uuid: string): ReadonlyMap<string, Buffer> {
    const vm = this.all.find((each) => each.uuid === uuid)
    return new Map(vm?.disks.map((disk) => [disk.uuid, Buffer.from(disk.data)]))
  }

  /** A guest writes: whole blocks, parts of them, noise, text and zeros. */
  async write(disk: SimDisk, random: Random): Promise<void> {
    for (let left = 1 + random.int(3); left > 0; left--) {
      const blocks = disk.data.length / CBT_BLOCK
      const [block, isWhole] = [random.int(blocks), random.chance(50)]
      const from = block * CBT_BLOCK + (isWhole ? 0 : 512 * random.int(64))
      const length = Math.min(
        isWhole ? CBT_BLOCK * (1 + random.int(2)) : 512 * (1 + random.int(40)),
        disk.data.length - from,
      )
      const bytes = this.#content(length, random)
      try {
        await this.#lab.control.writeDisk(disk.uuid, from, bytes)
        disk.data.set(bytes, from)
      } catch (error) {
        if (!(error instanceof LabError)) throw error // a full SR is the guest's trouble: what it meant to write is not there
      }
    }
  }

  /** No two writes are alike, but for zeros. */
  #content(length: number, random: Random): Buffer {
    if (random.chance(15)) return Buffer.alloc(length)
    const seed = Buffer.from(random.bytes(random.chance(50) ? 16 : 2048))
    seed.writeUInt32BE(++this.#made)
    return Buffer.alloc(length, seed)
  }

  /** Something that happens to a VM between two runs. @returns what it was, for the trace */
  async live(vm: SimVm, random: Random): Promise<string> {
    const [name, act] = random.pick(EVENTS)
    return `${vm.name}: ${name}${(await act(this, vm, random)) ? '' : ' (not possible now)'}`
  }

  async grow(vm: SimVm, random: Random): Promise<boolean> {
    if (!(await this.#isHalted(vm))) return false
    const disk = random.pick(vm.disks)
    const size = disk.data.length + (1 + random.int(3)) * CBT_BLOCK
    try {
      await this.#admin.VDI.resize(disk.ref, size)
    } catch (error) {
      if (isFailure(error, 'VDI_IN_USE')) return false // a killed run's connection is not taken down yet
      throw error
    }
    disk.data = Buffer.concat([disk.data, Buffer.alloc(size - disk.data.length)])
    return true
  }

  async add(vm: SimVm, random: Random): Promise<boolean> {
    if (vm.disks.length > 3) return false
    const ref = await this.#admin.VDI.create({
      SR: random.pick(vm.disks).sr,
      name_label: `${vm.name} added`,
      virtual_size: (1 + random.int(4)) * CBT_BLOCK,
      type: 'user',
      sharable: false,
      read_only: false,
      other_config: {},
    })
    await this.#plug(vm, ref, String(Math.max(...vm.disks.map(({ userdevice }) => Number(userdevice))) + 1))
    await this.#look(vm, new Map())
    return true
  }

  async remove(vm: SimVm, random: Random): Promise<boolean> {
    if (vm.disks.length < 2 || vm.frozen !== undefined || !(await this.#isHalted(vm))) return false
    const disk = random.pick(vm.disks)
    await this.#unplug(disk)
    vm.disks = vm.disks.filter((each) => each !== disk)
    await this.#admin.VDI.destroy(disk.ref)
    return true
  }

  /** Copies a disk to another SR, and puts the copy in its place. */
  async move(vm: SimVm, random: Random): Promise<boolean> {
    if (vm.frozen !== undefined || !(await this.#isHalted(vm))) return false
    const disk = random.pick(vm.disks)
    const others = Object.entries(await this.#admin.SR.get_all_records()).filter(
      ([ref, { content_type: content, type }]) =>
        ref !== disk.sr && content !== 'iso' && type !== 'udev' && type !== 'iso',
    )
    const to = random.maybe(others)
    if (to === undefined) return false
    const copy = await this.#admin.VDI.copy(disk.ref, to[0] as SrRef)
    await this.#unplug(disk)
    await this.#plug(vm, copy, disk.userdevice)
    await this.#admin.VDI.destroy(disk.ref)
    await this.#look(vm, new Map([[disk.userdevice, disk.data]]))
    return true
  }

  async freeze(vm: SimVm): Promise<boolean> {
    if (vm.frozen !== undefined) return false
    const data = new Map(vm.disks.map(({ userdevice, data: now }) => [userdevice, Buffer.from(now)]))
    vm.frozen = { ref: await this.#admin.VM.snapshot(vm.ref, `before the update of ${vm.name}`), data }
    return true
  }

  async revert(vm: SimVm): Promise<boolean> {
    if (vm.frozen === undefined) return false
    const before = vm.disks
    await this.#admin.VM.revert(vm.frozen.ref)
    vm.disks = []
    await this.#look(vm, vm.frozen.data)
    for (const { ref, userdevice } of before) if (!vm.frozen.data.has(userdevice)) await this.#admin.VDI.destroy(ref) // it only lost its drive
    return true
  }

  async power(vm: SimVm): Promise<boolean> {
    if (await this.#isHalted(vm)) await this.#admin.VM.start(vm.ref, false, false)
    else await this.#admin.VM.hard_shutdown(vm.ref)
    return true
  }

  async untrack(vm: SimVm, random: Random): Promise<boolean> {
    const { uuid, ref } = random.pick(vm.disks)
    if (!(await this.#admin.VDI.get_cbt_enabled(ref))) return false
    if (random.chance(50)) await this.#lab.control.disableCbtBehind(uuid)
    else await this.#lab.control.breakTracking(uuid)
    return true
  }

  async expire(): Promise<boolean> {
    await this.#lab.control.expireSessions()
    return true
  }

  async scribble(vm: SimVm, random: Random): Promise<boolean> {
    for (const disk of vm.disks) if (random.chance(60)) await this.write(disk, random)
    return true
  }

  async #isHalted(vm: SimVm): Promise<boolean> {
    return (await this.#admin.VM.get_power_state(vm.ref)) === 'Halted'
  }

  async #unplug(disk: SimDisk): Promise<void> {
    await freeDisk(this.#admin, disk.ref)
    for (const vbd of await this.#admin.VDI.get_VBDs(disk.ref)) await this.#admin.VBD.destroy(vbd)
  }

  async #plug(vm: SimVm, VDI: VdiRef, userdevice: string): Promise<void> {
    await this.#admin.VBD.create({
      VM: vm.ref,
      VDI,
      userdevice,
      bootable: false,
      mode: 'RW',
      type: 'Disk',
      unpluggable: true,
      empty: false,
      other_config: {},
      qos_algorithm_type: '',
      qos_algorithm_params: {},
    })
  }

  /** Takes the VM's disks as the pool has them; their contents from what is known, or zeros. */
  async #look(vm: SimVm, known: ReadonlyMap<string, Buffer>): Promise<void> {
    const disks: SimDisk[] = []
    for (const ref of await this.#admin.VM.get_VBDs(vm.ref)) {
      const { VDI, type, empty, userdevice } = await this.#admin.VBD.get_record(ref)
      if (type !== 'Disk' || empty) continue
      const { uuid, virtual_size: size, SR: sr } = await this.#admin.VDI.get_record(VDI)
      const same = vm.disks.find((disk) => disk.uuid === uuid)
      disks.push(same ?? { uuid, ref: VDI, userdevice, sr, data: known.get(userdevice) ?? Buffer.alloc(size) })
    }
    vm.disks = disks.map((disk) => ({ ...disk, data: Buffer.from(disk.data) }))
  }
}

/** Takes away what the control domain keeps of a disk since a run of ours was killed, as an administrator does; it may let go by itself meanwhile. */
export async function freeDisk(admin: Session, vdi: VdiRef): Promise<void> {
  for (const vbd of await admin.VDI.get_VBDs(vdi)) {
    try {
      const { currently_attached: isAttached, VM } = await admin.VBD.get_record(vbd)
      if (!(await admin.VM.get_is_control_domain(VM))) continue
      if (isAttached) await admin.VBD.unplug(vbd)
      await admin.VBD.destroy(vbd)
    } catch (error) {
      if (!isFailure(error, 'HANDLE_INVALID')) throw error
    }
  }
}

type Act = (machines: Machines, vm: SimVm, random: Random) => Promise<boolean>

const write: readonly [string, Act] = ['writes', (all, vm, random) => all.scribble(vm, random)]

const EVENTS: readonly (readonly [string, Act])[] = [
  ...Array.from({ length: 9 }, () => write),
  ['a disk grows', (all, vm, random) => all.grow(vm, random)],
  ['a disk is added', (all, vm, random) => all.add(vm, random)],
  ['a disk is removed', (all, vm, random) => all.remove(vm, random)],
  ['a disk moves to another SR', (all, vm, random) => all.move(vm, random)],
  ['an administrator takes a snapshot', (all, vm) => all.freeze(vm)],
  ['reverted', (all, vm) => all.revert(vm)],
  ['switched on or off', (all, vm) => all.power(vm)],
  ['tracking breaks or is switched off', (all, vm, random) => all.untrack(vm, random)],
  ['sessions expire', (all) => all.expire()],
]
