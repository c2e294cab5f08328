import { NULL_REF, type SrRef, type VmRef } from '@tidemark/xenapi'
import { refOf, uuidOf } from '../action.ts'
import { refused } from '../complaint.ts'
import type { Command, Job } from '../command.ts'
import { uninstall } from '../uninstall.ts'

const uuids = ['uuid', 'snapshot-uuid']

export const snapshotCommands: readonly Command[] = [
  {
    name: 'snapshot-revert',
    required: [],
    optional: uuids,
    help: 'Bring a VM back to a snapshot of it.',
    isCommon: true,
    run: async (job) => job.pool.session.Async.VM.revert(await snapshotOf(job), { signal: job.pool.signal }),
  },
  {
    name: 'snapshot-destroy',
    required: [],
    optional: uuids,
    help: 'Destroy a snapshot of a VM; the snapshots of its disks stay.',
    run: destroy,
  },
  {
    name: 'snapshot-uninstall',
    required: [],
    optional: [...uuids, 'force'],
    help: 'Destroy a snapshot of a VM and the disks that belong to it, after asking; with --force without.',
    isCommon: true,
    run: async (job) => uninstall(job, [await snapshotOf(job)]),
  },
  {
    name: 'template-uninstall',
    required: ['template-uuid'],
    optional: ['force'],
    help: 'Destroy a template and the disks that belong to it, after asking; with --force without.',
    isCommon: true,
    run: async (job) => uninstall(job, [await templateOf(job)]),
  },
  {
    name: 'snapshot-clone',
    required: ['new-name-label'],
    optional: ['uuid', 'new-name-description'],
    help: 'Make a template of a snapshot.',
    isCommon: true,
    run: (job) => make(job, (vm, name) => job.pool.session.Async.VM.clone(vm, name, { signal: job.pool.signal })),
  },
  {
    name: 'snapshot-copy',
    required: ['new-name-label'],
    optional: ['uuid', 'new-name-description', 'sr-uuid'],
    help: 'Make a template of a snapshot, with full copies of its disks.',
    isCommon: true,
    run: (job) => make(job, (vm, name) => copy(job, vm, name)),
  },
]

/** @throws CliError CLI_XE when no uuid is given, or it is no snapshot's */
export async function snapshotOf({ pool, params }: Job): Promise<VmRef> {
  const uuid = params.find('snapshot-uuid') ?? params.find('uuid')
  if (uuid === undefined) throw refused('Required parameter not found: snapshot-uuid or uuid.')
  const vm = await refOf(pool, 'VM', uuid)
  if (await pool.session.VM.get_is_a_snapshot(vm, { signal: pool.signal })) return vm
  throw refused(`This operation can only be performed on a VM snapshot. ${uuid} is not a VM snapshot.`)
}

async function templateOf({ pool, params }: Job): Promise<VmRef> {
  const uuid = params.need('template-uuid')
  const vm = await refOf(pool, 'VM', uuid)
  if (await pool.session.VM.get_is_a_template(vm, { signal: pool.signal })) return vm
  throw refused(`This operation can only be performed on a VM template. ${uuid} is not a VM template.`)
}

async function destroy(job: Job): Promise<void> {
  const { session, signal } = job.pool
  const vm = await snapshotOf(job)
  const state = await session.VM.get_power_state(vm, { signal })
  if (state !== 'Halted') await session.Async.VM.hard_shutdown(vm, { signal })
  await session.Async.VM.destroy(vm, { signal })
}

async function make(job: Job, act: (vm: VmRef, name: string) => Promise<VmRef>): Promise<void> {
  const { pool, params, printer } = job
  const made = await act(await snapshotOf(job), params.need('new-name-label'))
  const description = params.find('new-name-description')
  if (description !== undefined) {
    await pool.session.VM.set_name_description(made, description, { signal: pool.signal })
  }
  printer.list([await uuidOf(pool, 'VM', made)])
}

async function copy({ pool, params }: Job, vm: VmRef, name: string): Promise<VmRef> {
  const sr = params.find('sr-uuid')
  const ref = sr === undefined ? (NULL_REF as SrRef) : await refOf(pool, 'SR', sr)
  return pool.session.Async.VM.copy(vm, name, ref, { signal: pool.signal })
}
