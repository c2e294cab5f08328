import { randomBytes } from 'node:crypto'
import { bytes, extent, KiB, MiB, type Extents } from '@tidemark/blocks'
import { expect, test } from 'vitest'
import {
  gridFor,
  initRepository,
  loadPoint,
  memoryBackend,
  planContent,
  savePoint,
  writeContent,
  type DiskContent,
  type NewPointDisk,
  type Repository,
  type SnapshotId,
} from '../src/index.ts'

const SIZE = bytes(3 * MiB)

async function store(repository: Repository, disk: Uint8Array, parent?: DiskContent, changed?: Extents) {
  const plan = planContent(parent, SIZE, changed ?? 'all', gridFor(SIZE))
  const chunks = async function* () {
    for (const { offset, length } of plan.reads) yield { offset, data: disk.subarray(offset, offset + length) }
  }
  const { content, ...added } = await writeContent(repository, plan, chunks())
  return { content, added }
}

/** Trailer and length of a pack's header, and its entry for a raw and for a compressed blob: restic-format.md §5. */
const [TRAILER, RAW, COMPRESSED] = [36, 37, 41]

test('a point says what its run added: blobs and bytes as the packs have them, and files as restic counts them', async () => {
  const backend = memoryBackend()
  await using repository = await initRepository(backend, 'pw', { kdf: { N: 1024, r: 8, p: 1 }, workers: 0 })
  const packs = () => [...backend.files].filter(([path]) => path.startsWith('data/'))
  const save = async (time: string, parent: SnapshotId | undefined, disks: readonly NewPointDisk[]) => {
    const before = new Set(packs().map(([path]) => path))
    const endedAt = new Date(Date.parse(time) + 5000)
    const point = await savePoint(repository, {
      slug: 'web',
      time: new Date(time),
      ...(parent !== undefined && { parent }),
      hostname: 'web',
      paths: ['/pool/web'],
      tags: [],
      programVersion: 'tidemark 0.1.0',
      vmJson: Buffer.from(`{"taken":"${time}"}`),
      disks,
      endedAt,
    })
    const { summary } = point
    if (summary === undefined) throw new Error('no summary')
    expect(summary).toMatchObject({ backupStart: new Date(time), backupEnd: endedAt })
    const added = packs().filter(([path]) => !before.has(path))
    const bytesAdded = added.reduce((sum, [, file]) => sum + file.length, 0)
    const headers = bytesAdded - summary.dataAddedPacked - added.length * TRAILER
    const blobs = summary.dataBlobs + summary.treeBlobs
    expect(headers).toBeGreaterThanOrEqual(blobs * RAW)
    expect(headers).toBeLessThanOrEqual(blobs * COMPRESSED)
    return { point, summary }
  }

  const disk = randomBytes(SIZE)
  const full = await store(repository, disk)
  const one = await save('2026-11-22T10:00:00Z', undefined, [{ position: 0, vdiUuid: 'a', ...full }])
  expect(one.summary).toMatchObject({ filesNew: 2, filesChanged: 0, filesUnmodified: 0, dataBlobs: 13 })
  expect(one.summary.totalBytesProcessed).toBeGreaterThan(SIZE)

  disk.fill(7, 0, 64 * KiB)
  const next = await store(repository, disk, full.content, [extent(0, 64 * KiB)])
  const two = await save('2026-11-23T10:00:00Z', one.point.id, [{ position: 0, vdiUuid: 'a', ...next }])
  expect(two.summary).toMatchObject({ filesNew: 0, filesChanged: 2, dataBlobs: 5 }) // a base piece became four

  const [unchangedFrom] = (await loadPoint(repository, two.point)).disks
  if (unchangedFrom === undefined) throw new Error('the point has lost its disk')
  const three = await save('2026-11-24T10:00:00Z', two.point.id, [
    { position: 0, vdiUuid: 'a', unchangedFrom, size: SIZE },
  ])
  expect(three.summary).toMatchObject({ filesChanged: 1, filesUnmodified: 1, totalFilesProcessed: 2, dataBlobs: 1 })
  expect(three.summary.totalBytesProcessed).toBeGreaterThan(SIZE)
})
