import type { XeClass } from '../field.ts'
import { network, pif, vif } from './network.ts'
import { host, message, pool, task } from './pool.ts'
import { pbd, sm, sr } from './storage.ts'
import { vbd, vdi } from './vdi.ts'
import { snapshot, template, vm, vtpm } from './vm.ts'

/** All classes that have commands. */
export const xeClasses: readonly XeClass[] = [
  pool,
  pif,
  vif,
  network,
  vm,
  template,
  snapshot,
  host,
  vdi,
  vbd,
  sr,
  sm,
  pbd,
  task,
  message,
  vtpm,
]
