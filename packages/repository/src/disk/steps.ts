import { endOf } from '@tidemark/blocks'
import type { DiskContent } from './content.ts'
import type { ContentPlan } from './plan.ts'

/** The next stretch of a content: pieces kept from the parent, or one new piece. */
export interface Step {
  readonly offset: number
  readonly length: number
  /** Undefined for a new piece. */
  readonly from: DiskContent | undefined
}

/** A content from its beginning to its end. */
export function* stepsOf({ parent, rewritten, merged, size, kind, grid }: ContentPlan): Generator<Step> {
  let at = 0
  let group = 0 // among `merged`
  for (const each of rewritten) {
    if (each.offset > at) yield { offset: at, length: each.offset - at, from: parent }
    at = each.offset
    while (at < endOf(each)) {
      let next = merged[group]
      while (next !== undefined && endOf(next) <= at) next = merged[++group]
      const isBase = kind === 'full' || (next !== undefined && next.offset <= at)
      const unit = isBase ? grid.base : grid.fine
      const limit = next === undefined || isBase ? endOf(each) : Math.min(endOf(each), next.offset)
      const end = Math.min((Math.floor(at / unit) + 1) * unit, limit)
      yield { offset: at, length: end - at, from: undefined }
      at = end
    }
  }
  if (at < size) yield { offset: at, length: size - at, from: parent }
}
