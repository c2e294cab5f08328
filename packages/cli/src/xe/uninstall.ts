import { createInterface } from 'node:readline/promises'
import { NULL_REF, type VbdRecord, type VdiRecord, type VdiRef, type VmRecord, type VmRef } from '@tidemark/xenapi'
import { isFailure } from '@tidemark/xenapi'
import type { Job } from './command.ts'

/** Marks the drives whose disks go with their VM, in VBD.other_config. */
const OWNER_KEY = 'owner'

interface Doomed {
  readonly vm: VmRef
  readonly record: VmRecord
  readonly disks: readonly { readonly ref: VdiRef; readonly record: VdiRecord }[]
}

/** Destroys VMs and the disks that belong to them. Asks first, unless forced. */
export async function uninstall(job: Job, vms: readonly VmRef[]): Promise<void> {
  const { params, printer } = job
  const doomed = await Promise.all(vms.map((vm) => chooseDisks(job, vm)))
  printer.line('The following items are about to be destroyed')
  for (const line of doomed.flatMap(describe)) printer.line(line)
  if (!params.flag('force') && !(await confirmed(job))) return
  for (const each of doomed) await destroy(job, each)
  printer.line('All objects destroyed')
}

async function chooseDisks({ pool: { session, signal } }: Job, vm: VmRef): Promise<Doomed> {
  const record = await session.VM.get_record(vm, { signal })
  const drives = await Promise.all(record.VBDs.map((vbd) => unlessGone(session.VBD.get_record(vbd, { signal }))))
  const owned = drives.filter((vbd): vbd is VbdRecord => vbd !== undefined && OWNER_KEY in vbd.other_config)
  const refs = [...owned.map(({ VDI }) => VDI), record.suspend_VDI].filter((ref) => ref !== NULL_REF)
  const disks = await Promise.all(
    [...new Set(refs)].map(async (ref) => {
      const disk = await unlessGone(session.VDI.get_record(ref, { signal }))
      return disk === undefined ? [] : [{ ref, record: disk }]
    }),
  )
  return { vm, record, disks: disks.flat() }
}

async function unlessGone<Value>(answer: Promise<Value>): Promise<Value | undefined> {
  try {
    return await answer
  } catch (error) {
    if (isFailure(error, 'HANDLE_INVALID')) return undefined
    throw error
  }
}

const describe = ({ record, disks }: Doomed): readonly string[] => [
  `VM : ${record.uuid} (${record.name_label})`,
  ...disks.map(({ record: { uuid, name_label, VBDs } }) => {
    const warning = VBDs.length > 1 ? ' ** WARNING: disk is shared by other VMs' : ''
    return `VDI: ${uuid} (${name_label}) ${warning}`
  }),
]

async function confirmed({ terminal: { input, print } }: Job): Promise<boolean> {
  print("Type 'yes' to continue")
  const lines = createInterface({ input })
  try {
    for await (const line of lines) {
      if (line.trim().toLowerCase() === 'yes') return true
      print(`Aborted (you typed: '${line}')`)
      return false
    }
    return false
  } finally {
    lines.close()
  }
}

/** A disk that a snapshot before it took along is no failure. */
async function destroy({ pool: { session, signal } }: Job, { vm, disks }: Doomed): Promise<void> {
  const state = await session.VM.get_power_state(vm, { signal })
  if (state !== 'Halted') await session.Async.VM.hard_shutdown(vm, { signal })
  await session.Async.VM.destroy(vm, { signal })
  for (const { ref } of disks) await unlessGone(session.Async.VDI.destroy(ref, { signal }))
}
