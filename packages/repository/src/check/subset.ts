import { randomInt } from 'node:crypto'
import { RepositoryError } from '../error.ts'
import type { PackTable } from './pack-table.ts'

/** Which packs are read: one of `of` equal parts, so that `of` checks read all; or some drawn at random. */
export type DataSubset =
  /** `part` counts from 1: packs whose ID begins with a byte that is `part - 1` modulo `of`, as restic has it. */
  { readonly part: number; readonly of: number } | { readonly percent: number } | { readonly bytes: number }

/** @throws RepositoryError REPOSITORY_INPUT */
export function assertSubset(subset: DataSubset): void {
  if ('part' in subset) {
    const { part, of } = subset
    const isPart = Number.isInteger(part) && Number.isInteger(of) && part >= 1 && part <= of && of <= 256
    if (!isPart) throw invalid(`part ${part} of ${of}: whole numbers, 1 ≤ part ≤ parts ≤ 256`)
  } else if ('percent' in subset) {
    if (!(subset.percent > 0 && subset.percent <= 100)) throw invalid(`${subset.percent} %: above 0, at most 100`)
  } else if (!(subset.bytes > 0)) throw invalid(`${subset.bytes} bytes: above 0`)
}

/** Numbers of the chosen packs. At least one pack is read, whatever the share. */
export function choosePacks(packs: PackTable, subset: DataSubset | 'all'): number[] {
  const all = packs.stored()
  if (subset === 'all') return all
  if ('part' in subset) return all.filter((pack) => packs.firstByte(pack) % subset.of === subset.part - 1)
  shuffle(all)
  if ('percent' in subset) return all.slice(0, Math.max(1, Math.round((all.length * subset.percent) / 100)))
  let left = subset.bytes
  const end = all.findIndex((pack) => (left -= packs.size(pack)) <= 0)
  return end < 0 ? all : all.slice(0, end + 1)
}

function shuffle(items: number[]): void {
  for (let i = items.length - 1; i > 0; i--) {
    const other = randomInt(i + 1)
    const item = items[i] ?? 0
    items[i] = items[other] ?? 0
    items[other] = item
  }
}

const invalid = (what: string): RepositoryError =>
  new RepositoryError('REPOSITORY_INPUT', `a subset of the data cannot be ${what}`)
