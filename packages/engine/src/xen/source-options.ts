import type { NbdOptions } from '@tidemark/nbd'

export interface SourceOptions {
  /** NBD connections for one disk. */
  readonly connections: number
  /** NBD connections to one host, of this process. xapi has 16 on a host for all its clients, and closes what is more without a word. */
  readonly hostConnections: number
  /** Whether a network with purpose `insecure_nbd` may be used: the disk then crosses it in clear text. */
  readonly allowInsecureNbd: boolean
  /** For how long a refused connection is tried again: a pool's firewall follows a new purpose with delay. */
  readonly connectPatienceMs: number
  /** For how long a connection that was lost in the middle of a disk is made again: the pool may be restarting. */
  readonly reconnectPatienceMs: number
  /** What else is to be set of the NBD client. */
  readonly nbd: Partial<NbdOptions>
}

export const sourceDefaults = {
  connections: 2,
  hostConnections: 8,
  allowInsecureNbd: false,
  connectPatienceMs: 30_000,
  reconnectPatienceMs: 5 * 60_000,
  nbd: {},
} as const
