import { bytes, KiB, type Extents } from '@tidemark/blocks'
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

/** Backs a disk up in full, as one restore point. */
export async function saveDisk(repository: Repository, disk: Uint8Array): Promise<SnapshotId> {
  await using lock = await repository.lock('shared')
  await repository.loadIndex()
  const size = bytes(disk.length)
  const all: Extents | 'all' = 'all'
  const plan = planContent(undefined, size, all, gridFor(size))
  const chunks = async function* () {
    for (const { offset, length } of plan.reads) yield { offset, data: disk.subarray(offset, offset + length) }
  }
  const { content } = await writeContent(repository, plan, chunks(), undefined, lock.signal)
  const { id } = await savePoint(repository, {
    slug: 'vm',
    time: new Date('2026-01-01T10:00:00Z'),
    hostname: 'vm',
    paths: ['/pool/vm'],
    tags: ['tidemark'],
    programVersion: 'tidemark 0',
    vmJson: Buffer.from('{}'),
    disks: [{ position: 0, vdiUuid: 'one', content }],
  })
  return id
}

/** The disk of a restore point. */
export async function loadDisk(repository: Repository, id: SnapshotId): Promise<Uint8Array> {
  const point = await loadPoint(repository, await repository.loadSnapshot(id))
  const content = await point.disks[0]?.content()
  if (content === undefined) throw new Error('the point has no disk')
  const disk = Buffer.alloc(content.size)
  for await (const { offset, data } of readContent(repository, content, { holes: 'skip' })) {
    if (data !== 'zero') disk.set(data, offset)
  }
  return disk
}

export const smallRepository = { kdf: { N: 1024, r: 8, p: 1 }, workers: 0, packSize: 256 * KiB } as const
