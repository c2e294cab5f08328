import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TaskRef, VbdRef, VdiRef, VmRef } from '@tidemark/xenapi'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Database } from '../src/database/database.ts'
import { violations, type Subject } from '../src/invariants.ts'
import { loggedIn, testLab } from './harness.ts'

let directory: string
let db: Database
let count = 0

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-lab-invariants-'))
  db = new Database({ directory, newUuid: () => `00000000-0000-0000-0000-${String(++count).padStart(12, '0')}` })
})
afterEach(async () => {
  db.close()
  await rm(directory, { recursive: true, force: true })
})

const nothing: Subject['storage'] = {
  list: () => [],
  has: () => false,
  hasData: () => false,
  isTracked: () => false,
  sizeOf: () => 0 as ReturnType<Subject['storage']['sizeOf']>,
  chainLink: () => undefined,
}
const broken = (storage: Partial<Subject['storage']> = {}, idle = true): string[] =>
  violations({ db, storage: { ...nothing, ...storage }, idle }).map(({ rule, class: name }) => `${name}: ${rule}`)

test('a pool at work breaks no rule', async () => {
  await using pool = await testLab()
  const { control } = pool.lab
  const api = await loggedIn(pool)
  const vm = await control.createVm({
    name: 'web',
    disks: [{ size: 4 << 20, tracked: true }, { size: 1 }],
    running: true,
  })
  expect(await control.invariants()).toEqual([])
  const snapshot = await api.call('VM.snapshot', vm.ref, 'one')
  await api.call('VM.snapshot', vm.ref, 'two')
  await api.call('VM.clone', snapshot, 'three')
  await api.call('VM.destroy', snapshot)
  expect(await control.invariants()).toEqual([])
})

test('each rule finds what breaks it', () => {
  expect(broken()).toEqual([])
  const vm = db.insert('VM', { domid: -1 })
  expect(broken()).toEqual([])

  const dangling = db.insert('VBD', { VM: vm, VDI: 'OpaqueRef:gone' as VdiRef, userdevice: '0' })
  expect(broken()).toEqual(['VBD: every reference resolves'])
  db.remove('VBD', dangling)

  const vdi = db.insert('VDI', {})
  const vbd = (fields: object): VbdRef => db.insert('VBD', { VM: vm, VDI: vdi, mode: 'RO', userdevice: '0', ...fields })
  const full = vbd({ empty: true })
  expect(broken()).toEqual(['VBD: a drive holds a disk or is empty'])
  db.remove('VBD', full)

  const twice = [vbd({}), vbd({})]
  expect(broken()).toEqual(['VM: slots are used once'])
  for (const each of twice) db.remove('VBD', each)

  const attached = vbd({ currently_attached: true })
  expect(broken()).toEqual(['VM: power and devices agree'])
  db.remove('VBD', attached)

  db.update('VM', vm, { metrics: db.insert('VM_metrics', {}) })
  db.insert('VM_metrics', {})
  expect(broken()).toEqual(['VM_metrics: an object that belongs to another has one owner'])
})

test('two writers of a disk are found, and a writer beside a reader; a host may read along', () => {
  const host = db.insert('host', {})
  const running = { power_state: 'Running', resident_on: host, domid: 1 } as const
  const vms = [1, 2].map(() => db.insert('VM', running))
  const dom0 = db.insert('VM', { ...running, is_control_domain: true })
  const vdi = db.insert('VDI', {})
  const use = (VM: VmRef | undefined, mode: 'RO' | 'RW'): VbdRef =>
    db.insert('VBD', { ...(VM && { VM }), VDI: vdi, mode, currently_attached: true, userdevice: '0' })
  use(vms[0], 'RW')
  use(dom0, 'RO')
  expect(broken()).toEqual([])
  const reader = use(vms[1], 'RO')
  expect(broken()).toEqual(['VDI: a disk has one writer'])
  db.remove('VBD', reader)
  use(dom0, 'RW')
  expect(broken()).toContain('VDI: a disk has one writer')
})

test('an operation under way belongs to a pending task, and to none when nobody works', () => {
  const task = db.insert('task', { status: 'pending' })
  const vdi = db.insert('VDI', {})
  db.update('VDI', vdi, { current_operations: { [task]: 'snapshot' } })
  expect(broken({}, false)).toEqual([])
  expect(broken({})).toEqual(['VDI: operations under way belong to tasks'])
  db.update('task', task, { status: 'success' })
  expect(broken({}, false)).toEqual(['VDI: operations under way belong to tasks'])
  db.update('VDI', vdi, { current_operations: { ['OpaqueRef:nobody' as TaskRef]: 'snapshot' } })
  expect(broken({}, false)).toEqual(['VDI: operations under way belong to tasks'])
})

test('records and disks agree, and change logs stand in line', () => {
  const a = db.insert('VDI', { uuid: 'a', cbt_enabled: true })
  db.insert('VDI', { uuid: 'b', cbt_enabled: true, snapshot_of: a })
  const disks = (chain: Record<string, readonly [(string | undefined)?, string?]>): Partial<Subject['storage']> => ({
    list: () => Object.keys(chain),
    has: (id) => id in chain,
    hasData: () => true,
    isTracked: () => true,
    chainLink: (id) => ({ parent: chain[id]?.[0], child: chain[id]?.[1] }),
  })
  expect(broken(disks({ b: [undefined, 'a'], a: ['b'] }))).toEqual([])
  expect(broken(disks({ b: [undefined, 'a'], a: [] }))).toEqual(['VDI: chains of change logs are linear'])
  expect(broken(disks({ b: ['a', 'a'], a: ['b', 'b'] }))).toEqual(
    Array(2).fill('VDI: chains of change logs are linear'),
  )
  expect(broken({ ...disks({ a: [], b: [] }), isTracked: () => false })).toEqual(
    Array(2).fill('VDI: records and disks agree'),
  )
  expect(broken(disks({ a: [], b: [], c: [] }))).toEqual(['VDI: records and disks agree'])
})

test('snapshots of one disk that have one time are found', () => {
  const disk = db.insert('VDI', {})
  for (const _ of [1, 2]) db.insert('VDI', { snapshot_of: disk, snapshot_time: new Date(0) })
  expect(broken()).toEqual(['VDI: snapshots of one thing have different times'])
})
