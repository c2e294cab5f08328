import { expect, test } from 'vitest'
import { choosePoint, slugOf, vmNameOf, type RestorePoint } from './points.ts'

const point = (id: string, vm: string, time: string): RestorePoint => {
  const snapshot = { id, time: new Date(time), hostname: slugOf(vm), tags: ['tidemark', `vm-uuid-of-${vm}`] }
  return { id, snapshot: snapshot as unknown as RestorePoint['snapshot'] }
}
const points = [
  point('aaaa1111', 'web', '2026-11-20T10:00:00Z'),
  point('aaaa2222', 'db', '2026-11-21T10:00:00Z'),
  point('bbbb3333', 'web', '2026-11-22T10:00:30Z'),
]
const chosen = (selector: string) => choosePoint(points, selector).id
const codeOf = (selector: string) => {
  try {
    return chosen(selector)
  } catch (error) {
    return (error as { code: string }).code
  }
}

test('a point is found by prefix, latest, VM name, VM UUID, and time', () => {
  expect(chosen('aaaa1')).toBe('aaaa1111')
  expect(chosen('latest')).toBe('bbbb3333')
  expect(chosen('web')).toBe('bbbb3333')
  expect(chosen('uuid-of-db')).toBe('aaaa2222')
  expect(chosen('web@2026-11-20')).toBe('aaaa1111')
  expect(chosen('web@2026-11-21T23:00:00Z')).toBe('aaaa1111')
  expect(chosen('web@2026-11-22T10:00Z')).toBe('bbbb3333')
  expect(chosen('web@latest')).toBe('bbbb3333')
  const local = new Date('2026-11-22T10:00:30Z')
  const printed = `${local.getFullYear()}-${local.getMonth() + 1}-${local.getDate()} ${String(local.getHours()).padStart(2, '0')}:00`
  expect(chosen(`web@${printed}`)).toBe('bbbb3333')
})

test('a VM whose name holds an @ is found by its name', () => {
  const odd = [...points, point('cccc4444', 'root@web', '2026-11-21T10:00:00Z')]
  expect(choosePoint(odd, 'root@web').id).toBe('cccc4444')
})

test('an ambiguous or unknown selector says so', () => {
  expect(codeOf('aaaa')).toBe('ENGINE_POINT_AMBIGUOUS')
  expect(codeOf('cccc')).toBe('ENGINE_POINT_UNKNOWN')
  expect(codeOf('web@2026-11-19')).toBe('ENGINE_POINT_UNKNOWN')
  expect(codeOf('web@yesterday')).toBe('ENGINE_POINT_UNKNOWN')
})

test('a VM name of any letters survives as a name of plain ones', () => {
  for (const name of ['web1', 'Größe (alt)', "it's 100% ~fine~ *", 'a/b\\c']) {
    expect(slugOf(name)).toMatch(/^[A-Za-z0-9._%-]+$/)
    expect(vmNameOf(point('x', name, '2026-11-20T10:00:00Z'))).toBe(name)
  }
})
