import type { Bitmap, Bytes, Extents } from '@tidemark/blocks'
import type { BootReport, BootSign } from './boot.ts'

/**
 * What the engine needs of a hypervisor pool. `engine/xen` implements it over XenAPI and NBD; tests bring a small one.
 * Every call that can wait takes a signal and throws its reason.
 */
export interface Pool {
  readonly identity: PoolIdentity
  /** All VMs that are no templates, snapshots or control domains, by name. */
  vms(signal?: AbortSignal): Promise<readonly Vm[]>
  /** What the pool knows of a snapshot that an earlier run left as base. */
  baseOf(disk: Disk, snapshotUuid: string, signal?: AbortSignal): Promise<BaseState>
  enableTracking(disk: Disk, signal?: AbortSignal): Promise<void>
  /** The VM's settings as `export_metadata` gives them, without snapshots. */
  exportMetadata(vm: Vm, signal?: AbortSignal): Promise<Uint8Array>
  /** One snapshot of the whole VM. It is undone on disposal unless `keepAsBase` was called. */
  snapshot(vm: Vm, options: SnapshotOptions, signal?: AbortSignal): Promise<VmSnapshot>
  /** A snapshot that an earlier run took and left whole; undefined when it is not that any more. Disposal as of a new one. */
  reopenSnapshot(vm: Vm, left: LeftSnapshot, signal?: AbortSignal): Promise<VmSnapshot | undefined>
  /** All that is marked as ours, and what carries one of these names, marked or not. */
  leftovers(names: ReadonlySet<string>, signal?: AbortSignal): Promise<readonly Leftover[]>
  /** Drops the data of a left snapshot and keeps its tracking as base of `point`, as its run would have done. */
  finishLeftover(leftover: Leftover, point: string): Promise<void>
  /** Removes one, a snapshot with its disks. One that is gone already is as good. */
  removeLeftover(leftover: Leftover): Promise<void>
  /** Destroys what earlier runs into this repository left of the disk: old bases, and copies they could not tidy. Not `keep`. */
  dropOldBases(disk: Disk, repositoryId: string, keep: string): Promise<void>
  /** Whether a disk's snapshot is there, and has its data and not only its tracking. */
  holdsData(snapshotUuid: string, signal?: AbortSignal): Promise<boolean>
  /** Opens a disk that no running VM holds, to read it back. */
  openDisk(vdiUuid: string, source: SourceKind, signal?: AbortSignal): Promise<DiskSource>
  readonly restore: RestoreTarget
  readonly trials: TrialTarget
}

/** Temporary VMs: made by a restore, tried, and removed. */
export interface TrialTarget {
  /** Takes the cards from a VM, marks it as temporary, starts it and waits for its guest. @throws EngineError ENGINE_BOOT */
  boot(vm: Vm, order: BootOrder, signal?: AbortSignal): Promise<BootReport>
  /** Takes the power of a VM and removes it; its disks stay. */
  destroy(vmUuid: string): Promise<void>
}

export interface BootOrder {
  /** The repository that it was restored from. */
  readonly repository: string
  readonly limitMs: number
  readonly sign: BootSign
}

/** The half of a pool that restores write to. */
export interface RestoreTarget {
  /** What the pool has for a VM that is to come. */
  facts(signal?: AbortSignal): Promise<TargetFacts>
  /** What exported settings say. @throws EngineError ENGINE_POINT_DAMAGED */
  settingsOf(metadata: Uint8Array): VmSettings
  /** Whether stretches of a disk can be written; else every write has the whole disk. */
  readonly writesParts: boolean
  /** A new, empty disk. */
  createDisk(disk: NewDisk, signal?: AbortSignal): Promise<MadeDisk>
  destroyDisk(vdiUuid: string): Promise<void>
  /** Takes our marks off a disk: its restore is complete, and it is nobody's leftover any more. */
  releaseDisk(vdiUuid: string): Promise<void>
  diskState(vdiUuid: string, signal?: AbortSignal): Promise<DiskState | undefined>
  /** Says on a disk that it is being written over, a mixture until `clearTorn`: whoever reads the pool can tell, on any machine. */
  markTorn(vdiUuid: string, torn: Torn, signal?: AbortSignal): Promise<void>
  /** Takes that back; nothing where it was not said. */
  clearTorn(vdiUuid: string): Promise<void>
  /** Writes stretches of a disk, and leaves the rest of it as it is. */
  writeDisk(vdiUuid: string, content: DiskWrite, signal?: AbortSignal): Promise<void>
  /** What was written to a disk since a snapshot of it, by the pool's tracking. To be asked before any reader is opened. */
  changedSince(vdiUuid: string, snapshotUuid: string, signal?: AbortSignal): Promise<Changes>
  /** Takes a snapshot, for an administrator to keep, of every VM that has one of the disks. @returns their UUIDs */
  safetySnapshots(vdiUuids: readonly string[], name: string, signal?: AbortSignal): Promise<readonly string[]>
  /** Makes a VM of its exported settings, its disks and cards replaced; other disks are detached. It is gone again when that fails. */
  importVm(metadata: Uint8Array, parts: NewVmParts, signal?: AbortSignal): Promise<Vm>
  /** Attaches a disk to a VM at its first free place, and plugs it in when the VM runs. @returns the position */
  attachDisk(vdiUuid: string, vmUuid: string): Promise<string>
}

export interface PoolIdentity {
  readonly uuid: string
  readonly name: string
}

export interface Vm {
  readonly uuid: string
  readonly name: string
  /** XenAPI's word: Halted, Paused, Running, Suspended. */
  readonly powerState: string
  /** `VM.tags`. */
  readonly tags: readonly string[]
  /** Names the host it runs on, to tell hosts apart; absent when it does not run. */
  readonly host?: string
  /** Disks that can hold data, by position; CD drives are left out. */
  readonly disks: readonly Disk[]
}

export interface Disk {
  /** The VBD's `userdevice`, a number: 0 is the first disk. */
  readonly position: number
  readonly vdiUuid: string
  readonly name: string
  readonly size: Bytes
  /** What it takes on its storage, where the pool tells. */
  readonly used?: Bytes
  readonly storage: Storage
  /** `VDI.cbt_enabled`. */
  readonly tracked: boolean
}

export interface Storage {
  readonly uuid: string
  readonly name: string
  /** XenAPI's type: ext, lvm, nfs, lvmoiscsi … */
  readonly type: string
  /** Whether the driver has `VDI_CONFIG_CBT`, and the pool its calls. */
  readonly canTrack: boolean
  /** Where the pool tells. */
  readonly space?: StorageSpace
  /** What in the pool keeps tracking from being switched on: its age, its licence. */
  readonly whyUntracked?: string
}

export interface StorageSpace {
  readonly free: Bytes
  /** Whether a disk takes its full size from the beginning, as LVM has it, or what is written. */
  readonly allocation: 'whole' | 'written'
}

export type BaseState =
  | { readonly state: 'usable' }
  | { readonly state: 'missing' }
  /** The snapshot is there, but its log is not, or it belongs to another disk or SR. */
  | { readonly state: 'unusable'; readonly detail: string }

export interface SnapshotOptions {
  /** The repository's ID, written to `other_config` of each snapshot, so that every repository finds its own. */
  readonly repository: string
  /** Disks that the snapshot leaves out. */
  readonly leftOut: readonly Disk[]
  /** Nobody else's: by it the snapshot is found when the answer was lost. */
  readonly name: string
}

/** What a disk that is being written over becomes. */
export interface Torn {
  /** ID of the repository. */
  readonly repository: string
  /** ID of the restore point. */
  readonly point: string
  /** Of the disk, at the point. */
  readonly position: number
}

/** What a run noted of a snapshot that it took. */
export interface LeftSnapshot {
  readonly uuid: string
  readonly name: string
  readonly takenAt: Date
  /** UUIDs of the live disks that it has. */
  readonly disks: readonly string[]
}

export interface VmSnapshot extends AsyncDisposable {
  readonly uuid: string
  readonly takenAt: Date
  /** By the UUID of the live disk. */
  readonly disks: ReadonlyMap<string, DiskSnapshot>
  /**
   * Drops the VM snapshot and the data, keeps each tracked disk's log as base of `point`. Waits for readers to go. Takes no
   * signal: a cancelled run still tidies. From its call on disposal does nothing.
   */
  keepAsBase(point: string): Promise<void>
}

/** An object of the pool that a run of ours made. */
export interface Leftover {
  readonly kind: 'vm-snapshot' | 'disk-snapshot' | 'base' | 'new-disk' | 'new-vm' | 'torn-disk'
  readonly uuid: string
  readonly name: string
  /** The repository it was made for; undefined for one that was not marked yet. */
  readonly repository: string | undefined
  /** UUID of the live VM that a snapshot is of. */
  readonly vm: string | undefined
  /** UUID of the live disk that a disk snapshot is of. */
  readonly disk: string | undefined
  /** The restore point that a base belongs to, or that a disk is in part. */
  readonly point: string | undefined
  /** Of a disk that is in part a restore point, at that point. */
  readonly position: number | undefined
  /** The text that a new disk was given for the journal. */
  readonly mark: string | undefined
  /** UUIDs of the disks that a snapshot of a VM consists of, or that a VM holds. */
  readonly disks: readonly string[]
  /** VMs that hold a disk, by name; control domains left out. */
  readonly usedBy: readonly string[]
}

/** Of a leftover: that no more is known than what it is. */
export const nothingKnown = {
  repository: undefined,
  vm: undefined,
  disk: undefined,
  point: undefined,
  position: undefined,
  mark: undefined,
  disks: [],
  usedBy: [],
} as const satisfies Omit<Leftover, 'kind' | 'uuid' | 'name'>

export interface DiskSnapshot {
  readonly uuid: string
  readonly size: Bytes
  readonly tracked: boolean
  /** To be asked before any reader is opened. */
  changedSince(baseUuid: string, signal?: AbortSignal): Promise<Changes>
  open(source: SourceKind, signal?: AbortSignal): Promise<DiskSource>
}

export type Changes =
  | { readonly known: true; readonly bitmap: Bitmap }
  | { readonly known: false; readonly detail: string }

/** Where bytes come from: NBD, the VHD stream of `export_raw_vdi`, or its raw stream. */
export type SourceKind = 'nbd' | 'vhd' | 'raw'

/** A frozen disk, to be read. */
export interface DiskSource extends AsyncDisposable {
  readonly kind: SourceKind
  readonly size: Bytes
  /** Exactly the bytes of `extents`, ascending, in chunks of any size. At most one read at a time. */
  read(extents: Extents, signal?: AbortSignal): AsyncIterable<Chunk>
}

/**
 * A piece of a disk, `offset` bytes from its start. A hole that the source shows was not transferred. The data are good
 * until the next piece is asked for: their memory may be used again.
 */
export type Chunk =
  | { readonly offset: number; readonly data: Uint8Array }
  | { readonly offset: number; readonly length: number; readonly data: 'zero' }

export interface NewDisk {
  readonly name: string
  readonly size: Bytes
  readonly storageUuid: string
  /** The repository that it is restored from, and a text that nobody else uses: by them it is found until it is released. */
  readonly repository: string
  readonly mark: string
}

/** What a pool has. */
export interface TargetFacts {
  readonly storages: readonly TargetStorage[]
  readonly networks: readonly { readonly uuid: string; readonly name: string }[]
  /** Addresses of network cards, in lower case, and the name of the VM that has each. */
  readonly macs: ReadonlyMap<string, string>
  readonly vms: ReadonlySet<string>
  readonly hosts: readonly { readonly name: string; readonly cpus: number; readonly memory: Bytes }[]
}

/** A storage repository that can take disks. */
export interface TargetStorage {
  readonly uuid: string
  readonly name: string
  readonly type: string
  /** Where the pool tells. */
  readonly free?: Bytes
}

/** What exported settings say of a VM. */
export interface VmSettings {
  readonly name: string
  readonly virtualCpus: number
  /** `memory_static_max`. */
  readonly memory: Bytes
  readonly firmware: 'BIOS' | 'UEFI'
  readonly hasTpm: boolean
  readonly isSuspended: boolean
  readonly cards: readonly {
    readonly device: string
    readonly mac: string
    readonly network: { readonly uuid: string; readonly name: string }
  }[]
}

/** What a VM is made of, beside its exported settings. */
export interface NewVmParts {
  readonly name: string
  /** UUID of a disk of the settings to that of the disk in its place. */
  readonly disks: ReadonlyMap<string, string>
  readonly cards: readonly Card[]
}

/** A network card of the settings, on a network of the pool. */
export interface Card {
  readonly device: string
  /** A new address when absent. */
  readonly mac?: string
  readonly networkUuid: string
}

interface MadeDisk {
  readonly uuid: string
  /** May be rounded up. */
  readonly size: Bytes
  /** Whether it reads as zeros; on some storage a new disk holds what lay there before. */
  readonly isZeroed: boolean
}

/** Stretches to be written: ascending, disjoint, not empty. */
interface DiskWrite {
  readonly extents: Extents
  /** Exactly their bytes, one after the other; asked for again when the way to the disk breaks. */
  readonly body: () => AsyncIterable<Uint8Array>
}

export interface DiskState {
  readonly size: Bytes
  /** Names of VMs that hold the disk attached. */
  readonly usedBy: readonly string[]
}
