import { MiB } from '@tidemark/blocks'
import type { WireStruct } from '@tidemark/xenapi/codec'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bareCall, Failed, http, loggedIn, testLab, type RawClient, type TestLab } from './harness.ts'

let world: TestLab
let client: RawClient
beforeAll(async () => {
  world = await testLab()
  client = await loggedIn(world)
})
afterAll(() => world[Symbol.asyncDispose]())

const NOBODY = 'OpaqueRef:00000000-0000-0000-0000-000000000000'

async function newDisk(members: WireStruct = {}): Promise<string> {
  const [pool] = (await client.call('pool.get_all')) as string[]
  const SR = await client.call('pool.get_default_SR', pool ?? '')
  const record = { SR, virtual_size: '4194304', type: 'user', sharable: false, read_only: false, other_config: {} }
  return (await client.call('VDI.create', { ...record, ...members })) as string
}

test('a wrong password is refused, late, with the name', async () => {
  const login = bareCall(world.lab, 'session.login_with_password', ['root', 'guess'])
  await expect(login).rejects.toMatchObject({ failure: ['SESSION_AUTHENTICATION_FAILED', 'root', expect.any(String)] })
})

test('parameters are counted before types, types checked before the session, the session before the method', async () => {
  const failure = async (method: string, ...params: string[]): Promise<readonly string[]> =>
    bareCall(world.lab, method, params).then(
      () => [],
      (error: unknown) => (error instanceof Failed ? error.failure : []),
    )
  expect(await failure('VDI.get_record', NOBODY)).toEqual([
    'MESSAGE_PARAMETER_COUNT_MISMATCH',
    'VDI.get_record',
    '1',
    '0',
  ])
  expect(await failure('VDI.resize', NOBODY, NOBODY, 'large')).toMatchObject([
    'INTERNAL_ERROR',
    expect.stringMatching(/size/),
  ])
  expect(await failure('VDI.resize', NOBODY, NOBODY, '12')).toEqual(['SESSION_INVALID', NOBODY])
  expect(await failure('VDI.no_such', NOBODY)).toEqual(['SESSION_INVALID', NOBODY])
  expect(await client.failure('VDI.no_such')).toEqual(['MESSAGE_METHOD_UNKNOWN', 'VDI.no_such'])
})

test('missing objects are named by class and reference, or uuid', async () => {
  expect(await client.failure('VDI.get_uuid', NOBODY)).toEqual(['HANDLE_INVALID', 'VDI', NOBODY])
  expect(await client.failure('VM.get_by_uuid', 'x')).toEqual(['UUID_INVALID', 'VM', 'x'])
  expect(await client.call('VM.get_by_name_label', 'nobody')).toEqual([])
})

test('maps take a key once and lose it any number of times', async () => {
  const vdi = await newDisk()
  await client.call('VDI.add_to_other_config', vdi, 'xo:backup:job', '1')
  const uuid = (await client.call('VDI.get_uuid', vdi)) as string
  const again = await client.failure('VDI.add_to_other_config', vdi, 'xo:backup:job', '2')
  expect(again).toEqual(['MAP_DUPLICATE_KEY', 'VDI', 'other_config', uuid, 'xo:backup:job'])
  for (const _ of [1, 2]) await client.call('VDI.remove_from_other_config', vdi, 'xo:backup:job')
  await client.call('VDI.add_tags', vdi, 'a')
  await client.call('VDI.set_name_label', vdi, 'named')
  expect(await client.call('VDI.get_record', vdi)).toMatchObject({ other_config: {}, tags: ['a'], name_label: 'named' })
})

test('every class of system.listMethods answers get_all_records, and aliases with an underscore work', async () => {
  const methods = (await bareCall(world.lab, 'system.listMethods', [])) as string[]
  const classes = methods.filter((name) => name.endsWith('.get_all_records') && !name.startsWith('Async.'))
  expect(classes.length).toBeGreaterThan(15)
  for (const name of classes) expect(await client.call(name)).toBeTypeOf('object')
  const task = await client.call('task_create', 'transfer', '')
  await client.call('task_set_status', task, 'success')
  expect(await client.call('task.get_status', task)).toBe('success')
})

test('XML answers are compact, ints are texts, and the list of methods is bare', async () => {
  const ask = async (method: string, ...params: string[]): Promise<string> => {
    const values = params.map((value) => `<param><value>${value}</value></param>`).join('')
    const body = `<?xml version="1.0"?><methodCall><methodName>${method}</methodName><params>${values}</params></methodCall>`
    const answer = await http(world.lab, 'POST', '/xmlrpc', Buffer.from(body))
    expect(answer.headers['content-type']).toBe('text/xml')
    return answer.body.toString('utf8')
  }
  const vdi = await newDisk()
  expect(await ask('VDI.get_virtual_size', client.session, vdi)).toBe(
    '<?xml version="1.0"?><methodResponse><params><param><value><struct><member><name>Status</name><value>Success</value>' +
      '</member><member><name>Value</name><value>4194304</value></member></struct></value></param></params></methodResponse>',
  )
  expect(await ask('system.listMethods')).toMatch(/<param><value><array><data><value>/)
  const broken = await http(
    world.lab,
    'POST',
    '/RPC2',
    Buffer.from('<methodCall><methodName>x</methodName></methodCall>'),
  )
  expect(broken.status).toBe(500)
})

test('a disk grows to a multiple of 2 MiB and never shrinks', async () => {
  const vdi = await newDisk({ virtual_size: 3 * MiB + 1 })
  expect(await client.call('VDI.get_virtual_size', vdi)).toBe(4 * MiB)
  await client.call('VDI.resize', vdi, String(6 * MiB))
  expect(await client.call('VDI.get_virtual_size', vdi)).toBe(6 * MiB)
  expect(await client.failure('VDI.resize', vdi, 2 * MiB)).toMatchObject([
    'SR_BACKEND_FAILURE_79',
    '',
    expect.anything(),
    '',
  ])
  expect(await client.failure('VDI.create', { virtual_size: 1 })).toMatchObject([
    'INTERNAL_ERROR',
    expect.stringMatching(/not found/),
  ])
})

test('the misuses of changed block tracking have their own answers', async () => {
  const vdi = await newDisk()
  const untracked = (await client.call('VDI.snapshot', vdi)) as string
  expect(await client.failure('VDI.data_destroy', vdi)).toMatchObject([
    'OPERATION_NOT_ALLOWED',
    expect.stringMatching(/not a snapshot/),
  ])
  expect(await client.failure('VDI.data_destroy', untracked)).toEqual(['VDI_NO_CBT_METADATA', untracked])
  expect(await client.failure('VDI.enable_cbt', untracked)).toMatchObject([
    'OPERATION_NOT_ALLOWED',
    expect.stringMatching(/is a snapshot/),
  ])
  for (const _ of [1, 2]) await client.call('VDI.enable_cbt', vdi)
  expect(await client.failure('VDI.set_on_boot', vdi, 'reset')).toEqual(['VDI_CBT_ENABLED', vdi])
  const [a, b] = [await client.call('VDI.snapshot', vdi), await client.call('VDI.snapshot', vdi)] as string[]
  const compare = (from = '', to = ''): Promise<readonly string[]> =>
    client.failure('VDI.list_changed_blocks', from, to)
  expect(await compare(a, a)).toMatchObject([
    'SR_BACKEND_FAILURE_460',
    '',
    expect.stringMatching(/opterr=Source and target VDI are same/),
    '',
  ])
  expect(await compare(b, a)).toMatchObject(['SR_BACKEND_FAILURE_460', '', expect.stringMatching(/unrelated/), ''])
  expect(await compare(untracked, b)).toMatchObject([
    'SR_BACKEND_FAILURE_460',
    '',
    expect.stringMatching(/unrelated/),
    '',
  ])
  for (const _ of [1, 2]) await client.call('VDI.data_destroy', a ?? '')
  for (const method of ['VDI.get_nbd_info', 'VDI.snapshot', 'VDI.clone', 'VDI.enable_cbt', 'VDI.disable_cbt']) {
    expect(await client.failure(method, a ?? '')).toEqual(['VDI_INCOMPATIBLE_TYPE', a, 'cbt_metadata'])
  }
  expect(await client.call('VDI.list_changed_blocks', a ?? '', b ?? '')).toBe(Buffer.alloc(8).toString('base64'))
  await world.lab.control.setRestriction('restrict_cbt', 'true')
  expect(await client.failure('VDI.enable_cbt', vdi)).toEqual(['LICENSE_RESTRICTION', 'CBT'])
  await world.lab.control.setRestriction('restrict_cbt', 'false')
})

test('fields of a disk and its snapshots at each stage', async () => {
  const stage = async (vdi: string): Promise<unknown> => {
    const record = (await client.call('VDI.get_record', vdi)) as WireStruct
    const { type, is_a_snapshot, snapshot_of, snapshots, cbt_enabled, managed } = record
    return [type, is_a_snapshot, snapshot_of, snapshots, cbt_enabled, managed]
  }
  const none = 'OpaqueRef:NULL'
  const disk = await newDisk()
  expect(await stage(disk)).toEqual(['user', false, none, [], false, true])
  await client.call('VDI.enable_cbt', disk)
  expect(await stage(disk)).toEqual(['user', false, none, [], true, true])
  const snapshot = (await client.call('VDI.snapshot', disk)) as string
  expect(await stage(disk)).toEqual(['user', false, none, [snapshot], true, true])
  expect(await stage(snapshot)).toEqual(['user', true, disk, [], true, true])
  const clone = (await client.call('VDI.clone', snapshot)) as string
  expect(await stage(clone)).toEqual(['user', false, none, [], false, true])
  await client.call('VDI.data_destroy', snapshot)
  expect(await stage(snapshot)).toEqual(['cbt_metadata', true, disk, [], true, true])
  const later = (await client.call('VDI.snapshot', disk)) as string
  const timeOf = async (vdi: string): Promise<string> => (await client.call('VDI.get_snapshot_time', vdi)) as string
  expect((await timeOf(later)) > (await timeOf(snapshot))).toBe(true)
})

test('an Async call answers a task, whose result is XML text; others have no Async form', async () => {
  const vdi = await newDisk()
  const task = (await client.call('Async.VDI.snapshot', vdi)) as string
  for (;;) {
    if ((await client.call('task.get_status', task)) !== 'pending') break
  }
  const { status, result, progress } = (await client.call('task.get_record', task)) as WireStruct
  expect({ status, progress }).toEqual({ status: 'success', progress: 1 })
  expect(result).toMatch(/^<value>OpaqueRef:[\da-f-]{36}<\/value>$/)
  await client.call('task.destroy', task)
  expect(await client.failure('task.get_status', task)).toMatchObject(['HANDLE_INVALID', 'task', task])
  expect(await client.failure('Async.VDI.get_nbd_info', vdi)).toMatchObject([
    'Fault',
    expect.stringMatching(/No async mode/),
  ])
})

test('a cancelled task ends as cancelled', async () => {
  const vm = await world.lab.control.createVm({ name: 'held', disks: [{ size: 2 * MiB, tracked: true }] })
  const snapshot = (await client.call('VM.snapshot', vm.ref, 'point')) as string
  const [vbd] = (await client.call('VM.get_VBDs', snapshot)) as string[]
  const vdi = (await client.call('VBD.get_VDI', vbd ?? '')) as string
  const task = (await client.call('Async.VDI.data_destroy', vdi)) as string
  await client.call('task.cancel', task)
  for (;;) {
    if ((await client.call('task.get_status', task)) !== 'pending') break
  }
  expect(await client.call('task.get_status', task)).toBe('cancelled')
  expect(await client.call('task.get_error_info', task)).toEqual(['TASK_CANCELLED', task])
  expect(await client.call('VDI.get_type', vdi)).toBe('user')
})

test('a snapshot in a VM keeps its data until the VM is gone', async () => {
  const vm = await world.lab.control.createVm({ name: 'vm', disks: [{ size: 2 * MiB, tracked: true }], running: true })
  const snapshot = (await client.call('VM.snapshot', vm.ref, 'point', [])) as string
  const record = (await client.call('VM.get_record', snapshot)) as WireStruct
  expect(record).toMatchObject({ is_a_snapshot: true, is_a_template: true, snapshot_of: vm.ref, power_state: 'Halted' })
  const [vbd] = record['VBDs'] as string[]
  const vdi = (await client.call('VBD.get_VDI', vbd ?? '')) as string
  expect(await client.call('VBD.get_other_config', vbd ?? '')).toMatchObject({ owner: '' })
  expect(await client.failure('VDI.data_destroy', vdi)).toEqual(['VDI_IN_USE', vdi, 'data_destroy'])
  expect(await client.call('VDI.get_type', vdi)).toBe('user')
  await client.call('VM.destroy', snapshot)
  await client.call('VDI.data_destroy', vdi)
  expect(await client.failure('VM.destroy', vm.ref)).toEqual([
    'VM_BAD_POWER_STATE',
    vm.ref,
    'halted, suspended',
    'running',
  ])
  expect(await client.failure('VDI.destroy', vm.disks[0]?.ref ?? '')).toMatchObject([
    'VDI_IN_USE',
    expect.anything(),
    'destroy',
  ])
})

test('after a revert the disk is another one, untracked, and owns the old snapshots', async () => {
  const vm = await world.lab.control.createVm({ name: 'vm', disks: [{ size: 2 * MiB, tracked: true }] })
  const [disk] = vm.disks
  await world.lab.control.writeDisk(disk?.uuid ?? '', 0, Buffer.from('before'))
  const snapshot = (await client.call('VM.snapshot', vm.ref, 'point')) as string
  await world.lab.control.writeDisk(disk?.uuid ?? '', 0, Buffer.from('after!'))
  await client.call('VM.revert', snapshot)
  const [vbd] = (await client.call('VM.get_VBDs', vm.ref)) as string[]
  const vdi = (await client.call('VBD.get_VDI', vbd ?? '')) as string
  const record = (await client.call('VDI.get_record', vdi)) as WireStruct
  expect(record).toMatchObject({ cbt_enabled: false, snapshot_of: 'OpaqueRef:NULL', snapshots: [expect.anything()] })
  expect(Buffer.from(await world.lab.control.readDisk(record['uuid'] as string, 0, 6)).toString()).toBe('before')
  expect(await client.failure('VDI.get_uuid', disk?.ref ?? '')).toMatchObject(['HANDLE_INVALID', 'VDI', disk?.ref])
  const [old] = record['snapshots'] as string[]
  expect(await client.failure('VDI.list_changed_blocks', old ?? '', vdi)).toMatchObject([
    'SR_BACKEND_FAILURE_460',
    '',
    expect.stringMatching(/unrelated/),
    '',
  ])
})

test('a disk in two slots of a VM is copied once, and destroyed once', async () => {
  const vm = await world.lab.control.createVm({ name: 'vm', disks: [{ size: 2 * MiB }] })
  const rest = { bootable: false, mode: 'RW', type: 'Disk', empty: false, other_config: {} } as const
  const qos = { qos_algorithm_type: '', qos_algorithm_params: {} } as const
  const VDI = vm.disks[0]?.ref ?? ''
  await client.call('VBD.create', { VM: vm.ref, VDI, userdevice: 'autodetect', ...rest, ...qos })
  const disks = async () => ((await client.call('VDI.get_all')) as string[]).length
  const before = await disks()
  const snapshot = (await client.call('VM.snapshot', vm.ref, 'point')) as string
  expect(await disks()).toBe(before + 1)
  await client.call('VM.revert', snapshot)
  expect(await disks()).toBe(before + 1)
})

test('a reboot does not take a disk that another VM has in use', async () => {
  const [first, second] = [
    await world.lab.control.createVm({ name: 'first', disks: [{ size: 2 * MiB }], running: true }),
    await world.lab.control.createVm({ name: 'second', disks: [], running: true }),
  ]
  const rest = { bootable: false, mode: 'RW', type: 'Disk', empty: false, other_config: {} } as const
  const qos = { qos_algorithm_type: '', qos_algorithm_params: {} } as const
  const VDI = first.disks[0]?.ref ?? ''
  const vbd = await client.call('VBD.create', { VM: second.ref, VDI, userdevice: 'autodetect', ...rest, ...qos })
  await client.call('VM.hard_reboot', second.ref)
  expect(await client.call('VBD.get_currently_attached', vbd)).toBe(false)
  await client.call('VM.hard_reboot', first.ref)
  expect(await world.lab.control.invariants()).toEqual([])
})

test('a constructor takes what may be given and insists on what must be', async () => {
  const vm = await world.lab.control.createVm({ name: 'vm', disks: [{ size: 2 * MiB }] })
  expect(await client.failure('VBD.create', { VM: vm.ref, VDI: vm.disks[0]?.ref ?? '' })).toEqual([
    'INTERNAL_ERROR',
    'field userdevice not found',
  ])
  const vdi = await newDisk({ cbt_enabled: true, VBDs: ['OpaqueRef:NULL'], current_operations: { me: 'copy' } })
  const record = await client.call('VDI.get_record', vdi)
  expect(record).toMatchObject({ cbt_enabled: false, VBDs: [], current_operations: {} })
})

test('a running VM does not become a template', async () => {
  const { ref } = await world.lab.control.createVm({ name: 'vm', disks: [], running: true })
  expect(await client.failure('VM.set_is_a_template', ref, true)).toEqual([
    'VM_BAD_POWER_STATE',
    ref,
    'halted',
    'running',
  ])
  await client.call('VM.hard_shutdown', ref)
  await client.call('VM.set_is_a_template', ref, true)
  expect(await client.failure('VM.start', ref, false, false)).toEqual(['VM_IS_TEMPLATE', ref, 'start'])
})

test('VBDs keep their slots and rules', async () => {
  const vm = await world.lab.control.createVm({ name: 'vm', disks: [{ size: 2 * MiB }] })
  const vdi = await newDisk()
  const vbd = {
    VM: vm.ref,
    VDI: vdi,
    userdevice: 'autodetect',
    bootable: false,
    mode: 'RW',
    type: 'Disk',
    empty: false,
  }
  const record = { ...vbd, other_config: {}, qos_algorithm_type: '', qos_algorithm_params: {} }
  const create = (members: WireStruct): Promise<readonly string[]> =>
    client.failure('VBD.create', { ...record, ...members })
  expect(await create({ userdevice: '0' })).toEqual(['DEVICE_ALREADY_EXISTS', '0'])
  expect(await create({ userdevice: 'floppy' })).toEqual(['INVALID_DEVICE', 'floppy'])
  expect(await create({ type: 'CD' })).toEqual(['VBD_CDS_MUST_BE_READONLY'])
  const made = (await client.call('VBD.create', record)) as string
  expect(await client.call('VBD.get_userdevice', made)).toBe('1')
  expect(await client.failure('VBD.plug', made)).toEqual(['VM_BAD_POWER_STATE', vm.ref, 'running', 'halted'])
  await client.call('VM.start', vm.ref, false, false)
  expect(await client.call('VBD.get_currently_attached', made)).toBe(true)
  await client.call('VBD.unplug', made)
  await client.call('VBD.destroy', made)
  expect(await client.call('VM.get_VBDs', vm.ref)).toHaveLength(1)
  await client.call('VM.add_to_blocked_operations', vm.ref, 'hard_shutdown', 'BACKUP')
  expect(await client.failure('VM.hard_shutdown', vm.ref)).toEqual(['OPERATION_BLOCKED', vm.ref, 'BACKUP'])
})

test('purposes of networks exclude each other, and without one there is nowhere to connect', async () => {
  await using other = await testLab()
  const admin = await loggedIn(other)
  const [network] = (await admin.call('network.get_all')) as string[]
  const vm = await other.lab.control.createVm({ name: 'vm', disks: [{ size: 2 * MiB }] })
  const purposes = (method: string, value: string) => [`network.${method}_purpose`, network ?? '', value] as const
  expect(await admin.failure(...purposes('add', 'insecure_nbd'))).toEqual([
    'NETWORK_INCOMPATIBLE_PURPOSES',
    'insecure_nbd',
    'nbd',
  ])
  expect(await admin.failure(...purposes('add', 'fun'))).toEqual(['INVALID_VALUE', 'value', 'fun'])
  await admin.call(...purposes('add', 'nbd'))
  expect(await admin.call('VDI.get_nbd_info', vm.disks[0]?.ref ?? '')).toHaveLength(1)
  await admin.call(...purposes('remove', 'nbd'))
  expect(await admin.call('VDI.get_nbd_info', vm.disks[0]?.ref ?? '')).toEqual([])
})

test('a call fails as often as a fault says, and then works', async () => {
  const vdi = await newDisk()
  await world.lab.control.failCall({ method: 'VDI.get_uuid', times: 2, failure: ['SR_BACKEND_FAILURE_1', '', 'x', ''] })
  for (const _ of [1, 2])
    expect(await client.failure('VDI.get_uuid', vdi)).toEqual(['SR_BACKEND_FAILURE_1', '', 'x', ''])
  expect(await client.call('VDI.get_uuid', vdi)).toBeTypeOf('string')
})

test('text that is no UTF-8 and a cookie that is no encoding are answered, not cut off', async () => {
  const broken = await http(world.lab, 'POST', '/RPC2', Buffer.from([0x3c, 0xff, 0xfe]))
  expect(broken.status).toBe(500)
  const odd = await http(world.lab, 'GET', '/export_raw_vdi', new Uint8Array(), { Cookie: 'session_id=%zz' })
  expect(odd.status).toBe(401)
})
