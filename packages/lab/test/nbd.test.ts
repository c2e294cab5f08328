import { MiB } from '@tidemark/blocks'
import { openNbd, type NbdClient } from '@tidemark/nbd'
import { expect, test } from 'vitest'
import { loggedIn, testLab, type TestLab } from './harness.ts'

/** One try for each read: what the lab does to it is to be seen. */
function connect({ lab }: TestLab, exportName: string): Promise<NbdClient> {
  const tls = { kind: 'certificate' as const, pem: lab.certificate }
  return openNbd({ address: lab.nbdAddress, exportName, tls }, { tries: 1 })
}

async function snapshotWorld() {
  const world = await testLab()
  const client = await loggedIn(world)
  const vm = await world.lab.control.createVm({ name: 'vm', disks: [{ size: 4 * MiB, tracked: true }] })
  const disk = vm.disks[0]?.ref ?? ''
  const [base, snapshot] = [
    await client.call('VDI.snapshot', disk),
    await client.call('VDI.snapshot', disk),
  ] as string[]
  const uuid = (await client.call('VDI.get_uuid', snapshot ?? '')) as string
  const name = `/${uuid}?session_id=${client.session}`
  return { world, client, base: base ?? '', snapshot: snapshot ?? '', uuid, name }
}

test('a disk is in use while it is read, and until shortly after', async () => {
  const { world, client, base, snapshot, name } = await snapshotWorld()
  await using _ = world
  const reader = await connect(world, name)
  await reader.read(0, 65_536)
  const inUse = ['VDI_IN_USE', snapshot, 'list_changed_blocks']
  expect(await client.failure('VDI.list_changed_blocks', base, snapshot)).toEqual(inUse)
  expect(await client.failure('VDI.destroy', snapshot)).toEqual(['VDI_IN_USE', snapshot, 'destroy'])
  expect(await client.failure('VDI.data_destroy', snapshot)).toEqual(['VDI_IN_USE', snapshot, 'data_destroy'])
  await reader[Symbol.asyncDispose]()
  await client.call('VDI.data_destroy', snapshot)
  await client.call('VDI.list_changed_blocks', base, snapshot)
})

test('what was read is known to the byte', async () => {
  const { world, uuid, name } = await snapshotWorld()
  await using _ = world
  const { control } = world.lab
  {
    await using reader = await connect(world, name)
    for (const offset of [0, 65_536, 2 * MiB, 0]) await reader.read(offset, 65_536)
  }
  const extents = [
    { offset: 0, length: 131_072 },
    { offset: 2 * MiB, length: 65_536 },
  ]
  expect(await control.nbdReads(uuid)).toEqual([{ vdi: uuid, bytes: 4 * 65_536, extents }])
  await control.resetNbdReads()
  expect(await control.nbdReads()).toEqual([])
})

test('a wrong session, an unknown disk and destroyed data are turned away', async () => {
  const { world, client, snapshot, uuid, name } = await snapshotWorld()
  await using _ = world
  await expect(connect(world, `/${uuid}?session_id=OpaqueRef:nobody`)).rejects.toThrow()
  await expect(connect(world, `/nothing?session_id=${client.session}`)).rejects.toThrow()
  await client.call('VDI.data_destroy', snapshot)
  await expect(connect(world, name)).rejects.toThrow()
})

test('a stream goes on after its session has ended', async () => {
  const { world, client, name } = await snapshotWorld()
  await using _ = world
  await using reader = await connect(world, name)
  await client.call('session.logout')
  expect(await reader.read(0, 512)).toHaveLength(512)
})

test('a fault cuts one connection after so many bytes', async () => {
  const { world, name } = await snapshotWorld()
  await using _ = world
  await world.lab.control.cutNbdAfter(131_072)
  {
    await using reader = await connect(world, name)
    await reader.read(0, 65_536)
    await expect(reader.read(65_536, 65_536)).rejects.toMatchObject({ code: 'NBD_DISCONNECTED' })
  }
  await using reader = await connect(world, name)
  expect(await reader.read(0, 4 * 65_536)).toHaveLength(4 * 65_536)
})

test('who reads goes on when the network loses its purpose; nobody else gets in', async () => {
  const { world, name } = await snapshotWorld()
  await using _ = world
  await using reader = await connect(world, name)
  await world.lab.control.removePurposes()
  await expect
    .poll(() =>
      connect(world, name).then(
        (other) => other[Symbol.asyncDispose]().then(() => 'in'),
        () => 'away',
      ),
    )
    .toBe('away')
  expect((await reader.read(0, 512)).length).toBe(512)
})

test('without a purpose nobody gets in; with insecure_nbd it goes in the clear', async () => {
  const { world, client, name } = await snapshotWorld()
  await using _ = world
  await world.lab.control.removePurposes()
  const opens = (tls: boolean): Promise<boolean> =>
    (tls ? connect(world, name) : openNbd({ address: world.lab.nbdAddress, exportName: name })).then(
      async (reader) => {
        await reader[Symbol.asyncDispose]()
        return true
      },
      () => false,
    )
  await expect.poll(() => opens(true)).toBe(false)
  const [network] = (await client.call('network.get_all')) as string[]
  await client.call('network.add_purpose', network ?? '', 'insecure_nbd')
  await expect.poll(() => opens(false)).toBe(true)
  await client.call('network.remove_purpose', network ?? '', 'insecure_nbd')
  await client.call('network.add_purpose', network ?? '', 'nbd')
  await expect.poll(() => opens(true)).toBe(true)
})
