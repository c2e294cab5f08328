import type { LimitOptions, PoolBandwidth } from '@tidemark/engine'
import type { PoolConfig } from './config.ts'

/** Limits as options name them; they go before those of the configuration. */
export interface LimitArguments {
  readonly vmsAtOnce?: number
  readonly disksAtOnce?: number
}

/** VMs backed up at once: while one prepares or tidies, the other one's disks are read. */
const VMS_AT_ONCE = 2

type PoolLimits = NonNullable<PoolConfig['limits']>

/** How fast the pool's disks may be read and written. */
export function bandwidthOf({ readMiBps, storageReadMiBps, writeMiBps }: PoolLimits): PoolBandwidth {
  const inBytes = (mebibytes: number | undefined) => (mebibytes === undefined ? undefined : mebibytes * 2 ** 20)
  return { read: inBytes(readMiBps), storageRead: inBytes(storageReadMiBps), write: inBytes(writeMiBps) }
}

/** What a run of several VMs keeps to. */
export function limitsOf(
  { vms = VMS_AT_ONCE, disks, storageDisks, storageSnapshots }: PoolLimits,
  args: LimitArguments,
): { readonly atOnce: number; readonly limits: Partial<LimitOptions> } {
  const most = args.disksAtOnce ?? disks
  return {
    atOnce: args.vmsAtOnce ?? vms,
    limits: {
      ...(most === undefined ? {} : { disks: most }),
      ...(storageDisks === undefined ? {} : { storageDisks }),
      ...(storageSnapshots === undefined ? {} : { storageSnapshots }),
    },
  }
}
