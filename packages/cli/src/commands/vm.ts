import { canBeTracked, listPoints, vmOf, type RestorePoint } from '@tidemark/engine'
import { openPool, openRepo, type GlobalOptions, type PoolOptions, type RepositoryOptions } from '../connect.ts'
import { loadConfig } from '../config.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'
import { table } from '../output/table.ts'
import { moment, size } from '../output/units.ts'

export async function vmList(
  global: GlobalOptions,
  out: Out,
  args: PoolOptions & RepositoryOptions,
): Promise<ExitCode> {
  await using open = await openPool(global, args)
  const vms = await open.pool.vms(global.signal)
  const newest = await newestPoints(global, args)
  const rows = vms.flatMap((vm) => {
    const point = newest.get(vm.uuid)
    const last = point === undefined ? 'none' : moment(point.snapshot.time)
    const head = [vm.name, vm.powerState.toLowerCase(), vm.uuid, last]
    const disks = vm.disks.map((disk) => [
      `${disk.position} ${disk.name}`,
      size(disk.size),
      disk.storage.name,
      disk.tracked ? 'on' : canBeTracked(disk) ? 'off' : 'not possible',
    ])
    return disks.length === 0
      ? [[...head, 'no disks']]
      : disks.map((disk, i) => [...(i === 0 ? head : ['', '', '', '']), ...disk])
  })
  const headers = ['VM', 'state', 'UUID', 'last point', 'disk', '>size', 'storage', 'tracking']
  const value = { vms: vms.map((vm) => ({ ...vm, lastPoint: newest.get(vm.uuid)?.id ?? null })) }
  out.result(value, rows.length === 0 ? 'no VMs' : table(headers, rows))
  return exitCodes.done
}

/** By VM; empty where no repository is configured, since a list of VMs needs none. */
async function newestPoints(global: GlobalOptions, args: RepositoryOptions): Promise<Map<string, RestorePoint>> {
  const { repositories } = await loadConfig(global.config)
  if (args.repo === undefined && Object.keys(repositories).length === 0) return new Map()
  await using repository = await openRepo(global, args)
  const points = await listPoints(repository, {}, global.signal)
  return new Map(points.flatMap((point) => (vmOf(point) === undefined ? [] : [[vmOf(point) ?? '', point]])))
}
