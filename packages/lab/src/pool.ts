import type { HostRef, PoolRecord, PoolRef, VmRef } from '@tidemark/xenapi'
import type { Faults } from './faults/faults.ts'
import type { Database } from './database/database.ts'
import type { GuestExports } from './guest/exports.ts'
import type { EventQueues } from './classes/event-queue.ts'
import type { Holds } from './classes/hold.ts'
import type { RunningTransfers } from './http/running.ts'
import type { Hosts } from './host/host.ts'
import type { Operations } from './calls/operations.ts'
import type { Sessions } from './calls/sessions.ts'
import type { Tasks } from './calls/tasks.ts'
import type { Machines } from './machine/machines.ts'
import type { LabOptions } from './options.ts'
import type { Storage } from './storage/index.ts'

/** All that calls, transfers and the control interface work on. */
export interface Pool {
  readonly db: Database
  readonly storage: Storage
  readonly guests: GuestExports
  readonly sessions: Sessions
  readonly tasks: Tasks
  readonly operations: Operations
  readonly eventQueues: EventQueues
  readonly holds: Holds
  readonly transfers: RunningTransfers
  readonly faults: Faults
  readonly options: LabOptions
  readonly hosts: Hosts
  /** Where guests really run; undefined where power states only change. */
  readonly machines: Machines | undefined
  /** The port that get_nbd_info gives, the same on all hosts; known once the servers listen. */
  nbdPort: number
  /** Ends with the lab: whatever waits, stops waiting. */
  readonly closing: AbortSignal
}

/** The one pool. */
export function thePool({ db }: Pick<Pool, 'db'>): [PoolRef, PoolRecord] {
  const [pool] = db.all('pool')
  if (pool === undefined) throw new Error('the database holds no pool')
  return pool
}

/** The coordinator: the one host that answers calls. */
export const theHost = (pool: Pick<Pool, 'db'>): HostRef => thePool(pool)[1].master

/** The VM that stands for a host itself: it holds the disks that the host reads. */
export const controlDomain = ({ db }: Pick<Pool, 'db'>, host: HostRef): VmRef => db.get('host', host).control_domain
