import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { bytes, CBT_BLOCK, extent, normalize, type Extents } from '@tidemark/blocks'
import type { SourceChunk } from '../../src/disk/source.ts'
import { readContent, type DiskContent, type Repository } from '../../src/index.ts'

/**
 * A disk of which every version can be computed: nobody has to keep what was stored to tell whether it comes back. A block has the
 * bytes of the last version that wrote it; some are zeros.
 */
export interface StressDisk {
  readonly seed: number
  readonly writer: number
  /** 64 KiB blocks. */
  readonly blocks: number
}

/** One block in so many changes from version to version. */
const CHANGES_EVERY = 12
const ZERO_EVERY = 7

export const sizeOf = ({ blocks }: StressDisk) => bytes(blocks * CBT_BLOCK)

/** Extents that differ between two versions, or more. */
export function changedBetween(disk: StressDisk, from: number, to: number): Extents {
  const changed: ReturnType<typeof extent>[] = []
  for (let block = 0; block < disk.blocks; block++) {
    if (writtenAt(disk, block, to) > from) changed.push(extent(block * CBT_BLOCK, CBT_BLOCK))
  }
  return normalize(changed)
}

/** The bytes of extents of a version, a block at a time. */
export async function* contentOf(disk: StressDisk, version: number, extents: Extents): AsyncGenerator<SourceChunk> {
  for (const { offset, length } of extents) {
    for (let at = offset; at < offset + length; at = bytes(at + CBT_BLOCK)) {
      yield { offset: at, data: blockOf(disk, at / CBT_BLOCK, version) }
    }
  }
}

/** @throws AssertionError when a stored disk is not this version */
export async function expectVersion(
  repository: Repository,
  content: DiskContent,
  disk: StressDisk,
  version: number,
  signal?: AbortSignal,
): Promise<void> {
  assert.equal(content.size, sizeOf(disk))
  let end = 0
  for await (const { offset, length, data } of readContent(repository, content, { holes: 'zeros' }, signal)) {
    assert.equal(offset, end)
    end = offset + length
    compare(disk, version, offset, data === 'zero' ? new Uint8Array(length) : data)
  }
  assert.equal(end, content.size)
}

function compare(disk: StressDisk, version: number, offset: number, data: Uint8Array): void {
  for (let at = 0; at < data.length;) {
    const block = Math.floor((offset + at) / CBT_BLOCK)
    const skip = (offset + at) % CBT_BLOCK
    const length = Math.min(CBT_BLOCK - skip, data.length - at)
    const wanted = blockOf(disk, block, version).subarray(skip, skip + length)
    const isSame = Buffer.compare(data.subarray(at, at + length), wanted) === 0
    assert(isSame, `writer ${disk.writer}, version ${version}: block ${block} reads differently`)
    at += length
  }
}

function blockOf(disk: StressDisk, block: number, version: number): Uint8Array {
  const written = writtenAt(disk, block, version)
  if (draw(disk, block, written, 'zero') % ZERO_EVERY === 0) return new Uint8Array(CBT_BLOCK)
  const { seed, writer } = disk
  return createHash('shake128', { outputLength: CBT_BLOCK }).update(`${seed}:${writer}:${block}:${written}`).digest()
}

/** The last version, up to one, that wrote a block. */
function writtenAt(disk: StressDisk, block: number, version: number): number {
  for (let each = version; each > 0; each--) if (draw(disk, block, each, 'write') % CHANGES_EVERY === 0) return each
  return 0
}

/** A number below 2³² that is the same for the same words: FNV-1a. */
function draw({ seed, writer }: StressDisk, block: number, version: number, what: string): number {
  let hash = 0x811c9dc5
  for (const char of `${seed}/${writer}/${block}/${version}/${what}`) {
    hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193)
  }
  hash ^= hash >>> 15
  hash = Math.imul(hash, 0x2c1b3c6d)
  return (hash ^ (hash >>> 12)) >>> 0
}
