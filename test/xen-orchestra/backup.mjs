// @xen-orchestra/backups: whole jobs of Xen Orchestra, into a folder and back.
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createRunner } from '@xen-orchestra/backups/Backup.mjs'
import { ImportVmBackup } from '@xen-orchestra/backups/ImportVmBackup.mjs'
import { RemoteAdapter } from '@xen-orchestra/backups/RemoteAdapter.mjs'
import { getSyncedHandler } from '@xen-orchestra/fs'
import { Task } from '@vates/task'
import Disposable from 'promise-toolbox/Disposable'
import { chainVhd, openVhd } from 'vhd-lib'
import { xapi } from './connect.mjs'

const SCHEDULE = 'schedule'
const REMOTE = 'remote'

/**
 * Runs a backup job once, as XO's server would.
 * @param mode 'delta' (disks) or 'full' (XVA)
 * @param folder of the backups; undefined: replication only
 * @param srs that the VM is replicated to
 * @param settings of the schedule: exportRetention, snapshotRetention, preferNbd, cbtDestroySnapshotData, …
 * @returns what the job reported
 */
export async function backUp({ folder, vm, mode, settings, srs = [] }) {
  const reports = []
  const onProgress = ({ type, message, status, result, properties }) =>
    reports.push({
      type,
      name: properties?.name,
      message,
      status,
      error: status === 'failure' ? String(result.stack ?? result) : undefined,
    })
  const runner = createRunner({
    // points are merged before the job ends, not by a process that outlives it
    config: {
      snapshotNameLabelTpl: '[XO Backup {job.name}] {vm.name_label}',
      dirMode: 0o700,
      disableMergeWorker: true,
    },
    getAdapter: () => adapterOf(folder),
    getConnectedRecord: async (type, uuid) => new Disposable(() => undefined, await xapi().getRecordByUuid(type, uuid)),
    job: {
      id: 'job',
      name: 'nightly',
      type: 'backup',
      mode,
      vms: { id: vm },
      remotes: { id: { __or: folder === undefined ? [] : [REMOTE] } },
      srs: { id: { __or: srs } },
      settings: { '': {}, [SCHEDULE]: settings },
    },
    schedule: { id: SCHEDULE },
  })
  await nextSecond() // a point is named after it
  await Task.run({ properties: { name: 'backup run' }, onProgress }, () => runner.run())
  return reports
}

const nextSecond = () => new Promise((resolve) => setTimeout(resolve, 1_000 - (Date.now() % 1_000)))

/** The points of a VM in a folder, oldest first. */
export async function listBackups(folder, vm) {
  return Disposable.use(adapterOf(folder), async (adapter) => {
    const points = await adapter.listVmBackups(vm)
    return points.map(({ mode, timestamp, size, isVhdDifferencing }) => ({ mode, timestamp, size, isVhdDifferencing }))
  })
}

/** Restores the n-th point of a VM as a new one. Answers its uuid. */
export async function restore({ folder, vm, point, sr, settings }) {
  return Disposable.use(adapterOf(folder), async (adapter) => {
    const metadata = (await adapter.listVmBackups(vm)).at(point)
    const job = new ImportVmBackup({ adapter, metadata, srUuid: sr, xapi: xapi(), settings })
    return (await job.run()).id
  })
}

const adapterOf = async (folder) => {
  const { value: handler, dispose } = await getSyncedHandler({ url: pathToFileURL(folder).href })
  return new Disposable(dispose, new Adapter(handler, { dirMode: 0o700 }))
}

/** vhd-lib 4.15.0, the newest on npm, leaves a disk's own id and its parent out when it writes: they are added here. */
class Adapter extends RemoteAdapter {
  async writeVhd(path, disk, options) {
    const size = await super.writeVhd(path, disk, options)
    const { handler } = this
    const { uuid, parentPath } = options
    if (parentPath !== undefined) await chainVhd(handler, join(dirname(path), parentPath), handler, path)
    await Disposable.use(openVhd(handler, path, { flags: 'r+' }), async (vhd) => {
      vhd.footer.uuid = uuid
      await vhd.readBlockAllocationTable() // it says where the footer goes
      await vhd.writeFooter()
    })
    return size
  }
}
