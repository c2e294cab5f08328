import { bytes, type Bytes } from '@tidemark/blocks'
import { EngineError } from './error.ts'
import type { Disk, Pool, Storage } from './pool.ts'

/** Meta-data of a VHD and of its volume, at most: one 512th of the disk and 8 MiB. */
const overhead = (size: number): number => Math.ceil(size / 512) + (8 << 20)

/** What a snapshot of disks can take on one storage, at worst. */
export interface SpaceNeed {
  readonly storage: Storage
  readonly free: Bytes
  readonly need: Bytes
}

/**
 * What a snapshot of these disks takes at worst, by storage: where disks are allocated whole (LVM), the guest gets a new volume of each
 * disk's full size; elsewhere only blocks that it writes meanwhile. Storage whose free space is not known is left out.
 */
export function snapshotNeeds(disks: readonly Disk[]): readonly SpaceNeed[] {
  const needs = new Map<string, SpaceNeed>()
  for (const { storage, size } of disks) {
    const { space } = storage
    if (space === undefined) continue
    const before = needs.get(storage.uuid)?.need ?? 0
    const need = bytes(before + (space.allocation === 'whole' ? size : 0) + overhead(size))
    needs.set(storage.uuid, { storage, free: space.free, need })
  }
  return [...needs.values()]
}

/** Disks, with the free space that the pool tells now: since they were listed, the snapshot of another VM may have taken some. */
export async function withRoomOfNow(pool: Pool, disks: readonly Disk[], signal: AbortSignal): Promise<readonly Disk[]> {
  if (disks.every(({ storage }) => storage.space === undefined)) return disks
  const storages = (await pool.vms(signal)).flatMap((vm) => vm.disks.map(({ storage }) => storage))
  const now = new Map(storages.map((storage) => [storage.uuid, storage]))
  return disks.map((disk) => ({ ...disk, storage: now.get(disk.storage.uuid) ?? disk.storage }))
}

/**
 * Refuses a snapshot that may fill a storage: on a full one the guests that write to it stop.
 * @throws EngineError ENGINE_NO_SPACE, saying what to do
 */
export function assertSpace(disks: readonly Disk[]): void {
  const short = snapshotNeeds(disks).find(({ free, need }) => need > free)
  if (short === undefined) return
  const { storage, free, need } = short
  throw new EngineError(
    'ENGINE_NO_SPACE',
    `the storage '${storage.name}' (${storage.type}) has ${inGib(free)} free, and a snapshot of the VM can take ${inGib(need)} of it for as long ` +
      'as the backup lasts: free some (old snapshots, disks of nobody), leave a disk out (--exclude), or back up all the same (--ignore-space)',
  )
}

const inGib = (size: number): string => `${(size / 1024 ** 3).toFixed(1)} GiB`
