import type { VmRef } from '@tidemark/xenapi'
import { vbd as vbdClass, vdi as vdiClass } from '../classes/vdi.ts'
import type { Command, Job } from '../command.ts'
import type { XeRecord } from '../directory.ts'
import { chosenFields, printed } from '../generic.ts'
import { forVms } from '../select-vms.ts'
import { snapshotOf } from './snapshot.ts'

const own = ['vbd-params', 'vdi-params']

/** The two kinds of drives that can be listed, and what is shown of each. */
const kinds = {
  disk: { type: 'Disk', title: 'Disk', fields: ['uuid', 'vm-name-label', 'userdevice'] },
  cd: { type: 'CD', title: 'CD', fields: ['uuid', 'vm-name-label', 'userdevice', 'empty'] },
} as const

type Kind = keyof typeof kinds

const vmList = (kind: Kind): Command => ({
  name: `vm-${kind}-list`,
  required: [],
  optional: own,
  help: `Show the ${kind === 'disk' ? 'disks' : 'CDs'} of the selected VMs, drive and content.`,
  isCommon: true,
  takesVms: true,
  async run(job) {
    await forVms(job, { own }, (vm) => show(job, kind, vm))
  },
})

const snapshotList = (kind: Kind): Command => ({
  name: `snapshot-${kind}-list`,
  required: [],
  optional: ['uuid', 'snapshot-uuid', ...own],
  help: `Show the ${kind === 'disk' ? 'disks' : 'CDs'} of a snapshot of a VM, drive and content.`,
  isCommon: true,
  run: async (job) => show(job, kind, await snapshotOf(job)),
})

export const diskCommands: readonly Command[] = [vmList('disk'), vmList('cd'), snapshotList('disk'), snapshotList('cd')]

async function show(job: Job, kind: Kind, vm: VmRef): Promise<void> {
  const { type, title } = kinds[kind]
  const drives = [...(await job.pool.all('VBD')).values()].filter(
    ({ values }) => values['VM'] === vm && values['type'] === type,
  )
  for (const [index, drive] of drives.entries()) await showDrive(job, kind, `${title} ${index}`, drive)
}

async function showDrive({ pool, params, printer }: Job, kind: Kind, title: string, drive: XeRecord): Promise<void> {
  const fields = chosenFields(vbdClass, params, 'vbd-params', kinds[kind].fields)
  printer.message(`${title} VBD:`)
  printer.table([await printed({ pool, cls: vbdClass }, drive, fields, 'alone')])
  const disk = await pool.find('VDI', drive.values['VDI'])
  if (disk === undefined) return
  const shown = chosenFields(vdiClass, params, 'vdi-params', ['uuid', 'name-label', 'virtual-size', 'sr-name-label'])
  printer.message(`${title} VDI:`)
  printer.table([await printed({ pool, cls: vdiClass }, disk, shown, 'alone')])
}
