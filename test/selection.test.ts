import { MiB } from '@tidemark/blocks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openBench, succeed, type Bench } from './support/pool.ts'

let bench: Bench

beforeAll(async () => {
  bench = await openBench()
  await bench.lab.control.createVm({ name: 'db', disks: [{ name: 'data', size: 2 * MiB }] })
  await bench.lab.control.createVm({
    name: 'web',
    disks: [
      { name: 'system', size: 2 * MiB },
      { name: '[NOBAK] cache', size: 2 * MiB },
    ],
  })
  await bench.lab.control.createVm({ name: 'scratch', disks: [{ name: 'system', size: 2 * MiB }] })
  await using admin = await bench.admin()
  const tag = async (vm: string, name: string) => {
    for (const ref of await admin.VM.get_by_name_label(vm)) await admin.VM.add_tags(ref, name)
  }
  await tag('db', 'nightly')
  await tag('web', 'nightly')
  await tag('scratch', 'xo:no-bak')
}, 60_000)
afterAll(() => bench[Symbol.asyncDispose]())

test('a plan says which VMs fit, which do not and why, and which disk says itself that it is not backed up', async () => {
  const { last, lines } = await bench.tidemark('plan', '--vm-tag', 'nightly', '--not', 'db')
  expect(last['plans'].map((plan: { vm: { name: string } }) => plan.vm.name)).toEqual(['web'])
  expect(last['plans'][0].disks).toHaveLength(1)
  expect(last['leftOut'].map(({ vm, reason }: { vm: { name: string }; reason: string }) => [vm.name, reason])).toEqual([
    ['db', 'excluded'],
    ['scratch', 'excluded-by-tag'],
  ])
  expect(lines).toContainEqual({ type: 'disk-left-out', vm: 'web', disk: '[NOBAK] cache', position: 1 })
})

test('all VMs are backed up but those that are marked; a disk that is named is taken whatever its name', async () => {
  const all = await succeed(bench.tidemark('backup', '--all', '--power-state', 'halted'))
  expect(all['points']).toHaveLength(2)
  const named = await succeed(bench.tidemark('backup', 'web', '--disk', '[NOBAK] cache'))
  expect(named['points'][0].disks).toMatchObject([{ name: '[NOBAK] cache' }])
})

test('nothing said, a typo, and nothing that fits are errors that say what to do', async () => {
  expect(await bench.tidemark('backup')).toMatchObject({ code: 2, last: { code: 'CLI_USAGE' } })
  expect((await bench.tidemark('backup', '--sr', 'nowhere')).last).toMatchObject({ code: 'ENGINE_STORAGE_UNKNOWN' })
  expect((await bench.tidemark('backup', '--vm-tag', 'never')).last).toMatchObject({ code: 'ENGINE_VM_UNKNOWN' })
})
