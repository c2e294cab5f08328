import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MiB } from '@tidemark/blocks'
import { startLab, type Lab } from '@tidemark/lab'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { guestWrites } from './support/pool.ts'
import { XenOrchestra } from './support/xen-orchestra.ts'

const auth = { user: 'root', password: 'correct horse' }
let directory: string
let lab: Lab
let xo: XenOrchestra
let sr: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tm-xo-vms-'))
  lab = await startLab({ directory: join(directory, 'lab'), password: auth.password, httpsPort: 0, nbdPort: 0 })
  xo = new XenOrchestra()
  await xo.do('connect', { url: lab.url, auth, allowUnauthorized: true })
  const [pool] = await xo.do('call', 'pool.get_all')
  sr = await xo.do('call', 'pool.get_default_SR', pool)
})
afterAll(async () => {
  await xo[Symbol.asyncDispose]()
  await lab[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

const method = (name: string, ...args: readonly unknown[]) => xo.do('method', name, ...args)
const call = (name: string, ...args: readonly unknown[]) => xo.do('call', name, ...args)

const memory = 512 * MiB
const record = {
  name_label: 'made by XO',
  memory_static_max: memory,
  memory_static_min: memory,
  HVM_boot_params: { order: 'cdn' },
  HVM_boot_policy: 'BIOS order',
  platform: { acpi: '1' },
  VCPUs_at_startup: 2,
  VCPUs_max: 2,
  VCPUs_params: {},
  PV_args: '',
  PV_bootloader_args: '',
  PV_bootloader: '',
  PV_kernel: '',
  PV_legacy_args: '',
  PV_ramdisk: '',
  recommendations: '',
  user_version: 1,
  tags: ['from XO'],
  blocked_operations: { hard_reboot: 'not now' },
}

test('a VM is made from nothing, gets disks and a network card, runs, and is destroyed', async () => {
  const vm = await method('VM_create', record, { bios_strings: { 'bios-vendor': 'XO' } })
  const disk = await method('VDI_create', { name_label: 'first', virtual_size: 4 * MiB, SR: sr })
  const hot = await method('VDI_create', { name_label: 'hot', virtual_size: 4 * MiB, SR: sr })
  const vbd = await method('VBD_create', { VM: vm, VDI: disk, bootable: true })
  const drive = await method('VBD_create', { VM: vm, type: 'CD', VDI: 'OpaqueRef:NULL' })
  expect(await call('VBD.get_userdevice', drive)).toBe('3')
  const [network] = await call('network.get_all')
  const vif = await method('VIF_create', { VM: vm, network })
  await xo.do('callAsync', 'VM.start', vm, false, false)
  const hotVbd = await method('VBD_create', { VM: vm, VDI: hot, throwVbdPlug: true })
  await xo.do('barrier')
  expect(await xo.do('mirrored', vm)).toMatchObject({
    record: { power_state: 'Running', tags: ['from XO'], VCPUs_max: 2, bios_strings: { 'bios-vendor': 'XO' } },
  })
  for (const each of [vbd, hotVbd]) expect(await call('VBD.get_currently_attached', each)).toBe(true)
  expect(await call('VIF.get_currently_attached', vif)).toBe(true)
  await expect(xo.do('callAsync', 'VM.hard_reboot', vm)).rejects.toMatchObject({ code: 'OPERATION_BLOCKED' })
  await method('VM_reboot', vm, { force: true })
  expect(await call('VM.get_blocked_operations', vm)).toEqual({ hard_reboot: 'not now' })
  await method('VBD_destroy', hotVbd)
  expect(await call('VDI.get_VBDs', hot)).toEqual([])
  await method('VM_destroy', vm, { deleteDisks: true, force: true })
  await method('VDI_destroy', hot)
  for (const ref of [vm, disk, vif]) expect(await gone(ref)).toBe(true)
})

/** Whether the mirror has lost it. */
async function gone(ref: string): Promise<boolean> {
  await xo.do('barrier')
  return (await xo.do('mirrored', ref)) === undefined
}

test('a snapshot leaves disks out that are not to be backed up, a checkpoint keeps the memory', async () => {
  const disks = [
    { name: 'kept', size: 2 * MiB },
    { name: '[NOBAK] scratch', size: 2 * MiB },
  ]
  const vm = await lab.control.createVm({ name: 'some', disks, running: true })
  const snapshot = await method('VM_snapshot', vm.ref, { ignoredVdisTag: '[NOBAK]', name_label: 'without scratch' })
  const kept: readonly string[] = await method('VM_getDisks', snapshot)
  expect(await Promise.all(kept.map((ref) => call('VDI.get_snapshot_of', ref)))).toEqual([vm.disks[0]?.ref])
  const checkpoint = await method('VM_checkpoint', vm.ref, { name_label: 'with memory' })
  expect(await call('VM.get_power_state', checkpoint)).toBe('Suspended')
  expect(await call('VM.get_suspend_VDI', checkpoint)).not.toBe('OpaqueRef:NULL')
  expect(await call('VM.get_power_state', vm.ref)).toBe('Running')
  for (const ref of [snapshot, checkpoint]) await method('VM_destroy', ref)
  expect(await call('VM.get_snapshots', vm.ref)).toEqual([])
  await method('VM_destroy', vm.ref, { force: true })
})

test('tracking is switched off along a chain, and its change logs are purged', async () => {
  const vm = await lab.control.createVm({ name: 'tracked', disks: [{ size: 4 * MiB, tracked: true }], running: true })
  const [disk = { ref: '', uuid: '' }] = vm.disks
  const snapshot = await call('VDI.snapshot', disk.ref)
  await method('VDI_dataDestroy', snapshot)
  expect(await call('VDI.get_type', snapshot)).toBe('cbt_metadata')
  await method('VDI_disableCbtOnChain', disk.ref)
  expect(await call('VDI.get_cbt_enabled', disk.ref)).toBe(false)
  expect(await gone(snapshot)).toBe(true)
  await xo.do('callAsync', 'VDI.enable_cbt', disk.ref)
  await method('VM_disableChangedBlockTracking', vm.ref)
  expect(await call('VDI.get_cbt_enabled', disk.ref)).toBe(false)
  await method('VM_assertHealthyVdiChains', vm.ref)
  await method('VM_destroy', vm.ref, { force: true })
})

test('a disk image becomes a new disk of its own size', async () => {
  const vm = await lab.control.createVm({ name: 'cloud', disks: [{ size: 6 * MiB }] })
  const [disk = { ref: '', uuid: '' }] = vm.disks
  await guestWrites(lab, disk.uuid, [0, 95], 'image')
  const path = join(directory, 'image.vhd')
  await xo.do('exportDisk', disk.ref, path, { format: 'vhd' })
  const made = await xo.do('importNewDisk', sr, path, { name_label: 'from an image' })
  expect(await call('VDI.get_virtual_size', made)).toBe(6 * MiB)
  expect(await lab.control.sha256(await call('VDI.get_uuid', made))).toBe(await lab.control.sha256(disk.uuid))
  await method('VDI_destroy', made)
  await method('VM_destroy', vm.ref)
})

test('an SR goes into maintenance with its VMs shut down, and comes back with them', async () => {
  const vm = await lab.control.createVm({ name: 'moved aside', disks: [{ size: 2 * MiB }], running: true })
  await expect(method('SR_enableMaintenanceMode', sr, {})).rejects.toThrow('incorrect state')
  await method('SR_enableMaintenanceMode', sr, { vmsToShutdown: [vm.uuid] })
  expect(await call('VM.get_power_state', vm.ref)).toBe('Halted')
  const [pbd] = await call('SR.get_PBDs', sr)
  expect(await call('PBD.get_currently_attached', pbd)).toBe(false)
  await expect(xo.do('callAsync', 'VM.start', vm.ref, false, false)).rejects.toMatchObject({
    code: 'NO_HOSTS_AVAILABLE',
  })
  await method('SR_disableMaintenanceMode', sr)
  expect(await call('PBD.get_currently_attached', pbd)).toBe(true)
  expect(await call('VM.get_power_state', vm.ref)).toBe('Running')
  await method('VM_destroy', vm.ref, { force: true })
})

test('a pool of an old release is followed by event.register and event.next', async () => {
  const folder = join(directory, 'old')
  const unknownMessages = ['event.inject', 'event.from']
  await using old = await startLab({
    directory: folder,
    password: auth.password,
    httpsPort: 0,
    nbdPort: 0,
    unknownMessages,
  })
  await using follower = new XenOrchestra()
  await follower.do('connect', { url: old.url, auth, allowUnauthorized: true })
  const vm = await old.control.createVm({ name: 'seen', disks: [{ size: 2 * MiB }], running: true })
  await follower.do('barrier')
  expect(await follower.do('mirrored', vm.ref)).toMatchObject({ class: 'VM', record: { power_state: 'Running' } })
  await follower.do('method', 'VM_destroy', vm.ref, { force: true })
  expect(await follower.do('differences')).toMatchObject({ differences: [] })
})

test('the pool is as empty as before, and the mirror knows', async () => {
  expect(await call('VDI.get_all')).toEqual([])
  expect(await xo.do('differences')).toMatchObject({ differences: [] })
  expect(await lab.control.invariants()).toEqual([])
})
