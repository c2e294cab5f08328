import type { WireStruct } from '@tidemark/xenapi/codec'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loggedIn, testLab, type RawClient, type TestLab } from './harness.ts'

let world: TestLab
let api: RawClient
beforeAll(async () => {
  world = await testLab()
  api = await loggedIn(world)
})
afterAll(() => world[Symbol.asyncDispose]())

const templateNamed = async (name: string): Promise<string> => {
  const [ref = ''] = (await api.call('VM.get_by_name_label', name)) as string[]
  return ref
}

test('a new pool has templates that cannot be destroyed or started', async () => {
  const template = await templateNamed('Other install media')
  expect(await api.call('VM.get_record', template)).toMatchObject({
    is_a_template: true,
    is_default_template: true,
    power_state: 'Halted',
    other_config: { default_template: 'true' },
  })
  expect(await api.call('VM.get_allowed_operations', template)).not.toContain('destroy')
  expect(await api.failure('VM.destroy', template)).toEqual(['VM_IS_TEMPLATE', template, 'destroy'])
  expect(await api.failure('VM.start', template, false, false)).toEqual(['VM_IS_TEMPLATE', template, 'start'])
  await api.call('VM.set_is_a_template', template, false)
  expect(await api.failure('VM.destroy', template)).toEqual(['VM_CANNOT_DELETE_DEFAULT_TEMPLATE'])
  await api.call('VM.set_is_a_template', template, true)
})

test('a VM is made of a template as installers do: cloned, told its disks, provisioned', async () => {
  const vm = (await api.call('VM.clone', await templateNamed('Debian Bookworm 12'), 'web')) as string
  expect(await api.call('VM.get_record', vm)).toMatchObject({
    is_a_template: true,
    is_default_template: false,
    other_config: { base_template_name: 'Debian Bookworm 12' },
  })
  const [pool] = (await api.call('pool.get_all')) as string[]
  const sr = await api.call('SR.get_uuid', await api.call('pool.get_default_SR', pool ?? ''))
  const disks = (uuid: string): string =>
    `<provision><disk device="0" size="4194304" sr="${uuid}" bootable="true" type="system"/><disk device='1' size='1' sr='${uuid}' bootable='false' type='user'/></provision>`
  await api.call('VM.add_to_other_config', vm, 'disks', disks('nowhere'))
  expect(await api.failure('VM.provision', vm)).toEqual(['UUID_INVALID', 'sr', 'nowhere'])
  await api.call('VM.set_is_a_template', vm, true)
  await api.call('VM.remove_from_other_config', vm, 'disks')
  await api.call('VM.add_to_other_config', vm, 'disks', disks(sr as string))
  await api.call('VM.provision', vm)
  const record = (await api.call('VM.get_record', vm)) as WireStruct
  expect(record).toMatchObject({ is_a_template: false })
  expect(record['other_config']).not.toHaveProperty('disks')
  const drives = await Promise.all((record['VBDs'] as string[]).map((vbd) => api.call('VBD.get_record', vbd)))
  expect(drives).toMatchObject([
    { userdevice: '0', bootable: true, unpluggable: false, mode: 'RW', other_config: { owner: '' } },
    { userdevice: '1', bootable: false, unpluggable: true, mode: 'RW', other_config: { owner: '' } },
  ])
  await api.call('VM.start', vm, false, false)
  expect(await api.failure('VM.provision', vm)).toEqual(['VM_BAD_POWER_STATE', vm, 'halted', 'running'])
  expect(await world.lab.control.invariants()).toEqual([])
})

test('records are found by expressions', async () => {
  const names = async (where: string): Promise<unknown[]> =>
    Object.values((await api.call('VM.get_all_records_where', where)) as WireStruct).map(
      (each) => (each as WireStruct)['name_label'],
    )
  expect(
    await names('field "is_default_template" = "true" and not field "name__label" = "Other install media"'),
  ).toEqual(['Debian Bookworm 12', 'Windows Server 2022 (64-bit)'])
  expect(await names('field "is_control_domain" = "true"')).toEqual(['Control domain on host: tidemark-lab'])
  expect((await api.failure('VM.get_all_records_where', 'rubbish'))[0]).toBe('INTERNAL_ERROR')
})
