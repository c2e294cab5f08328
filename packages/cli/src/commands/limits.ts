import type { LimitOptions } from '@tidemark/engine'
import type { PoolConfig } from '../config.ts'

/** Limits as options name them; they go before those of the configuration. */
export interface LimitArguments {
  readonly vmsAtOnce?: number
  readonly disksAtOnce?: number
}

/** VMs backed up at once: while one prepares or tidies, the other one's disks are read. */
const VMS_AT_ONCE = 2

/** What a run of several VMs keeps to. */
export function limitsOf(
  { vms = VMS_AT_ONCE, disks, storageDisks, storageSnapshots }: NonNullable<PoolConfig['limits']>,
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
