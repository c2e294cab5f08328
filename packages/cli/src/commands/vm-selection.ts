import {
  EngineError,
  everyVm,
  isMarkedNoBackup,
  selectVms,
  type Disk,
  type LeftOutReason,
  type Selected,
  type Vm,
} from '@tidemark/engine'
import { CliError } from '../error.ts'
import type { Out } from '../output/out.ts'

/** Which VMs and which of their disks. */
export interface SelectionArguments {
  /** All VMs that fit the following; none is named then. */
  readonly all?: boolean
  readonly vmTag?: readonly string[]
  readonly powerState?: readonly string[]
  readonly sr?: readonly string[]
  readonly not?: readonly string[]
  readonly notTag?: readonly string[]
  readonly disk?: readonly string[]
  readonly exclude?: readonly string[]
}

/**
 * The VMs that are asked for, and says which are not and why.
 * @throws CliError CLI_USAGE when nothing is said about which VMs; what selectVms throws
 */
export function chooseVms(out: Out, vms: readonly Vm[], named: readonly string[], args: SelectionArguments): Selected {
  const { all = false, vmTag = [], powerState = [], sr = [], not = [], notTag = [] } = args
  const isFiltered = vmTag.length + powerState.length + sr.length > 0
  if (named.length === 0 && !all && !isFiltered)
    throw new CliError('CLI_USAGE', 'say which VMs: by name, --all, or --vm-tag, --power-state, --sr')
  if (named.length > 0 && all) throw new CliError('CLI_USAGE', 'either name VMs, or take --all')
  const filters = { tags: vmTag, powerStates: powerState, storages: sr, without: not, withoutTags: notTag }
  const selected = selectVms(vms, { ...everyVm, named, ...filters })
  if (selected.chosen.length === 0) {
    throw new EngineError('ENGINE_VM_UNKNOWN', `none of the ${vms.length} VMs fits; 'tidemark vm ls' shows them`)
  }
  for (const { vm, reason } of selected.leftOut) {
    out.event({ type: 'left-out', vm: vm.name, reason })
    out.say(`Without ${vm.name}: ${LEFT_OUT[reason]}`)
  }
  sayMarkedDisks(out, selected.chosen, args)
  return selected
}

const LEFT_OUT: Readonly<Record<LeftOutReason, string>> = {
  excluded: 'left out by name',
  'excluded-by-tag': 'left out by a tag',
  'no-such-tag': 'it has none of the tags',
  'power-state': 'it is in another state',
  storage: 'it has no disk there',
}

/** Disks that are left out by their names are said, each time: a point without a disk must be no surprise. */
function sayMarkedDisks(out: Out, vms: readonly Vm[], { disk: only = [] }: SelectionArguments): void {
  for (const vm of vms) {
    for (const disk of vm.disks.filter((each) => isMarkedNoBackup(each) && !isNamed(each, only))) {
      out.event({ type: 'disk-left-out', vm: vm.name, disk: disk.name, position: disk.position })
      out.say(`Without disk ${disk.position} of ${vm.name}: its name says so, '${disk.name}'`)
    }
  }
}

/** A selector that fits no disk is a typo, and what it meant would be missing from the point. */
export function checkDisks(vms: readonly Vm[], { disk = [], exclude = [] }: SelectionArguments): void {
  for (const selector of [...disk, ...exclude]) {
    if (vms.some((vm) => vm.disks.some((each) => isNamed(each, [selector])))) continue
    throw new EngineError(
      'ENGINE_DISK_UNKNOWN',
      `no chosen VM has a disk '${selector}'; 'tidemark vm ls' shows their disks`,
    )
  }
}

const isNamed = (disk: Disk, names: readonly string[]): boolean =>
  names.includes(String(disk.position)) || names.includes(disk.name) || names.includes(disk.vdiUuid)

/** Named disks are the only ones; else all but those whose names say that they are not to be backed up. */
export const isIncluded = (disk: Disk, { disk: only = [], exclude = [] }: SelectionArguments): boolean =>
  (only.length === 0 ? !isMarkedNoBackup(disk) : isNamed(disk, only)) && !isNamed(disk, exclude)
