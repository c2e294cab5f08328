import type { Disk, Storage, Vm } from '../pool.ts'
import { Places } from './places.ts'

/** How much runs may do at once. Infinity for no limit. */
export interface LimitOptions {
  /** VMs that are backed up at once: while one is prepared or tidied, the other one's disks are read. */
  readonly vms: number
  /** Of those, VMs that run on one host. */
  readonly hostVms: number
  /** Disks that are read at once, over all VMs. Each holds up to some 40 MB of memory, and two NBD connections. */
  readonly disks: number
  /** Disks of one storage that are read at once. */
  readonly storageDisks: number
  /** Snapshots of VMs that are open on one storage at once, from before they are taken until their data are gone. */
  readonly storageSnapshots: number
}

export const limitDefaults: LimitOptions = {
  vms: 2,
  hostVms: Infinity,
  disks: 4,
  storageDisks: Infinity,
  storageSnapshots: Infinity,
}

/** What a run waits for before it goes on. */
export type Wait =
  | { readonly for: 'host'; readonly most: number }
  | { readonly for: 'snapshot'; readonly storages: readonly Storage[]; readonly most: number }
  | { readonly for: 'disk'; readonly disk: Disk }

/** Limits that runs of one process hold together. One for the runs of one pool. */
export class Limits {
  readonly options: LimitOptions
  readonly #vms: Places
  readonly #hostVms: Places
  readonly #snapshots: Places
  readonly #snapshooting = new Places(1)
  readonly #disks: Places
  readonly #storageDisks: Places

  constructor(options: Partial<LimitOptions> = {}) {
    this.options = { ...limitDefaults, ...options }
    this.#vms = new Places(this.options.vms)
    this.#hostVms = new Places(this.options.hostVms)
    this.#snapshots = new Places(this.options.storageSnapshots)
    this.#disks = new Places(this.options.disks)
    this.#storageDisks = new Places(this.options.storageDisks)
  }

  /** The right to begin with a VM. For whoever calls `backupVm` for several. */
  async vm({ host }: Vm, onWait: (wait: Wait) => void, signal: AbortSignal): Promise<Disposable> {
    using places = new DisposableStack()
    const tell = () => onWait({ for: 'host', most: this.#hostVms.most })
    places.use(await this.#hostVms.take(host === undefined ? [] : [host], tell, signal)) // before the other, as with disks
    places.use(await this.#vms.take([''], () => {}, signal))
    return places.move()
  }

  /** The right to one more open snapshot of these disks. */
  snapshot(disks: readonly Disk[], onWait: (wait: Wait) => void, signal: AbortSignal): Promise<Disposable> {
    const storages = [...new Map(disks.map(({ storage }) => [storage.uuid, storage])).values()]
    const tell = () => onWait({ for: 'snapshot', storages, most: this.#snapshots.most })
    return this.#snapshots.take(storagesOf(disks), tell, signal)
  }

  /** Counts a snapshot that is there already. */
  openSnapshot(disks: readonly Disk[]): Disposable {
    return this.#snapshots.occupy(storagesOf(disks))
  }

  /** Nobody else takes a snapshot on these storages meanwhile: how much room there is holds until ours is taken. */
  snapshooting(disks: readonly Disk[], signal: AbortSignal): Promise<Disposable> {
    return this.#snapshooting.take(storagesOf(disks), () => {}, signal)
  }

  /** The right to read a disk. */
  async disk(disk: Disk, onWait: (wait: Wait) => void, signal: AbortSignal): Promise<Disposable> {
    const tell = () => onWait({ for: 'disk', disk })
    using places = new DisposableStack()
    places.use(await this.#storageDisks.take([disk.storage.uuid], tell, signal)) // before the other: who has that waits for nothing
    places.use(await this.#disks.take([''], tell, signal))
    return places.move()
  }
}

const storagesOf = (disks: readonly Disk[]): readonly string[] => [...new Set(disks.map(({ storage }) => storage.uuid))]
