import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

// Tables of docs/ whose last column names the tests that hold a row.

const ROOT = resolve(import.meta.dirname, '../..')

/** What stands for the path of a file. */
type ShortNames = ReadonlyMap<string, string>

/** The lines of all tables, without the rulers. */
export const rowsOf = (text: string): string[] => text.split('\n').filter((line) => line.startsWith('| '))

/** What rows name that is not there, or that they name no test. */
export const rowsWithoutTests = (rows: readonly string[], shortNames: ShortNames = new Map()): string[] =>
  rows.flatMap((row) => missingTests(cellsOf(row).at(-1) ?? '', shortNames).map((what) => `${what} <- ${row}`))

const cellsOf = (row: string): string[] =>
  row
    .split('|')
    .map((cell) => cell.trim())
    .filter((cell) => cell !== '')

/** What a cell names that is not there: files, or titles in them. */
function missingTests(cell: string, shortNames: ShortNames): string[] {
  const references = referencesIn(cell, shortNames)
  if (references.length === 0) return ['no test']
  return references.flatMap(({ path, titles }) => {
    if (!existsSync(join(ROOT, path))) return [path]
    const source = readFileSync(join(ROOT, path), 'utf8').replaceAll(/'\s*\+\s*'/g, '')
    return titles.filter((title) => !source.includes(title)).map((title) => `${path}: ${title}`)
  })
}

interface Reference {
  readonly path: string
  readonly titles: readonly string[]
}

/** `` `path`: title, title; `path` `` with short names for paths. A part without a path belongs to the one before. */
function referencesIn(cell: string, shortNames: ShortNames): Reference[] {
  const references: { path: string; titles: string[] }[] = []
  for (const part of cell.split(/[;,]/)) {
    const [, quoted, short = '', title] = /^\s*(?:`([^`]+)`|(XO(?: \w+)?))(?::(.*))?$/.exec(part) ?? []
    const path = quoted ?? shortNames.get(short)
    if (path !== undefined) references.push({ path, titles: [] })
    const words = (path === undefined ? part : (title ?? '')).trim()
    if (words !== '') references.at(-1)?.titles.push(words)
  }
  return references
}
