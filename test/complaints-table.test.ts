import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { rowsOf, rowsWithoutTests } from './support/table.ts'

const TABLE = readFileSync(resolve(import.meta.dirname, '../docs/complaints.md'), 'utf8')
const rows = rowsOf(TABLE).filter((row) => !row.startsWith('| complaint'))

test('every complaint has an answer and names tests that exist', () => {
  expect(rows.length).toBeGreaterThan(20)
  expect(rows.filter((row) => row.split('|').length !== 6)).toEqual([])
  expect(rowsWithoutTests(rows)).toEqual([])
})

test('every complaint says where it was told', () => {
  expect(rows.filter((row) => !/\(https:\/\//.test(row.split('|')[2] ?? ''))).toEqual([])
})
