import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { MadeVm } from '../src/index.ts'
import { loggedIn, testLab, type RawClient, type TestLab } from './harness.ts'

let world: TestLab
let api: RawClient
beforeAll(async () => {
  world = await testLab({ busyWaitMs: 200 })
  api = await loggedIn(world)
})
afterAll(() => world[Symbol.asyncDispose]())
afterEach(async () => expect(await world.lab.control.invariants()).toEqual([]))

const NULL = 'OpaqueRef:NULL'
const SIZE = 4 << 20

const newVm = (running = false): Promise<MadeVm> =>
  world.lab.control.createVm({ name: 'web', memory: 64 << 20, disks: [{ size: SIZE }, { size: SIZE }], running })
const text = async (method: string, ...params: string[]): Promise<string> =>
  (await api.call(method, ...params)) as string
const list = async (method: string, ...params: string[]): Promise<string[]> =>
  (await api.call(method, ...params)) as string[]
const allowed = async (ref: string, className = 'VM'): Promise<string[]> =>
  (await list(`${className}.get_allowed_operations`, ref)).toSorted()
const disksOf = async (vm: string): Promise<string[]> =>
  Promise.all((await list('VM.get_VBDs', vm)).map((vbd) => text('VBD.get_VDI', vbd)))
const uuidOf = (vdi: string): Promise<string> => text('VDI.get_uuid', vdi)

test('what may be done to a VM follows its power state', async () => {
  const vm = await newVm()
  expect(await allowed(vm.ref)).toEqual([
    'changing_NVRAM',
    'changing_dynamic_range',
    'changing_shadow_memory',
    'changing_static_range',
    'clone',
    'copy',
    'create_vtpm',
    'destroy',
    'export',
    'make_into_template',
    'metadata_export',
    'migrate_send',
    'snapshot',
    'start',
    'start_on',
  ])
  await api.call('VM.start', vm.ref, false, false)
  expect(await allowed(vm.ref)).toEqual([
    'changing_VCPUs_live',
    'changing_dynamic_range',
    'checkpoint',
    'clean_reboot',
    'clean_shutdown',
    'hard_reboot',
    'hard_shutdown',
    'metadata_export',
    'migrate_send',
    'pause',
    'pool_migrate',
    'snapshot',
    'suspend',
  ])
  await api.call('VM.pause', vm.ref)
  expect(await allowed(vm.ref)).toEqual([
    'checkpoint',
    'hard_reboot',
    'hard_shutdown',
    'metadata_export',
    'snapshot',
    'unpause',
  ])
  expect(await api.failure('VM.start', vm.ref, false, false)).toEqual([
    'VM_BAD_POWER_STATE',
    vm.ref,
    'halted',
    'paused',
  ])
  await api.call('VM.unpause', vm.ref)
  await api.call('VM.hard_shutdown', vm.ref)
  const snapshot = await text('VM.snapshot', vm.ref, 'one')
  expect(await allowed(snapshot)).toEqual(['clone', 'copy', 'destroy', 'export', 'metadata_export', 'revert'])
})

test('an operation that is not valid is refused for the first reason in the order of a real pool', async () => {
  const vm = await newVm()
  const invalid = (ref: string, operation: string) => api.failure('VM.assert_operation_valid', ref, operation)
  await api.call('VM.assert_operation_valid', vm.ref, 'start')
  expect(await invalid(vm.ref, 'suspend')).toEqual(['VM_BAD_POWER_STATE', vm.ref, 'running', 'halted'])
  expect(await invalid(vm.ref, 'provision')).toEqual(['ONLY_PROVISION_TEMPLATE'])
  expect(await invalid(vm.ref, 'revert')).toEqual(['ONLY_REVERT_SNAPSHOT'])
  await api.call('VM.add_to_blocked_operations', vm.ref, 'suspend', 'BACKUP')
  expect(await invalid(vm.ref, 'suspend')).toEqual(['OPERATION_BLOCKED', vm.ref, 'BACKUP'])
  expect(await api.failure('VM.suspend', vm.ref)).toEqual(['OPERATION_BLOCKED', vm.ref, 'BACKUP'])
  const snapshot = await text('VM.snapshot', vm.ref, 'one')
  expect(await invalid(snapshot, 'start')).toEqual(['VM_IS_SNAPSHOT', snapshot, 'start'])
  await api.call('VM.set_is_a_template', vm.ref, true)
  expect(await invalid(vm.ref, 'start')).toEqual(['VM_IS_TEMPLATE', vm.ref, 'start'])
  await api.call('VM.set_is_a_template', vm.ref, false)
})

test('a suspended VM has its memory on a disk, and gives it back when it goes on', async () => {
  const vm = await newVm(true)
  await api.call('VM.suspend', vm.ref)
  const record = (await api.call('VM.get_record', vm.ref)) as Record<string, string>
  expect(record).toMatchObject({ power_state: 'Suspended', resident_on: NULL, domid: -1 })
  const image = record['suspend_VDI'] ?? ''
  expect(await text('VDI.get_type', image)).toBe('suspend')
  expect(await allowed(vm.ref)).toEqual([
    'checkpoint',
    'destroy',
    'export',
    'hard_shutdown',
    'metadata_export',
    'migrate_send',
    'resume',
    'resume_on',
    'snapshot',
  ])
  const [vbd] = await list('VM.get_VBDs', vm.ref)
  expect(await api.call('VBD.get_currently_attached', vbd ?? '')).toBe(true)
  await api.call('VM.resume', vm.ref, false, false)
  expect(await text('VM.get_power_state', vm.ref)).toBe('Running')
  expect(await api.failure('VDI.get_uuid', image)).toEqual(['HANDLE_INVALID', 'VDI', image])
  await api.call('VM.suspend', vm.ref)
  await api.call('VM.hard_shutdown', vm.ref)
  expect(await text('VM.get_suspend_VDI', vm.ref)).toBe(NULL)
})

test('a VM that sleeps does not go on while another one has its disk', async () => {
  const [sleeper, other] = [await newVm(true), await newVm()]
  const disk = sleeper.disks[0]?.ref ?? ''
  await api.call('VM.suspend', sleeper.ref)
  const drive = { VM: other.ref, VDI: disk, userdevice: '5', bootable: false, mode: 'RW', type: 'Disk', empty: false }
  await api.call('VBD.create', { ...drive, other_config: {}, qos_algorithm_type: '', qos_algorithm_params: {} })
  await api.call('VM.start', other.ref, false, false)
  expect(await api.failure('VM.resume', sleeper.ref, false, false)).toEqual(['VDI_IN_USE', disk])
  expect(await text('VM.get_power_state', sleeper.ref)).toBe('Suspended')
  await api.call('VM.hard_shutdown', other.ref)
  await api.call('VM.resume', sleeper.ref, false, false)
})

test('a checkpoint is a suspended snapshot, the VM runs on, and going back wakes it suspended', async () => {
  const vm = await newVm(true)
  const checkpoint = await text('VM.checkpoint', vm.ref, 'with memory')
  expect(await text('VM.get_power_state', vm.ref)).toBe('Running')
  const record = await api.call('VM.get_record', checkpoint)
  expect(record).toMatchObject({
    power_state: 'Suspended',
    is_a_snapshot: true,
    is_a_template: true,
    snapshot_of: vm.ref,
    snapshot_info: { 'power-state-at-snapshot': 'Running', 'disk-snapshot-type': 'crash_consistent' },
  })
  const memory = await text('VM.get_suspend_VDI', checkpoint)
  expect(await api.call('VDI.get_is_a_snapshot', memory)).toBe(true)
  await api.call('VM.revert', checkpoint)
  expect(await text('VM.get_power_state', vm.ref)).toBe('Suspended')
  await api.call('VM.resume', vm.ref, false, false)
  expect(await text('VM.get_power_state', vm.ref)).toBe('Running')
  const clone = await text('VM.clone', checkpoint, 'cold')
  expect(await api.call('VM.get_record', clone)).toMatchObject({ power_state: 'Halted', suspend_VDI: NULL })
})

test('going back replaces the disks, and every snapshot of them belongs to the new ones', async () => {
  const vm = await newVm()
  await world.lab.control.writeDisk(vm.disks[0]?.uuid ?? '', 0, Buffer.from('before'))
  const [first, second] = [await text('VM.snapshot', vm.ref, 'one'), await text('VM.snapshot', vm.ref, 'two')]
  await world.lab.control.writeDisk(vm.disks[0]?.uuid ?? '', 0, Buffer.from('after!'))
  await api.call('VM.set_name_label', vm.ref, 'renamed')
  await api.call('VM.revert', first)
  const disks = await disksOf(vm.ref)
  expect(disks).not.toContain(vm.disks[0]?.ref)
  expect(Buffer.from(await world.lab.control.readDisk(await uuidOf(disks[0] ?? ''), 0, 6)).toString()).toBe('before')
  expect(await text('VM.get_name_label', vm.ref)).toBe('web')
  expect(await text('VM.get_parent', vm.ref)).toBe(first)
  for (const snapshot of [first, second]) {
    const owners = await Promise.all((await disksOf(snapshot)).map((vdi) => text('VDI.get_snapshot_of', vdi)))
    expect(owners.toSorted()).toEqual(disks.toSorted())
  }
  expect(await api.failure('VM.revert', vm.ref)).toEqual(['ONLY_REVERT_SNAPSHOT'])
})

test('a snapshot brings back a VM that is gone, under its own uuid', async () => {
  const vm = await newVm()
  const snapshot = await text('VM.snapshot', vm.ref, 'last')
  await api.call('VM.destroy', vm.ref)
  expect(await text('VM.get_snapshot_of', snapshot)).toBe(vm.ref)
  await api.call('VM.revert', snapshot)
  const again = await text('VM.get_by_uuid', vm.uuid)
  expect(await text('VM.get_snapshot_of', snapshot)).toBe(again)
  expect(await disksOf(again)).toHaveLength(2)
})

test('a copy shares nothing, goes to the SR that is asked for, and has its own addresses', async () => {
  const vm = await newVm()
  await world.lab.control.writeDisk(vm.disks[0]?.uuid ?? '', 1 << 20, Buffer.from('data'))
  const copy = await text('VM.copy', vm.ref, 'copied', NULL)
  const [disk = ''] = await disksOf(copy)
  expect(await world.lab.control.sha256(await uuidOf(disk))).toBe(
    await world.lab.control.sha256(vm.disks[0]?.uuid ?? ''),
  )
  const macs = await Promise.all(
    [vm.ref, copy].map(async (each) => text('VIF.get_MAC', (await list('VM.get_VIFs', each))[0] ?? '')),
  )
  expect(macs[0]).not.toBe(macs[1])
  const running = await newVm(true)
  const refused = await api.failure('VM.copy', running.ref, 'no', NULL)
  expect(refused).toEqual(['VM_BAD_POWER_STATE', running.ref, 'halted', 'running'])
})

test('a snapshot leaves out ignored disks and keeps the medium of a CD drive', async () => {
  const vm = await newVm()
  const cd = { VM: vm.ref, VDI: NULL, userdevice: '3', bootable: false, mode: 'RO', type: 'CD', empty: true }
  await api.call('VBD.create', { ...cd, other_config: {}, qos_algorithm_type: '', qos_algorithm_params: {} })
  const snapshot = await text('VM.snapshot', vm.ref, 'some', [vm.disks[0]?.ref ?? ''] as never)
  const slots = await Promise.all((await list('VM.get_VBDs', snapshot)).map((vbd) => text('VBD.get_userdevice', vbd)))
  expect(slots.toSorted()).toEqual(['1', '3'])
})

test('destroying a VM that is suspended is allowed, one that runs is not', async () => {
  const vm = await newVm(true)
  expect(await api.failure('VM.destroy', vm.ref)).toEqual([
    'VM_BAD_POWER_STATE',
    vm.ref,
    'halted, suspended',
    'running',
  ])
  await api.call('VM.suspend', vm.ref)
  await api.call('VM.destroy', vm.ref)
  expect(await api.failure('VM.get_uuid', vm.ref)).toEqual(['HANDLE_INVALID', 'VM', vm.ref])
})

test('a VM has one TPM, and gets and loses it while it is halted', async () => {
  const vm = await newVm()
  const vtpm = await text('VTPM.create', vm.ref, false as never)
  expect(await list('VM.get_VTPMs', vm.ref)).toEqual([vtpm])
  expect(await api.failure('VTPM.create', vm.ref, false)).toEqual(['VTPM_MAX_AMOUNT_REACHED', '1'])
  expect(await allowed(vtpm, 'VTPM')).toEqual(['destroy'])
  await api.call('VM.start', vm.ref, false, false)
  expect(await allowed(vtpm, 'VTPM')).toEqual([])
  expect(await api.failure('VTPM.destroy', vtpm)).toEqual(['VM_BAD_POWER_STATE', vm.ref, 'halted;suspended', 'running'])
  await api.call('VM.hard_shutdown', vm.ref)
  await api.call('VTPM.destroy', vtpm)
})

test('memory limits stand in order, and change only while the VM is halted', async () => {
  const vm = await newVm()
  await api.call('VM.set_memory_limits', vm.ref, '1', '4', '2', '3')
  expect(await api.call('VM.get_memory_dynamic_max', vm.ref)).toBe(3)
  expect(await api.failure('VM.set_memory_limits', vm.ref, '2', '1', '1', '1')).toEqual([
    'MEMORY_CONSTRAINT_VIOLATION_ORDER',
    expect.any(String),
  ])
  await api.call('VM.start', vm.ref, false, false)
  expect(await api.failure('VM.set_memory', vm.ref, '9')).toEqual(['VM_BAD_POWER_STATE', vm.ref, 'halted', 'running'])
  expect(await api.failure('VM.set_VCPUs_max', vm.ref, '1')).toEqual([
    'VM_BAD_POWER_STATE',
    vm.ref,
    'halted',
    'running',
  ])
})
