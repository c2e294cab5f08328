import type { WireStruct, WireValue } from '@tidemark/xenapi/codec'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { MadeVm } from '../src/index.ts'
import { loggedIn, testLab, type RawClient, type TestLab } from './harness.ts'

let world: TestLab
let api: RawClient
beforeAll(async () => {
  world = await testLab({
    busyWaitMs: 50,
    storages: [
      { name: 'thin', type: 'ext' },
      { name: 'thick', type: 'lvm', size: 16 << 20 },
    ],
  })
  api = await loggedIn(world)
})
afterAll(() => world[Symbol.asyncDispose]())
afterEach(async () => expect(await world.lab.control.invariants()).toEqual([]))

const NULL = 'OpaqueRef:NULL'
const SIZE = 4 << 20
const QOS = { qos_algorithm_type: '', qos_algorithm_params: {}, other_config: {} }

const newVm = (running = false): Promise<MadeVm> =>
  world.lab.control.createVm({ name: 'web', memory: 1 << 20, disks: [{ size: SIZE }], running })
const text = async (method: string, ...params: WireValue[]): Promise<string> =>
  (await api.call(method, ...params)) as string
const list = async (method: string, ...params: WireValue[]): Promise<string[]> =>
  (await api.call(method, ...params)) as string[]
const first = async (method: string, ...params: WireValue[]): Promise<string> =>
  (await list(method, ...params))[0] ?? ''
const srNamed = (name: string): Promise<string> => first('SR.get_by_name_label', name)

async function newDisk(members: WireStruct = {}, sr = 'thin'): Promise<string> {
  const record = {
    SR: await srNamed(sr),
    virtual_size: SIZE,
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
  }
  return text('VDI.create', { ...record, ...members })
}

const drive = (VM: string, VDI: string, members: WireStruct = {}): WireStruct => ({
  VM,
  VDI,
  userdevice: 'autodetect',
  bootable: false,
  mode: 'RW',
  type: 'Disk',
  empty: false,
  ...QOS,
  ...members,
})

test('a drive is plugged and unplugged only while its VM runs, and once', async () => {
  const vm = await newVm()
  const vbd = await text('VBD.create', drive(vm.ref, await newDisk()))
  expect(await list('VBD.get_allowed_operations', vbd)).toEqual(['attach'])
  expect(await api.failure('VBD.plug', vbd)).toEqual(['VM_BAD_POWER_STATE', vm.ref, 'running', 'halted'])
  await api.call('VM.start', vm.ref, false, false)
  expect(await list('VBD.get_allowed_operations', vbd)).toEqual([
    'attach',
    'unplug',
    'unplug_force',
    'pause',
    'unpause',
  ])
  expect(await api.failure('VBD.plug', vbd)).toEqual(['DEVICE_ALREADY_ATTACHED', vbd])
  expect(await api.failure('VBD.destroy', vbd)).toEqual(['OPERATION_NOT_ALLOWED', expect.stringContaining(vbd)])
  await api.call('VBD.unplug', vbd)
  expect(await api.failure('VBD.unplug', vbd)).toEqual(['DEVICE_ALREADY_DETACHED', vbd])
  await api.call('VBD.plug', vbd)
  expect(await text('VBD.get_device', vbd)).toBe('xvdb')
  await api.call('VBD.unplug_force', vbd)
  await api.call('VBD.destroy', vbd)
})

test('a disk has one writer; a drive that is fixed stays; a disk is never read-only to an HVM guest', async () => {
  const [a, b] = [await newVm(true), await newVm(true)]
  const disk = a.disks[0]?.ref ?? ''
  const second = await text('VBD.create', drive(b.ref, disk))
  expect(await api.failure('VBD.plug', second)).toEqual(['VDI_IN_USE', disk])
  expect(await api.failure('VBD.assert_attachable', second)).toEqual(['VDI_IN_USE', disk])
  const readOnly = await text('VBD.create', drive(b.ref, await newDisk(), { mode: 'RO' }))
  expect(await api.failure('VBD.plug', readOnly)).toEqual(['DISK_VBD_MUST_BE_READWRITE_FOR_HVM', readOnly])
  const fixed = await text('VBD.create', drive(b.ref, await newDisk(), { unpluggable: false }))
  await api.call('VBD.plug', fixed)
  expect(await api.failure('VBD.unplug', fixed)).toEqual(['VBD_NOT_UNPLUGGABLE', fixed])
})

test('only a CD drive can be empty, and it is read-only; its medium comes and goes while the VM runs', async () => {
  const vm = await newVm()
  const iso = await newDisk({ read_only: true })
  const cd = { mode: 'RO', type: 'CD' }
  expect(await api.failure('VBD.create', drive(vm.ref, iso, { type: 'CD' }))).toEqual(['VBD_CDS_MUST_BE_READONLY'])
  expect(await api.failure('VBD.create', drive(vm.ref, NULL, { empty: true }))).toEqual([
    'VBD_NOT_REMOVABLE_MEDIA',
    'in constructor',
  ])
  expect(await api.failure('VBD.create', drive(vm.ref, iso))).toEqual(['VDI_READONLY', iso])
  const vbd = await text('VBD.create', drive(vm.ref, NULL, { ...cd, empty: true }))
  await api.call('VM.start', vm.ref, false, false)
  expect(await api.failure('VBD.eject', vbd)).toEqual(['VBD_IS_EMPTY', vbd])
  await api.call('VBD.insert', vbd, iso)
  expect(await api.call('VBD.get_record', vbd)).toMatchObject({ empty: false, VDI: iso, currently_attached: true })
  expect(await api.failure('VBD.insert', vbd, iso)).toEqual(['VBD_NOT_EMPTY', vbd])
  expect((await api.failure('VBD.unplug', vbd))[0]).toBe('OPERATION_NOT_ALLOWED')
  await api.call('VBD.eject', vbd)
  expect(await api.call('VBD.get_record', vbd)).toMatchObject({ empty: true, VDI: NULL, currently_attached: false })
  const disk = await first('VM.get_VBDs', vm.ref)
  expect(await api.failure('VBD.eject', disk)).toEqual(['VBD_NOT_REMOVABLE_MEDIA', disk])
})

test('a drive takes a slot by name, number or choice, and none twice', async () => {
  const vm = await newVm()
  const at = async (userdevice: string) => api.failure('VBD.create', drive(vm.ref, await newDisk(), { userdevice }))
  expect(await at('xvda')).toEqual(['DEVICE_ALREADY_EXISTS', 'xvda'])
  expect(await at('nowhere')).toEqual(['INVALID_DEVICE', 'nowhere'])
  const named = await text('VBD.create', drive(vm.ref, await newDisk(), { userdevice: 'hdd' }))
  expect(await text('VBD.get_userdevice', named)).toBe('3')
  expect((await list('VM.get_allowed_VBD_devices', vm.ref)).slice(0, 3)).toEqual(['1', '2', '4'])
  await api.call('VBD.set_mode', named, 'RO')
  await api.call('VM.start', vm.ref, false, false)
  expect(await api.failure('VBD.set_mode', named, 'RW')).toEqual(['VM_BAD_POWER_STATE', vm.ref, 'halted', 'running'])
})

test('a card is plugged and unplugged only while its VM runs, and moves to another network', async () => {
  const vm = await newVm()
  const vif = await first('VM.get_VIFs', vm.ref)
  expect(await list('VIF.get_allowed_operations', vif)).toEqual(['attach'])
  expect(await api.failure('VIF.unplug', vif)).toEqual(['VM_BAD_POWER_STATE', vm.ref, 'running', 'halted'])
  await api.call('VM.start', vm.ref, false, false)
  expect(await list('VIF.get_allowed_operations', vif)).toEqual(['attach', 'unplug'])
  expect(await api.failure('VIF.plug', vif)).toEqual(['DEVICE_ALREADY_ATTACHED', vif])
  expect((await api.failure('VIF.destroy', vif))[0]).toBe('OPERATION_NOT_ALLOWED')
  await api.call('VIF.unplug', vif)
  expect(await api.failure('VIF.unplug', vif)).toEqual(['DEVICE_ALREADY_DETACHED', vif])
  const network = await first('network.get_all')
  const card = { network, VM: vm.ref, MTU: 1500, ...QOS }
  expect(await api.failure('VIF.create', { ...card, device: '0', MAC: '' })).toEqual(['DEVICE_ALREADY_EXISTS', '0'])
  expect(await api.failure('VIF.create', { ...card, device: 'eth1', MAC: '' })).toEqual(['INVALID_DEVICE', 'eth1'])
  expect(await api.failure('VIF.create', { ...card, device: '1', MAC: 'no' })).toEqual(['MAC_INVALID', 'no'])
  await api.call('VIF.add_ipv4_allowed', vif, '10.0.0.1')
  expect(await list('VIF.get_ipv4_allowed', vif)).toEqual(['10.0.0.1'])
  expect((await api.failure('VIF.add_ipv6_allowed', vif, '10.0.0.1'))[0]).toBe('INVALID_IP_ADDRESS_SPECIFIED')
  await api.call('VIF.destroy', vif)
})

test('what may be done to a disk follows its drives and its tracking', async () => {
  const vm = await newVm(true)
  const disk = vm.disks[0]?.ref ?? ''
  const live = ['blocked', 'clone', 'resize_online', 'snapshot']
  const halted = [...live, 'copy', 'destroy', 'force_unlock', 'forget', 'resize', 'update']
  expect((await list('VDI.get_allowed_operations', disk)).toSorted()).toEqual(live.toSorted())
  for (const [operation, ...params] of [['destroy'], ['resize', SIZE * 2], ['forget'], ['update']] as const) {
    expect(await api.failure(`VDI.${operation}`, disk, ...params)).toEqual(['VDI_IN_USE', disk, operation])
  }
  expect(await api.failure('VDI.copy', disk, NULL, NULL, NULL)).toEqual(['VDI_IN_USE', disk, 'copy'])
  await api.call('VM.hard_shutdown', vm.ref)
  expect((await list('VDI.get_allowed_operations', disk)).toSorted()).toEqual(halted.toSorted())
  await api.call('VDI.enable_cbt', disk)
  expect(await api.failure('VDI.set_on_boot', disk, 'reset')).toEqual(['VDI_CBT_ENABLED', disk])
  expect(await api.failure('VDI.pool_migrate', disk, await srNamed('thick'), {})).toEqual(['VDI_CBT_ENABLED', disk])
  await api.call('VDI.disable_cbt', disk)
  await api.call('VDI.set_on_boot', disk, 'reset')
  const incompatible = ['VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION']
  expect(await api.failure('VDI.snapshot', disk)).toEqual(incompatible)
  expect(await api.failure('VDI.enable_cbt', disk)).toEqual(incompatible)
  expect(await api.failure('VM.snapshot', vm.ref, 'no')).toEqual(incompatible)
  await api.call('VDI.set_on_boot', disk, 'persist')
})

test('a copy goes into a disk that is large enough, writable and free, or only what differs from a base', async () => {
  const { control } = world.lab
  const uuid = (vdi: string): Promise<string> => text('VDI.get_uuid', vdi)
  const source = await newDisk()
  await control.writeDisk(await uuid(source), 0, Buffer.from('base'))
  const base = await text('VDI.snapshot', source)
  await control.writeDisk(await uuid(source), 1 << 20, Buffer.from('more'))

  const target = await newDisk()
  await control.writeDisk(await uuid(target), 2 << 20, Buffer.from('old'))
  expect(await text('VDI.copy', source, NULL, NULL, target)).toBe(target)
  expect(await control.sha256(await uuid(target))).toBe(await control.sha256(await uuid(source)))
  const difference = await text('VDI.copy', source, NULL, base, NULL)
  expect(Buffer.from(await control.readDisk(await uuid(difference), 0, 4))).toEqual(Buffer.alloc(4))
  expect(Buffer.from(await control.readDisk(await uuid(difference), 1 << 20, 4)).toString()).toBe('more')

  const small = await newDisk({ virtual_size: 1 })
  expect(await api.failure('VDI.copy', source, NULL, NULL, small)).toEqual(['VDI_TOO_SMALL', small, String(SIZE)])
  const frozen = await newDisk({ read_only: true })
  expect(await api.failure('VDI.copy', source, NULL, NULL, frozen)).toEqual(['VDI_READONLY', frozen])
  const vm = await newVm(true)
  const used = vm.disks[0]?.ref ?? ''
  expect(await api.failure('VDI.copy', source, NULL, NULL, used)).toEqual(['VDI_IN_USE', used])
  expect(await list('VDI.get_VBDs', source)).toEqual([])
})

test('a forgotten disk is gone; one cannot be introduced to a driver that knows its disks, or taken back to a snapshot', async () => {
  const disk = await newDisk()
  const snapshot = await text('VDI.snapshot', disk)
  const sr = await srNamed('thin')
  expect(await api.failure('VDI.revert', disk)).toEqual(['SR_OPERATION_NOT_SUPPORTED', sr])
  expect(await api.failure('VDI.revert', snapshot)).toEqual(['SR_OPERATION_NOT_SUPPORTED', sr])
  await api.call('VDI.update', disk)
  await api.call('VDI.forget', disk)
  expect(await api.failure('VDI.get_uuid', disk)).toEqual(['HANDLE_INVALID', 'VDI', disk])
  expect(await text('VDI.get_snapshot_of', snapshot)).toBe(disk)
})

test('a thick SR is full when its disks fill it, a thin one only when a single disk would not fit', async () => {
  const sr = await srNamed('thick')
  const before = (await api.call('SR.get_virtual_allocation', sr)) as number
  const disk = await newDisk({ virtual_size: 12 << 20 }, 'thick')
  expect(await api.call('SR.get_virtual_allocation', sr)).toBe(before + (12 << 20))
  const full = await api.failure('VDI.create', {
    SR: sr,
    virtual_size: 8 << 20,
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
  })
  expect(full).toEqual(['SR_FULL', String(8 << 20), String(4 << 20)])
  expect(await api.failure('VDI.resize', disk, 18 << 20)).toEqual(['SR_FULL', String(18 << 20), String(16 << 20)])
  await api.call('VDI.resize', disk, 16 << 20)
  await api.call('VDI.destroy', disk)
  expect(await api.call('SR.get_virtual_allocation', sr)).toBe(before)
})

test('what may be done to an SR follows its driver, its connections and its disks', async () => {
  const allowed = async (name: string): Promise<string[]> => list('SR.get_allowed_operations', await srNamed(name))
  const thin = await allowed('thin')
  expect(thin).toEqual(expect.arrayContaining(['scan', 'vdi_create', 'vdi_enable_cbt', 'vdi_list_changed_blocks']))
  expect(thin).not.toContain('destroy')
  expect(thin).not.toContain('vdi_introduce')
  const sr = await srNamed('thick')
  await api.call('PBD.unplug', await first('SR.get_PBDs', sr))
  expect(await allowed('thick')).toEqual(expect.arrayContaining(['destroy', 'forget']))
  await api.call('PBD.plug', await first('SR.get_PBDs', sr))
  expect(await allowed('thick')).not.toContain('forget')
})
