import { randomBytes } from 'node:crypto'
import { MiB } from '@tidemark/blocks'
import type { WireStruct } from '@tidemark/xenapi/codec'
import { expect, test } from 'vitest'
import type { LabHostInfo } from '../src/index.ts'
import { http, loggedIn, testLab, type HttpAnswer, type RawClient, type TestLab } from './harness.ts'

interface Bench {
  readonly client: RawClient
  readonly asked: LabHostInfo
  readonly member: LabHostInfo
  /** A disk on the member's own SR. */
  readonly vdi: string
  readonly sr: string
}

async function benchOf(world: TestLab): Promise<Bench> {
  const [asked, member] = world.lab.hosts
  if (asked === undefined || member === undefined) throw new Error('the pool has fewer than two hosts')
  const client = await loggedIn(world)
  const host = await client.call('host.get_by_uuid', member.uuid)
  const pbds = Object.values((await client.call('PBD.get_all_records')) as Record<string, WireStruct>)
  const local: string[] = []
  for (const { SR, host: owner } of pbds) {
    const { type, PBDs } = (await client.call('SR.get_record', SR as string)) as WireStruct
    if (owner === host && type === 'ext' && (PBDs as string[]).length === 1) local.push(SR as string)
  }
  const [sr = ''] = local
  const vdi = (await client.call('VDI.create', {
    name_label: 'far away',
    SR: sr,
    virtual_size: String(2 * MiB),
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
  })) as string
  return { client, asked, member, vdi, sr }
}

const storages = [
  { name: 'shared', type: 'nfs' },
  { name: 'far', type: 'ext', hosts: [1] },
] as const

test('a disk that the asked host does not see is at the address of one that does, task and all', async () => {
  await using world = await testLab({ hosts: 2, storages, addressWithPort: true })
  const { client, asked, member, vdi } = await benchOf(world)
  const task = (await client.call('task.create', 'import', '')) as string
  const path = `/import_raw_vdi?vdi=${vdi}&session_id=${client.session}&task_id=${task}&format=raw`
  const data = randomBytes(2 * MiB)
  const sent = await http(asked, 'PUT', path, new Uint8Array())
  expect(sent.status).toBe(302)
  expect(sent.headers.location).toBe(`${member.url}${path}`)
  expect(await client.call('task.get_status', task)).toBe('pending')
  const to = new URL(sent.headers.location as string)
  await http(member, 'PUT', `${to.pathname}${to.search}`, data)
  expect(await client.call('task.get_status', task)).toBe('success')
  const back: HttpAnswer = await http(member, 'GET', `/export_raw_vdi?vdi=${vdi}&session_id=${client.session}`)
  expect(back.body.equals(data)).toBe(true)
})

test('every handler of data redirects: exports and imports of disks and VMs', async () => {
  await using world = await testLab({ hosts: 2, storages })
  const { client, asked, vdi, sr } = await benchOf(world)
  const { ref: vm } = await world.lab.control.createVm({ name: 'vm', disks: [] })
  await client.call('VBD.create', {
    VM: vm,
    VDI: vdi,
    userdevice: '0',
    bootable: false,
    mode: 'RW',
    type: 'Disk',
    empty: false,
    other_config: {},
    qos_algorithm_type: '',
    qos_algorithm_params: {},
  })
  const session = `session_id=${client.session}`
  for (const [method, path] of [
    ['GET', `/export_raw_vdi?vdi=${vdi}&${session}`],
    ['PUT', `/import_raw_vdi?sr_id=${sr}&${session}`],
    ['GET', `/export?ref=${vm}&${session}`],
    ['PUT', `/import?sr_id=${sr}&${session}`],
  ] as const) {
    const { status, headers } = await http(asked, method, path, new Uint8Array())
    expect([status, headers.location]).toEqual([302, `https://127.0.0.2${path}`])
  }
})

test('a disk that no host sees is nowhere', async () => {
  await using world = await testLab({ hosts: 2, storages })
  const { client, asked, vdi, sr } = await benchOf(world)
  const [pbd = ''] = (await client.call('SR.get_PBDs', sr)) as string[]
  await client.call('PBD.unplug', pbd)
  const task = (await client.call('task.create', 'export', '')) as string
  const path = `/export_raw_vdi?vdi=${vdi}&session_id=${client.session}&task_id=${task}`
  expect((await http(asked, 'GET', path)).status).toBe(500)
  expect(await client.call('task.get_error_info', task)).toEqual(['NO_HOSTS_AVAILABLE'])
})
