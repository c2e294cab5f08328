import { MiB } from '@tidemark/blocks'
import { decodeXmlValue, isStruct, type WireStruct } from '@tidemark/xenapi/codec'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packOva } from '../src/metadata/archive.ts'
import { http, loggedIn, testLab, type HttpAnswer, type RawClient, type TestLab } from './harness.ts'

let world: TestLab
let client: RawClient
beforeAll(async () => {
  world = await testLab()
  client = await loggedIn(world)
})
afterAll(() => world[Symbol.asyncDispose]())

const get = (path: string): Promise<HttpAnswer> => http(world.lab, 'GET', `${path}&session_id=${client.session}`)

interface Outcome {
  readonly status: unknown
  readonly error: unknown
  /** The VMs of the result. */
  readonly vms: readonly string[]
}

async function put(query: string, body: Uint8Array): Promise<Outcome> {
  const task = (await client.call('task.create', 'import', '')) as string
  await http(world.lab, 'PUT', `/import_metadata?${query}&session_id=${client.session}&task_id=${task}`, body)
  const { status, error_info, result } = (await client.call('task.get_record', task)) as WireStruct
  return {
    status,
    error: error_info,
    vms: [...(result as string).matchAll(/OpaqueRef:[\da-f-]+/g)].map(([ref]) => ref),
  }
}

const newVm = () => world.lab.control.createVm({ name: 'vm', disks: [{ size: 2 * MiB }] })
const failed = (...error: unknown[]) => ({ status: 'failure', error })

interface OvaObject {
  readonly class: string
  readonly id: string
  readonly snapshot: WireStruct
}

const textOf = (archive: Buffer): string => archive.toString('utf8', 512, archive.lastIndexOf('>') + 1)

function objectsOf(archive: Buffer): readonly OvaObject[] {
  const ova = decodeXmlValue(textOf(archive))
  return (isStruct(ova) ? ova['objects'] : []) as unknown as readonly OvaObject[]
}

/** The archive with some of its text replaced. */
const edited = (archive: Buffer, from: string | RegExp, to: string): Buffer => {
  const text = textOf(archive)
  expect(text).toMatch(from)
  return packOva(text.replace(from, to), new Date(0))
}

const member = (name: string, value: string): string => `<name>${name}</name><value>${value}</value>`

test('objects come by class in the order of xapi, each once, and name only each other', async () => {
  const vm = await newVm()
  await client.call('VM.snapshot', vm.ref, 'point')
  const { body } = await get(`/export_metadata?uuid=${vm.uuid}`)
  const objects = objectsOf(body)
  const classes = objects.map((each) => each.class)
  expect([...new Set(classes)]).toEqual(
    ['host', 'VM', 'VM_metrics', 'VBD', 'VIF', 'network', 'VDI', 'SR'].filter((name) => classes.includes(name)),
  )
  expect(classes.filter((name) => name === 'VM')).toHaveLength(2)
  const ids = new Set(objects.map(({ id }) => id))
  expect(ids.size).toBe(objects.length)
  const named = [...textOf(body).matchAll(/<value>(Ref:\d+)<\/value>/g)].map(([, id = '']) => id)
  expect(named.filter((id) => !ids.has(id))).toEqual([])
})

test('excluded devices stay out, and a device that there is not is refused', async () => {
  const vm = await newVm()
  const { body } = await get(`/export_metadata?uuid=${vm.uuid}&excluded_device_types=VIF,vbd`)
  const classes = objectsOf(body).map((each) => each.class)
  expect(classes.filter((name) => ['VBD', 'VIF', 'VDI', 'network'].includes(name))).toEqual([])
  expect((await get(`/export_metadata?uuid=${vm.uuid}&excluded_device_types=disk`)).status).toBe(500)
})

test('all are all but the templates that every pool has, with the hosts or without', async () => {
  const vm = await newVm()
  const uuids = async (query: string): Promise<unknown[]> =>
    objectsOf((await get(`/export_metadata?all=true${query}`)).body)
      .filter((each) => each.class === 'VM')
      .map(({ snapshot }) => (snapshot['is_control_domain'] === true ? 'host' : snapshot['uuid']))
  expect(await uuids('')).toContain('host')
  const guests = await uuids('&include_dom0=false')
  expect(guests).toContain(vm.uuid)
  expect(guests).not.toContain('host')
})

test('a dry run says what would fail, and makes nothing', async () => {
  const vm = await newVm()
  const { body } = await get(`/export_metadata?uuid=${vm.uuid}`)
  const before = await client.call('VM.get_all')
  expect(await put('dry_run=true', body)).toMatchObject({ status: 'success', vms: [] })
  await client.call('VM.start', vm.ref, false, false)
  const state = failed('VM_BAD_POWER_STATE', vm.ref, 'Halted', 'Running')
  expect(await put('dry_run=true&restore=true', body)).toMatchObject(state)
  await client.call('VM.hard_shutdown', vm.ref)
  expect(await client.call('VM.get_all')).toEqual(before)
})

test('a restored VM replaces an older one of its uuid, and force replaces any that is halted', async () => {
  const vm = await newVm()
  const { body } = await get(`/export_metadata?uuid=${vm.uuid}`)
  expect(await put('restore=true', body)).toMatchObject(failed('VM_TO_IMPORT_IS_NOT_NEWER_VERSION', vm.ref, '0', '0'))
  const newer = edited(body, member('version', '0'), member('version', '5'))
  const { vms } = await put('restore=true', newer)
  expect(await client.call('VM.get_uuid', vms[0] ?? '')).toBe(vm.uuid)
  expect(await client.call('VM.get_version', vms[0] ?? '')).toBe(6)
  expect(await client.failure('VM.get_uuid', vm.ref)).toEqual(['HANDLE_INVALID', 'VM', vm.ref])
  const again = await put('restore=true&force=true', body)
  expect(await client.call('VM.get_version', again.vms[0] ?? '')).toBe(1)
  await client.call('VM.start', again.vms[0] ?? '', false, false)
  expect(await put('restore=true&force=true', body)).toMatchObject({ status: 'success', vms: [] })
  await client.call('VM.hard_shutdown', again.vms[0] ?? '')
})

test('two VMs do not get the same MAC addresses by a restore', async () => {
  const vm = await newVm()
  const { body } = await get(`/export_metadata?uuid=${vm.uuid}`)
  const seed = ((await client.call('VM.get_other_config', vm.ref)) as WireStruct)['mac_seed']
  const other = edited(body, new RegExp(vm.uuid, 'g'), crypto.randomUUID())
  expect(await put('restore=true', other)).toMatchObject(failed('DUPLICATE_MAC_SEED', seed))
  expect(await put('restore=false', other)).toMatchObject({ status: 'success' })
})

test('a VM that sleeps goes on sleeping on its disk, and is refused without it', async () => {
  const vm = await newVm()
  await client.call('VM.start', vm.ref, false, false)
  await client.call('VM.suspend', vm.ref)
  const image = (await client.call('VM.get_suspend_VDI', vm.ref)) as string
  const { body } = await get(`/export_metadata?uuid=${vm.uuid}`)
  const { vms } = await put('restore=false', body)
  const made = (await client.call('VM.get_record', vms[0] ?? '')) as WireStruct
  expect(made).toMatchObject({ power_state: 'Suspended', suspend_VDI: image })
  const [vbd = ''] = made['VBDs'] as string[]
  expect(await client.call('VBD.get_currently_attached', vbd)).toBe(true)
  const id = objectsOf(body).find((each) => each.snapshot['power_state'] === 'Suspended')?.snapshot['suspend_VDI']
  const without = edited(
    body,
    new RegExp(`<name>suspend_VDI</name><value>${id as string}`),
    '<name>suspend_VDI</name><value>Ref:999',
  )
  expect(await put('restore=false', without)).toMatchObject(failed('IMPORT_ERROR_FAILED_TO_FIND_OBJECT', 'Ref:999'))
  const forced = await put('force=true', without)
  expect(await client.call('VM.get_power_state', forced.vms[0] ?? '')).toBe('Halted')
})

test('disks are found by the map, by their place, or not: then the SR decides how that is told', async () => {
  const vm = await newVm()
  const { body } = await get(`/export_metadata?uuid=${vm.uuid}`)
  const [disk] = vm.disks
  if (disk === undefined) throw new Error('the VM has no disk')
  const sr = (await client.call('VDI.get_SR', disk.ref)) as string
  const lost = edited(body, member('location', disk.uuid), member('location', 'elsewhere'))
  expect(await put('x=', lost)).toMatchObject(failed('VDI_LOCATION_MISSING', sr, 'elsewhere'))
  expect(await put(`vdi:${disk.uuid}=${disk.uuid}`, lost)).toMatchObject({ status: 'success' })
  const uuid = (await client.call('SR.get_uuid', sr)) as string
  const far = edited(lost, new RegExp(uuid, 'g'), crypto.randomUUID())
  expect(await put('x=', far)).toMatchObject(failed('VDI_CONTENT_ID_MISSING'))
  const { vms } = await put('force=true', far)
  expect(await client.call('VM.get_VBDs', vms[0] ?? '')).toEqual([])
})

test('a disk that was in use has to be there, unless the migration is only tried', async () => {
  const vm = await newVm()
  await client.call('VM.start', vm.ref, false, false)
  const { body } = await get(`/export_metadata?uuid=${vm.uuid}`)
  await client.call('VM.hard_shutdown', vm.ref)
  const lost = edited(body, member('location', vm.disks[0]?.uuid ?? ''), member('location', 'elsewhere'))
  expect(await put('force=true', lost)).toMatchObject(failed('IMPORT_ERROR_ATTACHED_DISKS_NOT_FOUND'))
  expect(await put('live=true&dry_run=true&check_cpu=true', lost)).toMatchObject({ status: 'success', vms: [] })
  const { vms } = await put('x=', body)
  expect(await client.call('VM.get_power_state', vms[0] ?? '')).toBe('Halted')
  const [vbd = ''] = (await client.call('VM.get_VBDs', vms[0] ?? '')) as string[]
  expect(await client.call('VBD.get_currently_attached', vbd)).toBe(false)
})

test('what a newer host wrote is refused', async () => {
  const vm = await newVm()
  const { body } = await get(`/export_metadata?uuid=${vm.uuid}`)
  const newer = edited(body, /<name>xapi_major<\/name><value>\d+/, '<name>xapi_major</name><value>99')
  expect(await put('x=', newer)).toMatchObject(failed('IMPORT_INCOMPATIBLE_VERSION'))
  const odd = edited(body, /<name>xapi_major<\/name><value>\d+/, '<name>xapi_major</name><value><struct></struct>')
  expect(await put('x=', odd)).toMatchObject(failed('IMPORT_ERROR', "ova.xml: the version's xapi_major is no text"))
})

test('virtual TPMs travel in their own layout', async () => {
  const vm = await newVm()
  await client.call('VTPM.create', vm.ref, false)
  const { body } = await get(`/export_metadata?uuid=${vm.uuid}`)
  expect(objectsOf(body).at(-1)).toMatchObject({ class: 'VTPM', snapshot: { "vTPM'_is_unique": false } })
  const { vms } = await put('x=', body)
  expect(await client.call('VM.get_VTPMs', vms[0] ?? '')).toHaveLength(1)
})
