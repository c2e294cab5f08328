import { NULL_REF, type HostRef, type SrRef, type VmRef } from '@tidemark/xenapi'
import { refOf, uuidOf } from '../action.ts'
import { orReportHosts } from '../boot-report.ts'
import { notAllowed, refused } from '../complaint.ts'
import type { Command, Job } from '../command.ts'
import { forVms } from '../select-vms.ts'
import { uninstall } from '../uninstall.ts'

export const FORCE_NEEDED = 'This can lose data, so it must be asked for with --force.'

type Act = (job: Job, vm: VmRef) => Promise<unknown>

/** A command for the selected VMs that prints nothing. */
const power = (
  name: string,
  help: string,
  act: Act,
  options: { readonly optional?: readonly string[]; readonly controlDomains?: true } = {},
): Command => ({
  name,
  required: [],
  optional: options.optional ?? [],
  help,
  isCommon: true,
  takesVms: true,
  async run(job) {
    const own = ['on', 'paused', 'progress']
    await forVms(job, { own, ...(options.controlDomains && { controlDomains: true }) }, (vm) => act(job, vm))
  },
})

export const vmCommands: readonly Command[] = [
  power('vm-start', "Start the selected VMs, with 'on' on a certain host.", start, {
    optional: ['force', 'on', 'paused'],
    controlDomains: true,
  }),
  power(
    'vm-shutdown',
    'Shut down the selected VMs; with --force without asking the guest.',
    ({ pool: { session, signal }, params }, vm) =>
      params.flag('force')
        ? session.Async.VM.hard_shutdown(vm, { signal })
        : session.Async.VM.clean_shutdown(vm, { signal }),
    { optional: ['force'] },
  ),
  power(
    'vm-reboot',
    'Reboot the selected VMs; with --force without asking the guest.',
    ({ pool: { session, signal }, params }, vm) =>
      params.flag('force')
        ? session.Async.VM.hard_reboot(vm, { signal })
        : session.Async.VM.clean_reboot(vm, { signal }),
    { optional: ['force'] },
  ),
  power('vm-suspend', 'Suspend the selected VMs.', ({ pool: { session, signal } }, vm) =>
    session.Async.VM.suspend(vm, { signal }),
  ),
  power('vm-resume', 'Resume the selected VMs.', resume, { optional: ['force', 'on'] }),
  power('vm-pause', 'Pause the selected VMs.', ({ pool: { session, signal } }, vm) =>
    session.Async.VM.pause(vm, { signal }),
  ),
  power('vm-unpause', 'Let the selected VMs go on.', ({ pool: { session, signal } }, vm) =>
    session.Async.VM.unpause(vm, { signal }),
  ),
  copying(
    'vm-clone',
    'Clone the selected VM and print the uuid of the clone.',
    ({ pool: { session, signal } }, vm, name) => session.Async.VM.clone(vm, name, { signal }),
    { templates: true },
  ),
  copying('vm-snapshot', 'Snapshot the selected VM and print the uuid of the snapshot.', snapshotVm, {
    optional: ['ignore-vdi-uuids'],
  }),
  copying('vm-checkpoint', 'Snapshot the selected VM with its memory.', ({ pool: { session, signal } }, vm, name) =>
    session.Async.VM.checkpoint(vm, name, { signal }),
  ),
  copying('vm-copy', 'Copy the selected VM with full copies of its disks.', copyVm, {
    optional: ['sr-uuid'],
    templates: true,
    one: true,
  }),
  {
    name: 'vm-destroy',
    required: ['uuid'],
    optional: [],
    help: 'Destroy a VM; its disks stay.',
    run: destroy,
  },
  {
    name: 'vm-uninstall',
    required: [],
    optional: ['force'],
    help: 'Destroy the selected VM, its snapshots and the disks that belong to them, after asking; with --force without.',
    isCommon: true,
    takesVms: true,
    async run(job) {
      const vms = await forVms(job, { own: [] }, async (vm) => vm)
      const { session, signal } = job.pool
      const snapshots = await Promise.all(vms.map((vm) => session.VM.get_snapshots(vm, { signal })))
      await uninstall(job, [...vms, ...snapshots.flat()])
    },
  },
]

async function hostNamed(pool: Job['pool'], name: string): Promise<HostRef> {
  const hosts = [...(await pool.all('host')).values()]
  const found = hosts.find(({ values }) => values['name_label'] === name || values['uuid'] === name)
  if (found === undefined) throw refused(`Host ${name} not found`)
  return found.ref as HostRef
}

async function start(job: Job, vm: VmRef): Promise<void> {
  const { pool, params } = job
  const { session, signal } = pool
  const [paused, force, on] = [params.flag('paused'), params.flag('force'), params.find('on')]
  await orReportHosts(job, vm, async () =>
    on === undefined
      ? session.Async.VM.start(vm, paused, force, { signal })
      : session.Async.VM.start_on(vm, await hostNamed(pool, on), paused, force, { signal }),
  )
}

async function resume(job: Job, vm: VmRef): Promise<void> {
  const { pool, params } = job
  const { session, signal } = pool
  const [force, on] = [params.flag('force'), params.find('on')]
  if (on === undefined) return orReportHosts(job, vm, () => session.Async.VM.resume(vm, false, force, { signal }))
  return session.Async.VM.resume_on(vm, await hostNamed(pool, on), false, force, { signal })
}

interface CopyOptions {
  readonly optional?: readonly string[]
  readonly templates?: true
  readonly one?: true
}

/** A command that makes a VM of each selected one and prints the uuids. */
function copying(
  name: string,
  help: string,
  act: (job: Job, vm: VmRef, newName: string) => Promise<VmRef>,
  { optional = [], templates, one }: CopyOptions = {},
): Command {
  const own = ['new-name-label', 'new-name-description', ...optional]
  const selecting = { own, ...(templates && { templates }), ...(one && { one }) }
  return {
    name,
    required: ['new-name-label'],
    optional: ['new-name-description', ...optional],
    help,
    isCommon: true,
    takesVms: true,
    async run(job) {
      const { pool, params, printer } = job
      const made = await forVms(job, selecting, (vm) => act(job, vm, params.need('new-name-label')))
      const [first] = made
      const description = params.find('new-name-description')
      if (first !== undefined && description !== undefined) {
        await pool.session.VM.set_name_description(first, description, { signal: pool.signal })
      }
      printer.list(await Promise.all(made.map((vm) => uuidOf(pool, 'VM', vm))))
    },
  }
}

async function snapshotVm({ pool, params }: Job, vm: VmRef, name: string): Promise<VmRef> {
  const { session, signal } = pool
  const uuids = params.find('ignore-vdi-uuids')
  if (uuids === undefined) return session.Async.VM.snapshot(vm, name, { signal })
  const ignored = await Promise.all(uuids.split(',').map((uuid) => refOf(pool, 'VDI', uuid)))
  return session.Async.VM.snapshot(vm, name, ignored, { signal })
}

async function copyVm({ pool, params }: Job, vm: VmRef, name: string): Promise<VmRef> {
  const sr = params.find('sr-uuid')
  const ref = sr === undefined ? (NULL_REF as SrRef) : await refOf(pool, 'SR', sr)
  return pool.session.Async.VM.copy(vm, name, ref, { signal: pool.signal })
}

async function destroy({ pool, params }: Job): Promise<void> {
  const vm = await refOf(pool, 'VM', params.need('uuid'))
  const { session, signal } = pool
  if (await session.VM.get_is_control_domain(vm, { signal })) {
    throw notAllowed('A control domain cannot be destroyed from here')
  }
  await session.Async.VM.destroy(vm, { signal })
}
