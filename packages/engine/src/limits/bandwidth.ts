import { tokenBucket, type TokenBucket } from '@tidemark/repository'
import type { Clock } from '../clock.ts'
import type { Chunk, DiskSnapshot, DiskSource, Pool, Vm, VmSnapshot } from '../pool.ts'

/** Mean rates, in bytes per second; undefined for no limit. */
export interface PoolBandwidth {
  /** What is read of disks, over NBD or as a stream. Holes cost nothing. */
  readonly read: number | undefined
  /** The same of each storage, for snapshots that backups read. */
  readonly storageRead: number | undefined
  /** What restores write to disks. */
  readonly write: number | undefined
}

/** A pool whose disks are read and written no faster than so, all of them together. */
export function withPoolBandwidth(pool: Pool, { read, storageRead, write }: PoolBandwidth, clock: Clock): Pool {
  const bucketOf = (rate: number | undefined) => (rate === undefined ? [] : [tokenBucket(rate, clock)])
  const [reading, writing] = [bucketOf(read), bucketOf(write)]
  const storages = new Map<string, readonly TokenBucket[]>()
  const ofStorage = (uuid: string): readonly TokenBucket[] => {
    const known = storages.get(uuid) ?? bucketOf(storageRead)
    storages.set(uuid, known)
    return known
  }
  const pacedSnapshot = (vm: Vm, snapshot: VmSnapshot): VmSnapshot => {
    const disks = [...snapshot.disks].map(([vdi, disk]) => {
      const storage = vm.disks.find(({ vdiUuid }) => vdiUuid === vdi)?.storage.uuid
      return [vdi, pacedDisk(disk, [...reading, ...(storage === undefined ? [] : ofStorage(storage))])] as const
    })
    return { ...snapshot, disks: new Map(disks) }
  }
  return {
    ...pool,
    snapshot: async (vm, options, signal) => pacedSnapshot(vm, await pool.snapshot(vm, options, signal)),
    async reopenSnapshot(vm, left, signal) {
      const snapshot = await pool.reopenSnapshot(vm, left, signal)
      return snapshot && pacedSnapshot(vm, snapshot)
    },
    openDisk: async (vdi, kind, signal) => pacedSource(await pool.openDisk(vdi, kind, signal), reading),
    restore: {
      ...pool.restore,
      writeDisk: (vdi, { extents, body }, signal) =>
        pool.restore.writeDisk(vdi, { extents, body: () => pacedBody(body(), writing, signal) }, signal),
    },
  }
}

const pacedDisk = (disk: DiskSnapshot, buckets: readonly TokenBucket[]): DiskSnapshot => ({
  ...disk,
  open: async (kind, signal) => pacedSource(await disk.open(kind, signal), buckets),
})

const pacedSource = (source: DiskSource, buckets: readonly TokenBucket[]): DiskSource => ({
  ...source,
  read: (extents, signal) => pacedChunks(source.read(extents, signal), buckets, signal),
})

/** What is not asked for is not sent: a source reads ahead by some megabytes, and then waits as well. */
async function* pacedChunks(
  chunks: AsyncIterable<Chunk>,
  buckets: readonly TokenBucket[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Chunk> {
  for await (const chunk of chunks) {
    if (chunk.data !== 'zero') await spend(chunk.data.length, buckets, signal)
    yield chunk
  }
}

async function* pacedBody(
  parts: AsyncIterable<Uint8Array>,
  buckets: readonly TokenBucket[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for await (const part of parts) {
    await spend(part.length, buckets, signal)
    yield part
  }
}

async function spend(bytes: number, buckets: readonly TokenBucket[], signal: AbortSignal | undefined): Promise<void> {
  for (const bucket of buckets) await bucket.spend(bytes, signal)
}
