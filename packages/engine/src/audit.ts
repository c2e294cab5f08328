import { createHash } from 'node:crypto'
import {
  bytes,
  CBT_BLOCK,
  changedExtents,
  endOf,
  extent,
  normalize,
  subtract,
  totalLength,
  type Bytes,
  type Extent,
  type Extents,
} from '@tidemark/blocks'
import { compareContent, wholePieces, type DiskContent, type Repository } from '@tidemark/repository'
import type { DiskSource } from './pool.ts'
import type { AuditRecord } from './vm-record.ts'

/** How much of what the pool calls unchanged a run reads and compares with the repository. */
export interface AuditOptions {
  /** Every block is compared within so many runs: each reads one part of so many of the disk. */
  readonly runs: number
  /** Single blocks compared besides, anywhere on the disk. */
  readonly samples: number
}

export const auditDefaults = { runs: 100, samples: 4 } as const satisfies AuditOptions

/** What one run looks at. */
export interface AuditPlan {
  /** The stretch of the sweep. */
  readonly sweep: Extent
  /** The sweep and the samples. */
  readonly extents: Extents
}

/**
 * Where this run's audit reads. The sweep goes on behind the last run's and begins anew at the end of the disk; the samples are
 * drawn from `seed`, so that a run can be repeated.
 */
export function planAudit(
  size: Bytes,
  last: AuditRecord | undefined,
  { runs, samples }: AuditOptions,
  seed: string,
): AuditPlan {
  const blocks = Math.ceil(size / CBT_BLOCK)
  const step = Math.ceil(blocks / runs) * CBT_BLOCK
  const isAnew = last === undefined || last.to >= size || step >= size // one run that looks at everything does not go on where others were
  const from = isAnew ? 0 : last.to
  const sweep = extent(from, Math.min(step, size - from))
  return { sweep, extents: normalize([sweep, ...drawn(size, blocks, samples, seed)]) }
}

function* drawn(size: Bytes, blocks: number, samples: number, seed: string): Generator<Extent> {
  for (let i = 0; i < samples && blocks > 0; i++) {
    const number = createHash('sha256').update(`${seed} ${i}`).digest().readUIntBE(0, 6)
    const at = (number % blocks) * CBT_BLOCK
    yield extent(at, Math.min(CBT_BLOCK, size - at))
  }
}

/** What an audit found: `differing` lists what the pool called unchanged, and is not. */
export interface Audit {
  readonly record: AuditRecord
  readonly differing: Extents
}

/**
 * Reads blocks that the pool calls unchanged, and compares them with what the repository holds of them.
 * @param changed what the pool calls changed
 * @throws what the source and the repository throw
 */
export async function auditDisk(
  repository: Repository,
  content: DiskContent,
  source: DiskSource,
  { plan, changed }: { readonly plan: AuditPlan; readonly changed: Extents },
  signal: AbortSignal,
): Promise<Audit> {
  const unchanged = subtract(plan.extents, changed)
  const pieces = wholePieces(content, unchanged)
  const compare = () => compareContent(repository, content, pieces, source.read(pieces, signal), undefined, signal)
  const found = pieces.length === 0 ? [] : changedExtents(await compare(), content.size)
  const differing = subtract(found, changed)
  return {
    record: {
      from: plan.sweep.offset,
      to: endOf(plan.sweep),
      compared: totalLength(subtract(pieces, changed)),
      differing: bytes(totalLength(differing)),
    },
    differing,
  }
}
