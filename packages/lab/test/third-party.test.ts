import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { decodeXmlAnswer, encodeXmlCall, type WireValue } from '@tidemark/xenapi/codec'
import { http, loggedIn, testLab, type RawClient } from './harness.ts'

/** What the task of an Async call ended with. */
async function outcome(client: RawClient, task: WireValue): Promise<Record<string, WireValue>> {
  await expect.poll(() => client.call('task.get_status', task)).not.toBe('pending')
  return (await client.call('task.get_record', task)) as Record<string, WireValue>
}

test("XenAPI.py's version of the API: pool, its master, that host's numbers", async () => {
  await using bench = await testLab()
  const client = await loggedIn(bench)
  const [pool = ''] = (await client.call('pool.get_all')) as string[]
  const master = await client.call('pool.get_master', pool)
  expect(await client.call('session.get_this_host', client.session)).toBe(master)
  expect(await client.call('host.get_API_version_major', master)).toBe(2)
  expect(await client.call('host.get_API_version_minor', master)).toBeTypeOf('number')
  expect(Object.keys((await client.call('pool.get_all_records')) as object)).toEqual([pool])
})

test('cbttests find the host by its address and name, and the SR by what it allows', async () => {
  await using bench = await testLab({ addressWithPort: true })
  const client = await loggedIn(bench)
  const host = await client.call('session.get_this_host', client.session)
  expect(await client.call('host.get_address', host)).toBe(new URL(bench.lab.url).host)
  expect(await client.call('host.get_hostname', host)).toBe('tidemark-lab')
  expect(await client.call('host.get_by_uuid', await client.call('host.get_uuid', host))).toBe(host)
  const { disks } = await bench.lab.control.createVm({ name: 'vm', disks: [{ size: 4 << 20 }] })
  const sr = await client.call('VDI.get_SR', disks[0]?.ref ?? '')
  expect(await client.call('SR.get_by_uuid', await client.call('SR.get_uuid', sr))).toBe(sr)
  const wanted = ['vdi_enable_cbt', 'vdi_data_destroy', 'vdi_list_changed_blocks']
  expect(await client.call('SR.get_allowed_operations', sr)).toEqual(expect.arrayContaining(wanted))
  expect(((await client.call('SR.get_record', sr)) as Record<string, WireValue>)['content_type']).toBe('user')
  await client.call('SR.scan', sr)
  const drivers = Object.values((await client.call('SM.get_all_records')) as Record<string, { type: string }>)
  expect(drivers.map(({ type }) => type)).toContain(await client.call('SR.get_type', sr))
})

test('cbttests take the latest snapshot by its time, and check a disk by its checksum', async () => {
  await using bench = await testLab()
  const client = await loggedIn(bench)
  const { control } = bench.lab
  const { ref: vm, disks } = await control.createVm({ name: 'vm', disks: [{ size: 4 << 20, tracked: true }] })
  const [disk] = disks
  if (disk === undefined) throw new Error('a disk was asked for')
  const times: string[] = []
  for (const byte of [1, 2, 3]) {
    await control.writeDisk(disk.uuid, byte * 65_536, Buffer.alloc(512, byte))
    const copy = await client.call('VM.snapshot', vm, `backup ${byte}`)
    const [vbd = ''] = (await client.call('VM.get_VBDs', copy)) as string[]
    const snapshot = await client.call('VBD.get_VDI', vbd)
    expect(await client.call('VDI.get_snapshot_of', snapshot)).toBe(disk.ref)
    expect(await client.call('VDI.get_cbt_enabled', snapshot)).toBe(true)
    times.push((await client.call('VDI.get_snapshot_time', snapshot)) as string)
    await client.call('VM.destroy', copy)
  }
  expect(times.toSorted()).toEqual(times)
  expect(new Set(times).size).toBe(3)
  const snapshots = (await client.call('VDI.get_snapshots', disk.ref)) as string[]
  expect(snapshots).toHaveLength(3)
  const ended = await outcome(client, await client.call('Async.VDI.checksum', snapshots[2] ?? ''))
  const content = await control.readDisk(disk.uuid, 0, disk.size)
  expect(ended['result']).toBe(`<value>${createHash('md5').update(content).digest('hex')}</value>`)
  expect(await client.call('VDI.get_virtual_size', disk.ref)).toBe(content.length)
})

test('a restored disk gets a card, a slot and a name', async () => {
  await using bench = await testLab()
  const client = await loggedIn(bench)
  const { ref: vm, disks } = await bench.lab.control.createVm({ name: 'vm', disks: [{ size: 4 << 20 }] })
  const [network = ''] = (await client.call('network.get_all')) as string[]
  expect(await client.call('network.get_MTU', network)).toBe(1500)
  expect(await client.call('VM.get_allowed_VIF_devices', vm)).not.toContain('0')
  expect(await client.call('VM.get_allowed_VBD_devices', vm)).not.toContain('0')
  await client.call('VDI.set_name_label', disks[0]?.ref ?? '', 'restored')
  expect(await client.call('VDI.get_name_label', disks[0]?.ref ?? '')).toBe('restored')
})

test('every path of XML-RPC answers: /, /RPC2, /RPC2/, /xmlrpc', async () => {
  await using bench = await testLab()
  const body = Buffer.from(
    encodeXmlCall({ method: 'session.login_with_password', params: ['root', bench.lab.password] }),
  )
  for (const path of ['/', '/RPC2', '/RPC2/', '/xmlrpc']) {
    const { status, headers, body: answer } = await http(bench.lab, 'POST', path, body)
    expect([path, status, headers['content-type']]).toEqual([path, 200, 'text/xml'])
    expect(decodeXmlAnswer(answer.toString())).toMatchObject({ ok: true })
  }
})
