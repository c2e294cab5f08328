import { truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MiB, TiB } from '@tidemark/blocks'
import { expect, test } from 'vitest'
import { openLabControl } from '../src/index.ts'
import { loggedIn, run, testLab } from './harness.ts'

test('another process controls the lab over its socket', async () => {
  await using world = await testLab()
  const control = await openLabControl(world.directory)
  expect(await control.info()).toMatchObject({ url: world.lab.url, fingerprint: world.lab.fingerprint })
  const vm = await control.createVm({ name: 'vm', disks: [{ size: 2 * MiB }] })
  const [disk] = vm.disks
  await control.writeDisk(disk?.uuid ?? '', 100, Buffer.from('bytes'))
  expect(Buffer.from(await control.readDisk(disk?.uuid ?? '', 100, 5)).toString()).toBe('bytes')
  await expect(control.sha256('nothing')).rejects.toMatchObject({ code: 'LAB_CONTROL', message: /UUID_INVALID/ })
  await expect(openLabControl(join(world.directory, 'guests'))).rejects.toMatchObject({ code: 'LAB_CONTROL' })
})

test('the control interface is found in a directory whose path is too long for a socket', async () => {
  await using world = await testLab()
  await using deep = await testLab({ directory: join(world.directory, 'd'.repeat(120)) })
  const { url } = await (await openLabControl(deep.lab.directory)).info()
  expect(url).toBe(deep.lab.url)
})

test('an image of 1 TiB with holes costs what it holds', { timeout: 60_000 }, async () => {
  await using world = await testLab()
  const image = join(world.directory, 'image.raw')
  await writeFile(image, Buffer.alloc(65_536, 'x'))
  await truncate(image, 8 * MiB)
  const { control } = world.lab
  const vm = await control.createVm({ name: 'vm', disks: [{ image }, { size: TiB }] })
  const [small, large] = vm.disks
  expect(small?.size).toBe(8 * MiB)
  expect((await run('sha256sum', image)).split(' ')[0]).toBe(await control.sha256(small?.uuid ?? ''))
  await control.writeDisk(large?.uuid ?? '', TiB - 5, Buffer.from('at end').subarray(1))
  expect(await control.usedSpace()).toBeLessThan(MiB)
})

test('tracking that somebody switched off, or that a crash broke, is gone', async () => {
  await using world = await testLab()
  const { control } = world.lab
  const client = await loggedIn(world)
  const vm = await control.createVm({
    name: 'vm',
    running: true,
    disks: [
      { size: 2 * MiB, tracked: true },
      { size: 2 * MiB, tracked: true },
    ],
  })
  const [first, second] = vm.disks.map(({ ref }) => ref) as [string, string]
  const base = (await client.call('VDI.snapshot', second)) as string
  await control.disableCbtBehind(vm.disks[0]?.uuid ?? '')
  expect(await client.call('VDI.get_cbt_enabled', first)).toBe(false)
  await control.crashHost()
  expect(await client.call('VM.get_power_state', vm.ref)).toBe('Halted')
  expect(await client.call('VDI.get_cbt_enabled', second)).toBe(false)
  const messages = Object.values((await client.call('message.get_all_records')) as Record<string, { name: string }>)
  expect(messages.map(({ name }) => name)).toEqual(['VDI_CBT_METADATA_INCONSISTENT'])
  expect((await client.failure('VDI.list_changed_blocks', base, second))[0]).toBe('SR_BACKEND_FAILURE_460')
})
