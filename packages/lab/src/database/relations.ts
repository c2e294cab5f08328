import type { ClassName } from './tables.ts'

/** A reference in one class that shows as a list in another: the database keeps the list. */
export interface Relation {
  readonly from: ClassName
  readonly field: string
  readonly to: ClassName
  readonly list: string
}

export const RELATIONS: readonly Relation[] = [
  { from: 'VBD', field: 'VM', to: 'VM', list: 'VBDs' },
  { from: 'VBD', field: 'VDI', to: 'VDI', list: 'VBDs' },
  { from: 'VIF', field: 'VM', to: 'VM', list: 'VIFs' },
  { from: 'VIF', field: 'network', to: 'network', list: 'VIFs' },
  { from: 'VTPM', field: 'VM', to: 'VM', list: 'VTPMs' },
  { from: 'VDI', field: 'SR', to: 'SR', list: 'VDIs' },
  { from: 'VDI', field: 'snapshot_of', to: 'VDI', list: 'snapshots' },
  { from: 'VM', field: 'snapshot_of', to: 'VM', list: 'snapshots' },
  { from: 'VM', field: 'parent', to: 'VM', list: 'children' },
  { from: 'VM', field: 'resident_on', to: 'host', list: 'resident_VMs' },
  { from: 'PIF', field: 'host', to: 'host', list: 'PIFs' },
  { from: 'PIF', field: 'network', to: 'network', list: 'PIFs' },
  { from: 'PBD', field: 'host', to: 'host', list: 'PBDs' },
  { from: 'PBD', field: 'SR', to: 'SR', list: 'PBDs' },
  { from: 'Certificate', field: 'host', to: 'host', list: 'certificates' },
  { from: 'task', field: 'subtask_of', to: 'task', list: 'subtasks' },
]

const byClass = Map.groupBy(RELATIONS, ({ from }) => from)

/** The references of a class that show elsewhere. */
export const relationsOf = (className: ClassName): readonly Relation[] => byClass.get(className) ?? []
