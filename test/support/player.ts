import { setTimeout as sleep } from 'node:timers/promises'
import type { LabControl } from '@tidemark/lab'
import {
  isFailure,
  login,
  type Credentials,
  type PoolAddress,
  type Session,
  type SrRef,
  type VdiRef,
  type VmRef,
} from '@tidemark/xenapi'
import type { Random } from './random.ts'
import { Shadow } from './shadow.ts'

/** A disk that a player made, with what it must hold. */
export interface OwnDisk {
  readonly ref: VdiRef
  readonly uuid: string
  /** metadata: data_destroy left only its log. */
  kind: 'disk' | 'snapshot' | 'metadata'
  /** What a snapshot was taken of. */
  readonly of: VdiRef | undefined
  readonly shadow: Shadow
}

/** Something that must never happen; the run goes on, and reports it. */
export class Finding extends Error {
  override readonly name = 'Finding'
}

export interface PlayerOptions {
  /** Every object of a player has this name, so that it is found again whatever became of the call that made it. */
  readonly name: string
  readonly pool: PoolAddress
  readonly credentials: Credentials
  readonly control: LabControl
  readonly random: Random
  readonly api: 'json' | 'xml'
  readonly vms: number
  /** Disks of each VM at the beginning. */
  readonly disks: number
}

/** Bytes of a new disk: a few of the SR's grains. */
const GRAIN = 2 * 1024 * 1024

/**
 * One client of the pool, with VMs and disks of its own. It does one thing after the other, so that it knows what its disks
 * hold; other players may get in its way, but write to nothing that is not theirs.
 */
export class Player implements AsyncDisposable {
  readonly name: string
  readonly control: LabControl
  readonly random: Random
  readonly options: PlayerOptions
  readonly disks = new Map<VdiRef, OwnDisk>()
  /** Those that can be started. */
  readonly vms = new Set<VmRef>()
  readonly snapshots = new Set<VmRef>()
  /** What `system.listMethods` answered. */
  methods: ReadonlySet<string> = new Set()
  #session: Session

  private constructor(options: PlayerOptions, session: Session) {
    this.options = options
    this.name = options.name
    this.control = options.control
    this.random = options.random
    this.#session = session
  }

  static async open(options: PlayerOptions): Promise<Player> {
    const player = new Player(options, await logIn(options))
    player.methods = new Set((await player.session.call('system.listMethods', [])) as string[])
    for (let n = 0; n < options.vms; n++) await player.#makeVm()
    return player
  }

  get session(): Session {
    return this.#session
  }

  async #makeVm(): Promise<void> {
    const { name, random, control } = this
    const disks = Array.from({ length: this.options.disks }, () => ({
      name,
      size: GRAIN * (1 + random.int(3)),
      tracked: random.chance(60),
    }))
    const made = await control.createVm({ name, disks, running: random.chance(50) })
    this.vms.add(made.ref as VmRef)
    for (const { ref, uuid, size } of made.disks) {
      const own: OwnDisk = { ref: ref as VdiRef, uuid, kind: 'disk', of: undefined, shadow: new Shadow(size) }
      this.disks.set(own.ref, own)
    }
  }

  /** Calls that may be made either way, by themselves or as a task that is waited for. */
  calls(): Pick<Session, 'VDI' | 'VM' | 'VBD'> {
    // the members that are used have the same parameters on both sides
    return this.random.chance(50) ? this.session : (this.session.Async as unknown as Session)
  }

  /** A new login; the old session is logged out. */
  async relogin(): Promise<void> {
    const old = this.#session
    this.#session = await logIn(this.options)
    await old[Symbol.asyncDispose]()
  }

  ofKind(...kinds: readonly OwnDisk['kind'][]): OwnDisk[] {
    return [...this.disks.values()].filter(({ kind }) => kinds.includes(kind))
  }

  /** A disk that came into being with this content. */
  async adopt(ref: VdiRef, kind: OwnDisk['kind'], shadow: Shadow, of?: VdiRef): Promise<OwnDisk> {
    const own: OwnDisk = { ref, uuid: await this.session.VDI.get_uuid(ref), kind, of, shadow }
    this.disks.set(ref, own)
    return own
  }

  /** The VM's disks by slot. */
  async slots(vm: VmRef): Promise<ReadonlyMap<string, VdiRef>> {
    const slots = new Map<string, VdiRef>()
    for (const vbd of await this.session.VM.get_VBDs(vm)) {
      const { type, empty, userdevice, VDI } = await this.session.VBD.get_record(vbd)
      if (type === 'Disk' && !empty) slots.set(userdevice, VDI)
    }
    return slots
  }

  /** The disks of a VM that was made from another, slot by slot. */
  async adoptVm(vm: VmRef, before: ReadonlyMap<string, VdiRef>, kind: 'disk' | 'snapshot'): Promise<void> {
    for (const [slot, vdi] of await this.slots(vm)) {
      const original = before.get(slot)
      const source = original === undefined ? undefined : this.disks.get(original)
      if (source === undefined) throw new Finding(`slot ${slot} of the copy ${vm} has no original`)
      if (!this.disks.has(vdi))
        await this.adopt(vdi, kind, source.shadow.copy(), kind === 'snapshot' ? original : undefined)
    }
  }

  /**
   * Looks what there really is after a call whose outcome is unknown: what is gone is forgotten, and on request what the call
   * made before it broke off is removed.
   */
  async resync({ remove }: { readonly remove: boolean }): Promise<void> {
    const { VDI, VM } = this.session
    const [vdis, vms] = [await VDI.get_by_name_label(this.name), await VM.get_by_name_label(this.name)]
    for (const vdi of this.disks.keys()) if (!vdis.includes(vdi)) this.disks.delete(vdi)
    for (const set of [this.vms, this.snapshots]) for (const vm of set) if (!vms.includes(vm)) set.delete(vm)
    if (!remove) return
    for (const vm of vms.filter((each) => !this.vms.has(each) && !this.snapshots.has(each))) {
      await this.#gone(() => this.#removeVm(vm))
    }
    for (const vdi of vdis.filter((each) => !this.disks.has(each))) await this.#gone(() => VDI.destroy(vdi))
  }

  async #removeVm(vm: VmRef): Promise<void> {
    const { VM } = this.session
    if ((await VM.get_power_state(vm)) !== 'Halted') await VM.hard_shutdown(vm)
    await VM.destroy(vm)
  }

  /** What is still busy has its turn next time. */
  async #gone(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!BUSY.some((code) => isFailure(error, code))) throw error
    }
  }

  /** Waits until no transfer holds the disk any more. @throws Finding when one never lets go */
  async released(vdi: VdiRef): Promise<void> {
    for (let tries = 0; tries < 150; tries++) {
      const held = await this.session.VDI.get_VBDs(vdi)
      const records = await Promise.all(held.map((vbd) => this.session.VBD.get_record(vbd).catch(ifGone)))
      const vms = records.flatMap((each) => (each === undefined ? [] : [each.VM]))
      const controls = await Promise.all(vms.map((vm) => this.session.VM.get_is_control_domain(vm).catch(ifGone)))
      if (!controls.includes(true)) return
      await sleep(100)
    }
    throw new Finding(`a control domain holds ${vdi} for 15 seconds after its transfer was broken off`)
  }

  /** Where new disks go. */
  async storage(): Promise<SrRef> {
    const [[, pool] = []] = Object.entries(await this.session.pool.get_all_records())
    if (pool === undefined) throw new Finding('there is no pool record')
    return pool.default_SR
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]()
  }
}

const BUSY = [
  'VDI_IN_USE',
  'HANDLE_INVALID',
  'OTHER_OPERATION_IN_PROGRESS',
  'TASK_CANCELLED',
  'VM_BAD_POWER_STATE',
] as const

/** Others may remove what is being looked at. */
function ifGone(error: unknown): undefined {
  if (!isFailure(error, 'HANDLE_INVALID')) throw error
}

/** A machine with too much to do is no finding. */
const PATIENCE = { connectTimeoutMs: 120_000, callTimeoutMs: 300_000 } as const

const logIn = ({ pool, credentials, api }: PlayerOptions): Promise<Session> =>
  login(pool, credentials, { api, originator: 'soak', ...PATIENCE })
