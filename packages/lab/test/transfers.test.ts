import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { MiB } from '@tidemark/blocks'
import type { WireStruct } from '@tidemark/xenapi/codec'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { http, loggedIn, run, testLab, type HttpAnswer, type RawClient, type TestLab } from './harness.ts'

let world: TestLab
let client: RawClient
beforeAll(async () => {
  world = await testLab()
  client = await loggedIn(world)
})
afterAll(() => world[Symbol.asyncDispose]())

async function newVm(size = 6 * MiB) {
  const vm = await world.lab.control.createVm({ name: 'vm', disks: [{ size }] })
  const [disk] = vm.disks
  if (disk === undefined) throw new Error('the VM has no disk')
  return { vm, disk }
}

/** With a task of the client's own, which outlives the transfer. */
const withTask = async (path: string): Promise<string> => {
  const task = (await client.call('task.create', 'a transfer', '')) as string
  return `${path}&session_id=${client.session}&task_id=${task}`
}
const get = async (path: string): Promise<HttpAnswer> => http(world.lab, 'GET', await withTask(path))
const put = async (path: string, body: Uint8Array = new Uint8Array()): Promise<HttpAnswer> =>
  http(world.lab, 'PUT', await withTask(path), body)
const taskOf = async ({ headers }: HttpAnswer): Promise<WireStruct> =>
  (await client.call('task.get_record', headers['task-id'] as string)) as WireStruct

test('a raw import is what a raw export gives, and its task tells the disk', async () => {
  const { disk } = await newVm()
  const data = Buffer.concat([randomBytes(100_000), Buffer.alloc(6 * MiB - 100_000)])
  const answer = await put(`/import_raw_vdi?vdi=${disk.uuid}&format=raw`, data)
  expect(answer.status).toBe(200)
  expect(await taskOf(answer)).toMatchObject({ status: 'success', result: `<value>${disk.ref}</value>` })
  const back = await get(`/export_raw_vdi?vdi=${disk.ref}`)
  expect(back.headers).toMatchObject({ connection: 'close', 'content-type': 'application/octet-stream' })
  expect(back.headers).not.toHaveProperty('content-length')
  expect(back.body.equals(data)).toBe(true)
  expect(await world.lab.control.usedSpace()).toBeLessThan(2 * MiB)
})

test('a shorter raw import leaves the rest, a longer one and an empty one fail', async () => {
  const { disk } = await newVm(2 * MiB)
  await world.lab.control.writeDisk(disk.uuid, MiB, Buffer.from('old'))
  await put(`/import_raw_vdi?vdi=${disk.uuid}`, Buffer.alloc(1000, 'n'))
  expect(Buffer.from(await world.lab.control.readDisk(disk.uuid, 998, 4)).toString()).toBe('nn\0\0')
  expect(Buffer.from(await world.lab.control.readDisk(disk.uuid, MiB, 3)).toString()).toBe('old')
  for (const length of [0, 3 * MiB]) {
    const answer = await put(`/import_raw_vdi?vdi=${disk.uuid}`, Buffer.alloc(length))
    expect(answer.status).toBe(200)
    expect(await taskOf(answer)).toMatchObject({ status: 'failure', error_info: ['VDI_IO_ERROR', 'Device I/O errors'] })
  }
})

test('a VHD export is read by qemu-img, and imports into another disk', async () => {
  const { disk } = await newVm()
  const { disk: other } = await newVm()
  await world.lab.control.writeDisk(disk.uuid, 3 * MiB + 4096, randomBytes(70_000))
  const { body, headers } = await get(`/export_raw_vdi?vdi=${disk.uuid}&format=vhd`)
  expect(headers['content-disposition']).toContain(`${disk.uuid}.vhd`)
  expect(body.length).toBeLessThan(3 * MiB)
  const [vhd, raw] = [join(world.directory, 'disk.vhd'), join(world.directory, 'disk.raw')]
  await writeFile(vhd, body)
  await run('qemu-img', 'convert', '-f', 'vpc', '-O', 'raw', vhd, raw)
  expect((await run('sha256sum', raw)).split(' ')[0]).toBe(await world.lab.control.sha256(disk.uuid))
  await put(`/import_raw_vdi/?vdi=${other.ref}&format=vhd`, body)
  expect(await world.lab.control.sha256(other.uuid)).toBe(await world.lab.control.sha256(disk.uuid))
})

test('a VHD against a base holds the difference, and merges into a copy of the base', async () => {
  const { disk } = await newVm()
  await world.lab.control.writeDisk(disk.uuid, 0, randomBytes(MiB))
  const base = (await client.call('VDI.snapshot', disk.ref)) as string
  const copy = (await client.call('VDI.clone', base)) as string
  await world.lab.control.writeDisk(disk.uuid, 5 * MiB, randomBytes(1000))
  const { body } = await get(`/export_raw_vdi?vdi=${disk.uuid}&format=vhd&base=${base}`)
  expect(body.readUInt32BE(60)).toBe(4) // differencing
  expect(body.length).toBeLessThan(3 * MiB)
  await put(`/import_raw_vdi?vdi=${copy}&format=vhd`, body)
  const uuid = (await client.call('VDI.get_uuid', copy)) as string
  expect(await world.lab.control.sha256(uuid)).toBe(await world.lab.control.sha256(disk.uuid))
})

test('a cut VHD is an I/O error, whatever was written', async () => {
  const { disk } = await newVm()
  await world.lab.control.writeDisk(disk.uuid, 0, randomBytes(MiB))
  const { body } = await get(`/export_raw_vdi?vdi=${disk.uuid}&format=vhd`)
  const answer = await put(`/import_raw_vdi?vdi=${disk.uuid}&format=vhd`, body.subarray(0, body.length - 600))
  expect(await taskOf(answer)).toMatchObject({ status: 'failure', error_info: ['VDI_IO_ERROR', 'Device I/O errors'] })
})

test('the framed import writes each piece at its place', async () => {
  const { disk } = await newVm()
  const frame = (offset: number, data: string): Buffer => {
    const head = Buffer.alloc(12)
    head.writeBigUInt64LE(BigInt(offset))
    head.writeUInt32LE(data.length, 8)
    return Buffer.concat([head, Buffer.from(data)])
  }
  const body = Buffer.concat([frame(4 * MiB, 'later'), frame(10, 'early'), frame(0, '')])
  const answer = await put(`/import_raw_vdi?vdi=${disk.uuid}&chunked=true`, body)
  expect(await taskOf(answer)).toMatchObject({ status: 'success' })
  expect(Buffer.from(await world.lab.control.readDisk(disk.uuid, 4 * MiB, 5)).toString()).toBe('later')
  expect(Buffer.from(await world.lab.control.readDisk(disk.uuid, 10, 5)).toString()).toBe('early')
})

test('requests that cannot be served have their own status, and their task the reason', async () => {
  const { disk } = await newVm()
  const vmdk = await get(`/export_raw_vdi?vdi=${disk.uuid}&format=vmdk`)
  expect(vmdk.status).toBe(404)
  expect(await taskOf(vmdk)).toMatchObject({ error_info: ['INTERNAL_ERROR', 'Unknown format vmdk'] })
  expect((await get('/export_raw_vdi?vdi=nothing')).status).toBe(500)
  const nowhere = await put('/import_raw_vdi?format=raw', Buffer.alloc(512))
  expect(nowhere.status).toBe(400)
  expect(await taskOf(nowhere)).toMatchObject({ error_info: ['VDI_MISSING'] })
  const anonymous = await http(world.lab, 'GET', `/export_raw_vdi?vdi=${disk.uuid}&session_id=OpaqueRef:nobody`)
  expect(anonymous.status).toBe(401)
  expect(anonymous.headers['www-authenticate']).toMatch(/^Basic realm=/)
  expect((await http(world.lab, 'DELETE', '/')).status).toBe(501)
  expect((await http(world.lab, 'GET', '/nothing')).status).toBe(403)
  const basic = Buffer.from(`root:${world.lab.password}`).toString('base64')
  const named = await http(world.lab, 'GET', `/export_raw_vdi?vdi=${disk.uuid}`, undefined, {
    Authorization: `Basic ${basic}`,
  })
  expect(named.status).toBe(200)
})

test("a client's own task is completed by the transfer", async () => {
  const { disk } = await newVm()
  const task = (await client.call('task.create', 'mine', '')) as string
  const cookie = { Cookie: `session_id=${client.session}; task_id=${task}` }
  await http(world.lab, 'PUT', `/import_raw_vdi?vdi=${disk.uuid}`, Buffer.alloc(512), cookie)
  expect(await client.call('task.get_result', task)).toBe(`<value>${disk.ref}</value>`)
})

test('a disk is held while it is exported, and a moment longer', async () => {
  await using slow = await testLab({ detachDelayMs: 60_000 })
  const user = await loggedIn(slow)
  const { disks } = await slow.lab.control.createVm({ name: 'vm', disks: [{ size: 2 * MiB }] })
  const { uuid = '', ref = '' } = disks[0] ?? {}
  await http(slow.lab, 'GET', `/export_raw_vdi?vdi=${uuid}&session_id=${user.session}`)
  expect(await user.failure('VDI.destroy', ref)).toEqual(['VDI_IN_USE', ref, 'destroy'])
})

test('a disk is free again soon after its export', async () => {
  const { disk } = await newVm()
  await get(`/export_raw_vdi?vdi=${disk.uuid}`)
  const isGone = async (): Promise<boolean> =>
    client.call('VDI.destroy', disk.ref).then(
      () => true,
      () => false,
    )
  await expect.poll(isGone).toBe(true)
})

test('a VM comes back from its metadata on the disks that the map names', async () => {
  const { vm, disk } = await newVm()
  const { disk: target } = await newVm()
  await client.call('VM.set_name_label', vm.ref, 'Größe <1>')
  const exported = await get(`/export_metadata?uuid=${vm.uuid}&export_snapshots=false`)
  expect(exported.headers).toMatchObject({ 'content-length': String(exported.body.length) })
  expect(exported.body.subarray(0, 7).toString()).toBe('ova.xml')
  const answer = await put(`/import_metadata?vdi:${disk.uuid}=${target.uuid}`, gzipSync(exported.body))
  const { result } = await taskOf(answer)
  const [, made = ''] =
    /^<value><array><data><value>(OpaqueRef:[^<]+)<\/value><\/data><\/array><\/value>$/.exec(result as string) ?? []
  const record = (await client.call('VM.get_record', made)) as WireStruct
  expect(record).toMatchObject({ name_label: 'Größe <1>', power_state: 'Halted', is_a_template: false })
  expect(record['uuid']).not.toBe(vm.uuid)
  const [vbd] = record['VBDs'] as string[]
  expect(await client.call('VBD.get_VDI', vbd ?? '')).toBe(target.ref)
  const [vif] = record['VIFs'] as string[]
  const [old] = (await client.call('VM.get_VIFs', vm.ref)) as string[]
  expect(await client.call('VIF.get_network', vif ?? '')).toBe(await client.call('VIF.get_network', old ?? ''))
  expect(await client.call('VIF.get_MAC', vif ?? '')).not.toBe(await client.call('VIF.get_MAC', old ?? ''))

  await client.call('VM.destroy', vm.ref)
  const restored = await taskOf(await put('/import_metadata?restore=true', exported.body))
  expect(restored['status']).toBe('success')
  const again = (await client.call('VM.get_by_uuid', vm.uuid)) as string
  const [sameDisk] = (await client.call('VM.get_VBDs', again)) as string[]
  expect(await client.call('VBD.get_VDI', sameDisk ?? '')).toBe(disk.ref)
})

test('metadata without their disk, cut, or with another file first are refused and leave nothing', async () => {
  const { vm, disk } = await newVm()
  const { body } = await get(`/export_metadata?uuid=${vm.uuid}`)
  await client.call('VM.destroy', vm.ref)
  await client.call('VDI.destroy', disk.ref)
  const vms = async (): Promise<number> => ((await client.call('VM.get_all')) as string[]).length
  const before = await vms()
  const errorOf = async (archive: Buffer): Promise<unknown> =>
    (await taskOf(await put('/import_metadata?x=', archive)))['error_info']
  expect(await errorOf(body)).toEqual(['VDI_LOCATION_MISSING', expect.any(String), disk.uuid])
  expect(await errorOf(body.subarray(0, 900))).toEqual(['IMPORT_ERROR_PREMATURE_EOF'])
  const renamed = Buffer.from(body)
  renamed.write('ovb.xml', 0)
  renamed.write((Number.parseInt(renamed.toString('latin1', 148, 154), 8) + 1).toString(8).padStart(6, '0'), 148)
  expect(await errorOf(renamed)).toEqual(['IMPORT_ERROR_UNEXPECTED_FILE', 'ova.xml', 'ovb.xml'])
  expect(await vms()).toBe(before)
})

test('snapshots travel with their VM when asked for', async () => {
  const { vm } = await newVm()
  await client.call('VM.snapshot', vm.ref, 'point')
  const { body } = await get(`/export_metadata?uuid=${vm.uuid}`)
  const { result } = await taskOf(await put('/import_metadata?x=', body))
  const [made = ''] = /OpaqueRef:[\da-f-]+/.exec(result as string) ?? []
  const record = (await client.call('VM.get_record', made)) as WireStruct
  expect(record['snapshots']).toHaveLength(1)
  expect(await client.call('VM.get_parent', made)).toEqual((record['snapshots'] as string[])[0])
})

test('a task that the transfer made for itself is named in the answer, and goes with it', async () => {
  const { disk } = await newVm()
  const before = await client.call('task.get_all')
  const path = `/import_raw_vdi?vdi=${disk.uuid}&session_id=${client.session}`
  for (const body of [Buffer.alloc(512, 1), Buffer.alloc(0)]) {
    const { headers } = await http(world.lab, 'PUT', path, body)
    expect(headers['task-id']).toMatch(/^OpaqueRef:/u)
    expect(await client.call('task.get_all')).toEqual(before)
  }
})

test('what fails after the head of the answer is told by the task, and by a second answer in place of data', async () => {
  const tooLarge = await world.lab.control.createVm({ name: 'large', disks: [{ size: 2 * 1024 ** 4 }] })
  const [disk] = tooLarge.disks
  const answer = await get(`/export_raw_vdi?vdi=${disk?.uuid}&format=vhd`)
  expect(answer.status).toBe(200)
  expect(answer.body.toString()).toMatch(/^HTTP\/1\.1 500 /)
  expect((await taskOf(answer))['error_info']).toEqual(['VDI_TOO_LARGE', disk?.ref, String(2040 * 1024 ** 3)])
  const { disk: small } = await newVm()
  const wrongBase = await get(`/export_raw_vdi?vdi=${small.uuid}&format=vhd&base=nothing`)
  expect([wrongBase.status, (await taskOf(wrongBase))['status']]).toEqual([200, 'failure'])
})
