import type { LimitOptions, PoolBandwidth } from '@tidemark/engine'
import type { PoolConfig } from './config.ts'

/** Limits as options name them; they go before those of the configuration. Rates are MiB per second. */
export interface LimitArguments {
  readonly vmsAtOnce?: number
  readonly hostVms?: number
  readonly disksAtOnce?: number
  readonly storageDisks?: number
  readonly storageSnapshots?: number
  readonly hostConnections?: number
  readonly readRate?: number
  readonly storageReadRate?: number
  readonly writeRate?: number
}

export type PoolLimits = NonNullable<PoolConfig['limits']>

/** What is configured for a pool, where no option says otherwise. */
export const limitsOf = ({ limits = {} }: PoolConfig, args: LimitArguments): PoolLimits => ({
  vms: args.vmsAtOnce ?? limits.vms,
  hostVms: args.hostVms ?? limits.hostVms,
  disks: args.disksAtOnce ?? limits.disks,
  storageDisks: args.storageDisks ?? limits.storageDisks,
  storageSnapshots: args.storageSnapshots ?? limits.storageSnapshots,
  hostConnections: args.hostConnections ?? limits.hostConnections,
  readMiBps: args.readRate ?? limits.readMiBps,
  storageReadMiBps: args.storageReadRate ?? limits.storageReadMiBps,
  writeMiBps: args.writeRate ?? limits.writeMiBps,
})

/** How fast the pool's disks may be read and written. */
export function bandwidthOf({ readMiBps, storageReadMiBps, writeMiBps }: PoolLimits): PoolBandwidth {
  const inBytes = (mebibytes: number | undefined) => (mebibytes === undefined ? undefined : mebibytes * 2 ** 20)
  return { read: inBytes(readMiBps), storageRead: inBytes(storageReadMiBps), write: inBytes(writeMiBps) }
}

/** What runs of several VMs keep to together. */
export function runLimits({ vms, hostVms, disks, storageDisks, storageSnapshots }: PoolLimits): Partial<LimitOptions> {
  const said = Object.entries({ vms, hostVms, disks, storageDisks, storageSnapshots })
  return Object.fromEntries(said.filter(([, limit]) => limit !== undefined))
}
