import { EngineError } from './error.ts'
import { chooseVm } from './planner.ts'
import type { Disk, Vm } from './pool.ts'

/** Which VMs are backed up. */
export interface VmSelection {
  /** Names or UUIDs; empty for all VMs that fit the rest. */
  readonly named: readonly string[]
  /** Any of these tags. Empty for VMs with any tags or none; so below. */
  readonly tags: readonly string[]
  /** XenAPI's words, in any case: running, halted, paused, suspended. */
  readonly powerStates: readonly string[]
  /** Names or UUIDs of storage: VMs with a disk on one of them. */
  readonly storages: readonly string[]
  /** Names or UUIDs of VMs that are left out. */
  readonly without: readonly string[]
  readonly withoutTags: readonly string[]
}

export const everyVm: VmSelection = {
  named: [],
  tags: [],
  powerStates: [],
  storages: [],
  without: [],
  withoutTags: [],
}

/** Why a VM is not backed up. Stable. */
export type LeftOutReason = 'excluded' | 'excluded-by-tag' | 'no-such-tag' | 'power-state' | 'storage'

export interface Selected {
  readonly chosen: readonly Vm[]
  /** Of those that were asked for by name, or of all. */
  readonly leftOut: readonly { readonly vm: Vm; readonly reason: LeftOutReason }[]
}

/** Xen Orchestra's habits: a VM with this tag, and a disk with one of these in its name, is not backed up. */
const NO_BACKUP_TAG = 'xo:no-bak'
const NO_BACKUP_NAMES = ['[NOBAK]', '[NOSNAP]'] as const

/**
 * Chooses VMs. A name that fits no VM, and a storage that no disk is on, is a typo, and what it meant would be missing.
 * @throws EngineError ENGINE_VM_UNKNOWN, ENGINE_VM_AMBIGUOUS
 */
export function selectVms(vms: readonly Vm[], selection: VmSelection): Selected {
  const { named, without, storages } = selection
  for (const each of storages) assertStorage(vms, each)
  const excluded = new Set(without.map((selector) => chooseVm(vms, selector).uuid))
  const asked = named.length === 0 ? vms : Array.from(new Set(named.map((selector) => chooseVm(vms, selector))))
  const judged = asked.map((vm) => ({ vm, reason: reasonAgainst(vm, selection, excluded) }))
  return {
    chosen: judged.flatMap(({ vm, reason }) => (reason === undefined ? [vm] : [])),
    leftOut: judged.flatMap(({ vm, reason }) => (reason === undefined ? [] : [{ vm, reason }])),
  }
}

/** Whether the name of a disk says that it is not to be backed up. */
export const isMarkedNoBackup = ({ name }: Disk): boolean => NO_BACKUP_NAMES.some((mark) => name.includes(mark))

function reasonAgainst(
  vm: Vm,
  { named, tags, powerStates, storages, withoutTags }: VmSelection,
  excluded: ReadonlySet<string>,
): LeftOutReason | undefined {
  const has = (list: readonly string[]) => list.some((tag) => vm.tags.includes(tag))
  if (excluded.has(vm.uuid)) return 'excluded'
  if (has(withoutTags) || (named.length === 0 && has([NO_BACKUP_TAG]))) return 'excluded-by-tag'
  if (tags.length > 0 && !has(tags)) return 'no-such-tag'
  const state = vm.powerState.toLowerCase()
  if (powerStates.length > 0 && !powerStates.some((each) => each.toLowerCase() === state)) return 'power-state'
  if (storages.length > 0 && !vm.disks.some((disk) => isOn(disk, storages))) return 'storage'
  return undefined
}

const isOn = ({ storage }: Disk, storages: readonly string[]): boolean =>
  storages.includes(storage.uuid) || storages.includes(storage.name)

function assertStorage(vms: readonly Vm[], storage: string): void {
  if (vms.some((vm) => vm.disks.some((disk) => isOn(disk, [storage])))) return
  throw new EngineError(
    'ENGINE_STORAGE_UNKNOWN',
    `no VM has a disk on a storage '${storage}'; 'tidemark vm ls' shows where their disks are`,
  )
}
