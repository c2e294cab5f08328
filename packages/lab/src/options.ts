import { randomUUID } from 'node:crypto'
import type { DriverType } from './classes/sr-driver.ts'
import type { FaultPlan } from './faults/plan.ts'

/** Where time comes from. */
export interface LabClock {
  now(): Date
}

/** Where chance comes from: uuids of objects, references, MAC addresses. */
export interface LabRandom {
  uuid(): string
}

export interface LabOptions {
  /** All state is kept here; it is made when missing. One process at a time may have it open. */
  readonly directory: string
  readonly password: string
  readonly username: string
  /** The address to listen on, and the one that the pool gives its clients. */
  readonly address: string
  /** 0 takes any free port. */
  readonly httpsPort: number
  /** Plain HTTP beside it; undefined: none. */
  readonly httpPort: number | undefined
  readonly nbdPort: number
  /** Goes into the certificate when the directory is new. Further hosts are `<hostname>-2` and so on. */
  readonly hostname: string
  /**
   * Hosts of a new pool: a coordinator and members, each with a certificate of its own, on successive addresses
   * (127.0.0.1, 127.0.0.2, …) and the same ports. A pool that exists keeps its hosts.
   */
  readonly hosts: number
  /** Whether the hosts' interfaces have IPv6 addresses too. NBD is served on IPv4 only, as by xapi. */
  readonly ipv6: boolean
  /**
   * Storage for disks in a new pool; the first one is the default. Undefined: a local one for each host and, where there
   * are several hosts, a shared one before them. SRs for tools, DVD drives and removable media are always there.
   */
  readonly storages: readonly LabStorage[] | undefined
  /** host.address carries the port when true: for clients that build URLs from it and a lab that is not on 443. */
  readonly addressWithPort: boolean
  /** What a new pool's network is for. `none`: as after installation, NBD has to be enabled first. */
  readonly networkPurpose: 'nbd' | 'insecure_nbd' | 'none'
  /** `standard` answers GO, structured reads and block status; `xapi` is as poor as the real server. */
  readonly nbdPersonality: 'xapi' | 'standard'
  /** Sizes of new disks are rounded up to a multiple of this many bytes. A VHD has 2 MiB. */
  readonly diskGrain: number
  /** The SR's physical size, in bytes. Disks are sparse; when the blocks written reach it, the SR is full. */
  readonly storageSize: number
  /** False: an old release, whose drivers cannot track changed blocks. */
  readonly tracking: boolean
  /** pool.restrictions of a new pool: what its licence forbids, for instance `{ restrict_cbt: 'true' }`. */
  readonly restrictions: Readonly<Record<string, string>>
  /**
   * Messages that this pool does not know, as a release before them: `['VDI.enable_cbt', 'VDI.get_nbd_info']` is one without
   * changed block tracking.
   */
  readonly unknownMessages: readonly string[]
  /** False: an old release, that only speaks XML-RPC. */
  readonly jsonRpc: boolean
  /** How long a wrong password is answered late. */
  readonly loginDelayMs: number
  /** How long the control domain holds a disk after its last NBD reader has gone. */
  readonly detachDelayMs: number
  /** How long data_destroy waits for a disk's VBDs to disappear. */
  readonly dataDestroyWaitMs: number
  /** What shall go wrong, and when: docs/faults.md. */
  readonly faults: FaultPlan
  /**
   * `qemu`: a VM that is started runs, in a qemu-system-x86_64 of its own with software emulation, and its guest reports. `none`:
   * power states change, and whoever holds the guests' sockets writes.
   */
  readonly machines: 'none' | 'qemu'
  /** How long a guest that really runs is waited for after its power button was pressed. xapi: 20 minutes */
  readonly shutdownTimeoutMs: number
  /** How long a call waits for an object that is busy. A real host waits 2 hours. */
  readonly busyWaitMs: number
  readonly clock: LabClock
  readonly random: LabRandom
}

/** A storage repository of a new pool. */
export interface LabStorage {
  readonly name: string
  readonly type: DriverType
  /** The SR's physical size, in bytes. Default: `storageSize`. */
  readonly size?: number
  /** Which hosts have it plugged, by position. Default: all for a driver whose storage is shared, else the coordinator. */
  readonly hosts?: readonly number[]
}

/** What a caller of `startLab` gives: the directory, the password, and whatever shall differ from the defaults. */
export type LabSettings = Pick<LabOptions, 'directory' | 'password'> & Partial<LabOptions>

/** Ports and delays of a real host. */
export const labDefaults = {
  username: 'root',
  address: '127.0.0.1',
  httpsPort: 8443,
  httpPort: undefined,
  nbdPort: 10_809,
  hostname: 'tidemark-lab',
  hosts: 1,
  ipv6: false,
  storages: undefined,
  addressWithPort: false,
  networkPurpose: 'nbd',
  nbdPersonality: 'xapi',
  diskGrain: 2 * 1024 * 1024,
  storageSize: 64 * 1024 ** 4,
  tracking: true,
  restrictions: {},
  unknownMessages: [],
  jsonRpc: true,
  loginDelayMs: 5_000,
  detachDelayMs: 250,
  dataDestroyWaitMs: 4_000,
  faults: { faults: [] },
  machines: 'none',
  shutdownTimeoutMs: 1_200_000,
  busyWaitMs: 120_000,
  clock: { now: () => new Date() },
  random: { uuid: () => randomUUID() },
} as const satisfies Omit<LabOptions, 'directory' | 'password'>
