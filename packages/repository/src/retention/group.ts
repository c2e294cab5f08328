import { RepositoryError } from '../error.ts'
import type { Snapshot } from '../format/snapshot.ts'
import { hasTags } from './keep-rules.ts'

/** Which snapshots are looked at. What is left out does not restrict; several values of one kind are alternatives, but all paths must be there. */
export interface SnapshotFilter {
  readonly hosts?: readonly string[]
  /** UUIDs of VMs, by the tag `vm-<uuid>`. */
  readonly vms?: readonly string[]
  /** Lists of tags: all tags of any one list. */
  readonly tags?: readonly (readonly string[])[]
  readonly paths?: readonly string[]
}

/** `vm` is the tag `vm-<uuid>`, which outlives a change of the VM's name; a snapshot without it is grouped by host and paths. */
export type GroupBy = 'vm' | 'host' | 'paths' | 'tags'

/** Snapshots that the keep rules are applied to together. */
export interface SnapshotGroup {
  /** For people and programs: `vm 3f0c…`, `host web1, paths /pool/vm`. '' when all are one group. */
  readonly name: string
  readonly snapshots: readonly Snapshot[]
}

export function matches(snapshot: Snapshot, filter: SnapshotFilter): boolean {
  const { hosts = [], vms = [], tags = [], paths = [] } = filter
  return (
    (hosts.length === 0 || hosts.includes(snapshot.hostname ?? '')) &&
    (vms.length === 0 || vms.some((vm) => snapshot.tags?.includes(`vm-${vm}`) === true)) &&
    (tags.length === 0 || tags.some((list) => hasTags(snapshot, list))) &&
    paths.every((path) => snapshot.paths.includes(path))
  )
}

export const isUnfiltered = ({ hosts = [], vms = [], tags = [], paths = [] }: SnapshotFilter): boolean =>
  hosts.length + vms.length + tags.length + paths.length === 0

/** Groups by name, so that two runs say the same in the same order. */
export function groupSnapshots(snapshots: readonly Snapshot[], by: readonly GroupBy[]): SnapshotGroup[] {
  const groups = new Map<string, Snapshot[]>()
  for (const snapshot of snapshots) {
    const name = groupName(snapshot, by)
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [snapshot])
    else group.push(snapshot)
  }
  return Array.from(groups, ([name, members]) => ({ name, snapshots: members })).sort((a, b) =>
    a.name < b.name ? -1 : a.name > b.name ? 1 : 0,
  )
}

/**
 * Reads `vm`, or restic's `host,paths,tags` with any of them left out.
 * @throws RepositoryError REPOSITORY_INPUT
 */
export function parseGroupBy(text: string): GroupBy[] {
  const known: Readonly<Record<string, GroupBy>> = {
    vm: 'vm',
    host: 'host',
    hosts: 'host',
    path: 'paths',
    paths: 'paths',
    tag: 'tags',
    tags: 'tags',
  }
  return text
    .split(',')
    .filter((word) => word !== '')
    .map((word) => {
      const by = known[word]
      if (by === undefined)
        throw new RepositoryError('REPOSITORY_INPUT', `group by '${word}': there are vm, host, paths and tags`)
      return by
    })
}

function groupName(snapshot: Snapshot, by: readonly GroupBy[]): string {
  const { hostname = '', paths, tags = [] } = snapshot
  const vm = by.includes('vm') ? tags.find((tag) => tag.startsWith('vm-')) : undefined
  const asRestic = by.includes('vm') && vm === undefined
  const parts = [
    ...(vm === undefined ? [] : [`vm ${vm.slice(3)}`]),
    ...(by.includes('host') || asRestic ? [`host ${hostname}`] : []),
    ...(by.includes('paths') || asRestic ? [`paths ${listText(paths)}`] : []),
    ...(by.includes('tags') ? [`tags ${listText(tags)}`] : []),
  ]
  return parts.join(', ')
}

/** Quoted, so that a comma in a path makes no other group. */
const listText = (list: readonly string[]): string => JSON.stringify(list.toSorted())
