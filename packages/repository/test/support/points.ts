import assert from 'node:assert/strict'
import { bytes, extent, KiB, type Extents } from '@tidemark/blocks'
import {
  gridFor,
  loadPoint,
  planContent,
  readContent,
  savePoint,
  writeContent,
  type Repository,
  type SnapshotId,
} from '../../src/index.ts'
import type { Random } from './random.ts'

/** A point that was acknowledged, and what its disk was. */
export interface KnownPoint {
  readonly id: SnapshotId
  readonly vm: string
  readonly disk: Uint8Array
}

const BLOCK = 64 * KiB

/**
 * Backs a disk up after some random writes: by changed blocks over `parent` when there is one. Deterministic but for the encryption.
 * @param size of the disk, a multiple of 64 KiB
 */
export async function backUpRandomly(
  repository: Repository,
  random: Random,
  { vm, day, size, parent }: { vm: string; day: number; size: number; parent: KnownPoint | undefined },
): Promise<KnownPoint> {
  const disk = parent?.disk.slice() ?? random.bytes(size)
  const changed = parent === undefined ? 'all' : change(disk, random)
  const before =
    parent === undefined
      ? undefined
      : await loadPoint(repository, await repository.loadSnapshot(parent.id)).then((point) => point.disks[0]?.content())
  const plan = planContent(before, bytes(disk.length), changed, gridFor(bytes(disk.length)))
  const chunks = async function* () {
    for (const { offset, length } of plan.reads) yield { offset, data: disk.subarray(offset, offset + length) }
  }
  const { content } = await writeContent(repository, plan, chunks())
  const { id } = await savePoint(repository, {
    slug: vm,
    time: new Date(Date.UTC(2026, 0, 1, day)),
    hostname: vm,
    paths: [`/pool/${vm}`],
    tags: ['tidemark', `vm-${vm}`],
    programVersion: 'tidemark 0',
    vmJson: Buffer.from(JSON.stringify({ vm, day })),
    disks: [{ position: 0, vdiUuid: 'one', content }],
  })
  return { id, vm, disk }
}

function change(disk: Uint8Array, random: Random): Extents {
  const blocks = disk.length / BLOCK
  const dirty = new Set(Array.from({ length: 1 + random.below(3) }, () => random.below(blocks)))
  return Array.from(dirty)
    .toSorted((a, b) => a - b)
    .map((block) => {
      disk.set(random.bytes(BLOCK), block * BLOCK)
      return extent(block * BLOCK, BLOCK)
    })
    .reduce<ReturnType<typeof extent>[]>((merged, next) => {
      const last = merged.at(-1)
      if (last !== undefined && last.offset + last.length === next.offset)
        merged[merged.length - 1] = extent(last.offset, last.length + next.length)
      else merged.push(next)
      return merged
    }, [])
}

/** The point is there, and its disk is what it was, byte for byte. */
export async function expectWhole(repository: Repository, { id, disk }: KnownPoint): Promise<void> {
  const point = await loadPoint(repository, await repository.loadSnapshot(id))
  const content = await point.disks[0]?.content()
  assert(content !== undefined, `${id} has lost its disk`)
  const read = new Uint8Array(disk.length)
  for await (const { offset, data } of readContent(repository, content, { holes: 'skip' }))
    if (data !== 'zero') read.set(data, offset)
  assert.equal(Buffer.compare(read, disk), 0, `${id} reads differently`)
}
