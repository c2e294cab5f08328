import { appendFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { NULL_REF } from '@tidemark/xenapi/codec'
import type { VdiRef } from '@tidemark/xenapi'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Database } from './database.ts'

let directory: string
let count = 0
const newUuid = (): string => `00000000-0000-0000-0000-${String(++count).padStart(12, '0')}`
const open = (): Database => new Database({ directory, newUuid })
const journal = (): string => join(directory, 'database.jsonl')

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-lab-database-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

test('a new record has the defaults of the model, and empty values where it has none', () => {
  const db = open()
  const vdi = db.insert('VDI', { name_label: 'disk' })
  expect(db.get('VDI', vdi)).toMatchObject({ name_label: 'disk', on_boot: 'persist', virtual_size: 0, SR: NULL_REF })
  db.close()
})

test('a reference shows as a list on its other side, as long as both are there', () => {
  const db = open()
  const vm = db.insert('VM', {})
  const [a, b] = [db.insert('VDI', {}), db.insert('VDI', {})]
  const vbd = db.insert('VBD', { VM: vm, VDI: a })
  expect([db.get('VM', vm).VBDs, db.get('VDI', a).VBDs]).toEqual([[vbd], [vbd]])
  db.update('VBD', vbd, { VDI: b })
  expect([db.get('VDI', a).VBDs, db.get('VDI', b).VBDs]).toEqual([[], [vbd]])
  db.remove('VBD', vbd)
  expect([db.get('VM', vm).VBDs, db.get('VDI', b).VBDs]).toEqual([[], []])
  db.close()
})

test('a change that fails has changed nothing, in memory or in the journal', async () => {
  const db = open()
  const vdi = db.insert('VDI', { name_label: 'before' })
  const { generation } = db
  const before = await readFile(journal(), 'utf8')
  const change = () =>
    db.change((draft) => {
      draft.update('VDI', vdi, { name_label: 'after' })
      draft.insert('VDI', { snapshot_of: vdi })
      draft.remove('VDI', 'OpaqueRef:nobody' as VdiRef)
    })
  expect(change).toThrow(/HANDLE_INVALID/)
  expect(db.get('VDI', vdi)).toMatchObject({ name_label: 'before', snapshots: [] })
  expect([db.all('VDI').length, db.generation]).toEqual([1, generation])
  expect(await readFile(journal(), 'utf8')).toBe(before)
  db.close()
})

test('what was changed is there when it is opened again, with dates and lists in their order', () => {
  const first = open()
  const disk = first.insert('VDI', {})
  const snapshots = [1, 2, 3].map((n) => first.insert('VDI', { snapshot_of: disk, snapshot_time: new Date(n * 1000) }))
  const [, second] = snapshots
  if (second === undefined) throw new Error('no snapshot')
  first.update('VDI', second, { snapshot_of: NULL_REF as VdiRef })
  first.update('VDI', second, { snapshot_of: disk })
  first.insert('session', {})
  const records = first.all('VDI')
  first.close()
  for (const _ of [1, 2]) {
    const again = open()
    expect(again.all('VDI')).toEqual(records)
    expect(again.all('session')).toEqual([])
    again.close()
  }
})

test('a torn last line is a change that never was; a damaged line before it is an error', async () => {
  const first = open()
  const vdi = first.insert('VDI', { name_label: 'kept' })
  first.close()
  await appendFile(journal(), '{"generation":9,"steps":[["set","VDI"')
  const second = open()
  expect(second.get('VDI', vdi).name_label).toBe('kept')
  second.update('VDI', vdi, { name_label: 'later' })
  second.close()
  const third = open()
  expect(third.get('VDI', vdi).name_label).toBe('later')
  third.close()
  await writeFile(journal(), `nonsense\n${await readFile(journal(), 'utf8')}`)
  expect(open).toThrow(expect.objectContaining({ code: 'LAB_DATABASE_DAMAGED' }))
})

test('operations under way end with the process', () => {
  const first = open()
  const vdi = first.insert('VDI', {})
  first.update('VDI', vdi, { current_operations: { task: 'snapshot' } })
  first.close()
  const again = open()
  expect(again.get('VDI', vdi).current_operations).toEqual({})
  again.close()
})

test('a journal that cannot be written anew goes on as it is, and is shortened once it can', async () => {
  const db = open()
  await mkdir(`${journal()}.new`) // no file of this name can be written
  const text = 'x'.repeat(1 << 20)
  const vdi = db.insert('VDI', {})
  for (let n = 1; n <= 6; n++) db.update('VDI', vdi, { name_label: `${n}`, name_description: text })
  expect(db.get('VDI', vdi).name_label).toBe('6')
  expect((await stat(journal())).size).toBeGreaterThan(6 << 20)
  await rm(`${journal()}.new`, { recursive: true })
  for (let n = 7; n <= 12; n++) db.update('VDI', vdi, { name_label: `${n}`, name_description: text })
  expect((await stat(journal())).size).toBeLessThan(6 << 20)
  db.close()
  const again = open()
  expect(again.get('VDI', vdi).name_label).toBe('12')
  again.close()
})

test('nothing changes after the end', () => {
  const db = open()
  const vdi = db.insert('VDI', { name_label: 'last' })
  db.close()
  expect(() => db.update('VDI', vdi, { name_label: 'later' })).toThrow(
    expect.objectContaining({ code: 'LAB_DATABASE_CLOSED' }),
  )
  expect(db.get('VDI', vdi).name_label).toBe('last')
  const again = open()
  expect(again.get('VDI', vdi).name_label).toBe('last')
  again.close()
})

test('a token of an earlier process lies before every object of the next, whatever was counted between', () => {
  const first = open()
  first.insert('VDI', {})
  for (let n = 0; n < 100; n++) first.remove('task', first.insert('task', {}))
  const { generation } = first
  first.close()
  const again = open()
  expect([...again.rows('VDI').values()].every(({ created }) => created > generation)).toBe(true)
  again.close()
})
