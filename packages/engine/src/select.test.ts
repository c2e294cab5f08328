import { bytes } from '@tidemark/blocks'
import { expect, test } from 'vitest'
import type { Vm } from './pool.ts'
import { everyVm, isMarkedNoBackup, selectVms, type VmSelection } from './select.ts'

const diskOn = (storage: string, name = 'system') => ({
  position: 0,
  vdiUuid: `${storage}-disk`,
  name,
  size: bytes(1 << 20),
  storage: { uuid: `uuid-${storage}`, name: storage, type: 'ext', canTrack: true },
  tracked: true,
})

const vm = (name: string, powerState: string, tags: readonly string[], storage: string): Vm => ({
  uuid: `uuid-${name}`,
  name,
  powerState,
  tags,
  disks: [diskOn(storage)],
})

const vms = [
  vm('db', 'Running', ['prod', 'daily'], 'fast'),
  vm('web', 'Running', ['prod'], 'slow'),
  vm('old', 'Halted', [], 'slow'),
  vm('scratch', 'Running', ['prod', 'xo:no-bak'], 'slow'),
]

function chosen(selection: Partial<VmSelection>): string[] {
  return selectVms(vms, { ...everyVm, ...selection }).chosen.map(({ name }) => name)
}

test('names, tags, power state and storage all have to fit', () => {
  expect(chosen({ tags: ['prod'] })).toEqual(['db', 'web'])
  expect(chosen({ tags: ['prod'], storages: ['slow'] })).toEqual(['web'])
  expect(chosen({ powerStates: ['halted'] })).toEqual(['old'])
  expect(chosen({ storages: ['uuid-fast'] })).toEqual(['db'])
  expect(chosen({ named: ['web', 'uuid-db', 'db'] })).toEqual(['web', 'db'])
})

test('what is left out is told with its reason', () => {
  const { leftOut } = selectVms(vms, { ...everyVm, tags: ['daily'], without: ['web'], withoutTags: ['daily'] })
  expect(leftOut.map(({ vm: { name }, reason }) => [name, reason])).toEqual([
    ['db', 'excluded-by-tag'],
    ['web', 'excluded'],
    ['old', 'no-such-tag'],
    ['scratch', 'excluded-by-tag'],
  ])
})

test("a VM with Xen Orchestra's tag is backed up only when it is named", () => {
  expect(chosen({})).not.toContain('scratch')
  expect(chosen({ named: ['scratch'] })).toEqual(['scratch'])
})

test('a typo is an error: it would be missing from the backup', () => {
  expect(() => chosen({ named: ['wbe'] })).toThrow(/no VM 'wbe'/)
  expect(() => chosen({ without: ['wbe'] })).toThrow(/no VM 'wbe'/)
  expect(() => chosen({ storages: ['fsat'] })).toThrow(/'fsat'/)
})

test.each([
  ['[NOBAK] swap', true],
  ['swap [NOSNAP][NOBAK]', true],
  ['[NOSNAP] scratch', true],
  ['nobak', false],
])("a disk called '%s' is marked: %s", (name, is) => {
  expect(isMarkedNoBackup(diskOn('fast', name))).toBe(is)
})
