import { setTimeout as sleep } from 'node:timers/promises'
import type { Session, VdiRef } from '@tidemark/xenapi'

/** What there is of snapshots, of disks with data, and of VMs: all that a run could leave. */
export async function census(admin: Session) {
  const vms = Object.values(await admin.VM.get_all_records())
  const vdis = Object.values(await admin.VDI.get_all_records())
  return {
    vms: vms.filter((vm) => !vm.is_a_template && !vm.is_control_domain && !vm.is_a_snapshot).length,
    snapshots: vms.filter((vm) => vm.is_a_snapshot).length,
    disks: vdis.filter(({ is_a_snapshot: isSnapshot }) => !isSnapshot).length,
    copies: vdis.filter(({ is_a_snapshot: isSnapshot, type }) => isSnapshot && type !== 'cbt_metadata').length,
    bases: vdis.filter(({ type }) => type === 'cbt_metadata').length,
  }
}

/** Removes VMs of a name, with their disks. */
export async function removeVm(admin: Session, name: string): Promise<void> {
  for (const vm of await admin.VM.get_by_name_label(name)) {
    const vbds = await Promise.all((await admin.VM.get_VBDs(vm)).map((vbd) => admin.VBD.get_record(vbd)))
    await admin.VM.destroy(vm)
    for (const { VDI, empty } of vbds) if (!empty) await destroyed(admin, VDI)
  }
}

/** Removes disks that no VM has: those of a restore that was complete. */
export async function removeLoneDisks(admin: Session): Promise<void> {
  const vdis = Object.entries(await admin.VDI.get_all_records())
  const vms = await admin.VM.get_all_records()
  const vbds = Object.values(await admin.VBD.get_all_records())
  const held = new Set(vbds.filter(({ VM }) => vms[VM]?.is_control_domain === false).map(({ VDI }) => VDI))
  for (const [ref, { is_a_snapshot: isSnapshot }] of vdis) {
    if (!isSnapshot && !held.has(ref as VdiRef)) await destroyed(admin, ref as VdiRef)
  }
}

/** The control domain lets go of a disk some seconds after its import: its VBD may go between two questions. */
async function destroyed(admin: Session, vdi: VdiRef): Promise<void> {
  for (;;) {
    const vbds = Object.values(await admin.VBD.get_all_records())
    if (!vbds.some(({ VDI, currently_attached: attached }) => VDI === vdi && attached)) return admin.VDI.destroy(vdi)
    await sleep(50)
  }
}
