import { isZero } from './zero.ts'
import type { Transfer } from './transfer.ts'

/** A disk that a transfer fills. */
export interface DiskSink {
  /** Bytes of the disk. */
  readonly size: number
  /** Writes a piece; zeros take no space. @throws LabError LAB_STORAGE_RANGE past the end; the reason of a cancellation */
  write(offset: number, data: Uint8Array): Promise<void>
  /** @param fraction 0 to 1 */
  progress(fraction: number): void
}

/** The disk with this uuid, for one transfer. */
export function sinkOf({ pool: { storage }, call }: Pick<Transfer, 'pool' | 'call'>, uuid: string): DiskSink {
  return {
    size: storage.sizeOf(uuid),
    async write(offset, data) {
      call.signal.throwIfAborted()
      if (isZero(data)) await storage.writeZeroes(uuid, offset, data.length)
      else await storage.write(uuid, offset, data)
    },
    progress: (fraction) => call.task?.progress(fraction),
  }
}
