import { expect, test } from 'vitest'
import type { WireStruct } from '@tidemark/xenapi/codec'
import { http, loggedIn, testLab, type RawClient, type TestLab } from './harness.ts'

const disk = (SR: string, more: object = {}) => ({
  SR,
  virtual_size: 2 << 20,
  type: 'user',
  sharable: false,
  read_only: false,
  other_config: {},
  ...more,
})

async function defaultSr(client: RawClient): Promise<string> {
  const [pool = ''] = (await client.call('pool.get_all')) as string[]
  return (await client.call('pool.get_default_SR', pool)) as string
}

/** PUT /import of an archive. Answers the task's error_info. */
async function importing({ lab }: TestLab, client: RawClient, archive: Uint8Array): Promise<unknown> {
  const task = (await client.call('task.create', 'import', '')) as string
  await http(lab, 'PUT', `/import?session_id=${client.session}&task_id=${task}`, archive)
  return ((await client.call('task.get_record', task)) as WireStruct)['error_info']
}

async function exported({ lab }: TestLab, { session }: RawClient): Promise<Buffer> {
  const { uuid, disks } = await lab.control.createVm({ name: 'vm', disks: [{ size: 4 << 20 }] })
  await lab.control.writeDisk(disks[0]?.uuid ?? '', 5000, Buffer.from('travels in the first chunk'))
  return (await http(lab, 'GET', `/export?session_id=${session}&uuid=${uuid}`)).body
}

test('an import that names no SR needs a default one', async () => {
  await using world = await testLab()
  const client = await loggedIn(world)
  const archive = await exported(world, client)
  const [pool = ''] = (await client.call('pool.get_all')) as string[]
  await client.call('pool.set_default_SR', pool, 'OpaqueRef:NULL')
  expect(await importing(world, client, archive)).toEqual(['DEFAULT_SR_NOT_FOUND', 'OpaqueRef:NULL'])
})

test('a network that the pool does not manage carries no NBD', async () => {
  await using world = await testLab()
  const client = await loggedIn(world)
  const network = await client.call('network.create', { name_label: 'foreign', managed: false, other_config: {} })
  expect(await client.failure('network.add_purpose', network, 'nbd')).toEqual(['NETWORK_UNMANAGED', network])
})

test('an SR that no host is connected to takes no disks', async () => {
  await using world = await testLab()
  const client = await loggedIn(world)
  const sr = (await client.call('SR.introduce', '', 'lonely', '', 'nfs', '', true, {})) as string
  expect(await client.failure('VDI.create', disk(sr))).toEqual(['SR_HAS_NO_PBDS', sr])
})

test('a disk that several VMs may write has no snapshots', async () => {
  await using world = await testLab()
  const client = await loggedIn(world)
  const shared = await client.call('VDI.create', disk(await defaultSr(client), { sharable: true }))
  expect(await client.failure('VDI.snapshot', shared)).toEqual(['VDI_IS_SHARABLE', shared])
})
