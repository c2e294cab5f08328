import type { Violation } from '../invariants.ts'
import type { NbdConnections } from '../nbd/connections.ts'
import type { NbdReads } from '../nbd/reads.ts'
import type { FaultPlan } from '../faults/plan.ts'
import type { FaultReport } from '../faults/planned.ts'

/** A disk of a VM to be made. */
export interface NewDisk {
  /** Default: the VM's name and the slot. */
  readonly name?: string
  /** Bytes; rounded up to the SR's grain. Default: the image's. */
  readonly size?: number
  /** Path of a raw file to copy in; its holes stay holes. */
  readonly image?: string
  /** Whether changed blocks are tracked from the beginning. Default false. */
  readonly tracked?: boolean
  /** uuid of the SR. Default: the pool's default SR. */
  readonly sr?: string
}

export interface NewVm {
  readonly name: string
  /** Bytes. */
  readonly memory?: number
  readonly disks: readonly NewDisk[]
  /** Whether the VM is started. Default false. */
  readonly running?: boolean
}

export interface MadeVm {
  readonly uuid: string
  readonly ref: string
  readonly disks: readonly MadeDisk[]
}

export interface MadeDisk {
  readonly uuid: string
  readonly ref: string
  /** Bytes, as rounded. */
  readonly size: number
  /** Path of a Unix socket with a read-write NBD export of the disk: what a guest would write through. */
  readonly guestSocket: string
}

/** A call that shall fail. */
export interface CallFault {
  /** As on the wire: `VDI.snapshot`, `Async.VM.snapshot`. */
  readonly method: string
  /** How often it fails. */
  readonly times: number
  /** The failure that the client sees: `[code, parameter…]`. */
  readonly failure: readonly string[]
  /** How many calls go through before. */
  readonly after?: number
}

/** How to reach one host of the lab. */
export interface LabHostInfo {
  readonly uuid: string
  readonly hostname: string
  /** `https://address:port` */
  readonly url: string
  /** PEM. */
  readonly certificate: string
  /** SHA-256, `AA:BB:…`. */
  readonly fingerprint: string
  readonly nbdAddress: { readonly host: string; readonly port: number }
}

/** How to reach the lab's coordinator, and all its hosts; the password is not told. */
export interface LabInfo {
  readonly url: string
  readonly certificate: string
  readonly fingerprint: string
  readonly nbdAddress: { readonly host: string; readonly port: number }
  readonly hosts: readonly LabHostInfo[]
  readonly username: string
  readonly pid: number
}

/** What stands outside of the pool: guests, faults, and looks behind the curtain. No XenAPI client ever sees it. */
export interface LabControl {
  info(): Promise<LabInfo>
  createVm(vm: NewVm): Promise<MadeVm>
  /** Path of a Unix socket with a read-write NBD export of a disk. @throws XenApiError UUID_INVALID */
  guestSocket(vdiUuid: string): Promise<string>
  /** What a guest writes, without a socket. */
  writeDisk(vdiUuid: string, offset: number, data: Uint8Array): Promise<void>
  readDisk(vdiUuid: string, offset: number, length: number): Promise<Uint8Array>
  /** What was read over the pool's NBD server since the start or the last reset, per disk. */
  nbdReads(vdiUuid?: string): Promise<readonly NbdReads[]>
  resetNbdReads(): Promise<void>
  /** How many connections the hosts' NBD servers have, and had at most, since the start or the last reset. */
  nbdConnections(): Promise<readonly NbdConnections[]>
  resetNbdConnections(): Promise<void>
  /** Path of the file with what a VM's guest wrote on its console, since the VM was made. Only with `machines: 'qemu'`. @throws LabError LAB_MACHINE */
  consoleLog(vmUuid: string): Promise<string>
  /** Of the whole disk, in hexadecimal. */
  sha256(vdiUuid: string): Promise<string>
  /** Bytes that the lab's disks take on the machine's own disk. */
  usedSpace(): Promise<number>

  /** Another administrator switches tracking off. */
  disableCbtBehind(vdiUuid: string): Promise<void>
  /**
   * A host dies and comes back: its VMs are halted, and tracked disks that were in use lose their tracking.
   * @param hostUuid all hosts when left out
   */
  crashHost(hostUuid?: string): Promise<void>
  /** The host loses its power: its connections end and nobody answers at its address. What ran there is lost. */
  stopHost(hostUuid: string): Promise<void>
  /** A stopped host is there again; its VMs are halted. */
  startHost(hostUuid: string): Promise<void>
  /** Makes a host the coordinator, as an administrator does after the old one died. Logins and tasks are lost. */
  appointCoordinator(hostUuid: string): Promise<void>
  /** Makes a change log inconsistent. */
  breakTracking(vdiUuid: string): Promise<void>
  /** Adds faults to those that are planned. @throws LabError LAB_FAULT_PLAN */
  planFaults(plan: FaultPlan): Promise<void>
  /** What became of every fault since the start, in the order of planning. */
  faultReport(): Promise<readonly FaultReport[]>
  /** @throws LabError LAB_FAULT_UNFIRED, naming the faults that never happened */
  assertFaultsFired(): Promise<void>
  /** Short for a fault at the point `call`. */
  failCall(fault: CallFault): Promise<void>
  /** Cuts the next NBD connection that has read so many bytes. */
  cutNbdAfter(bytes: number): Promise<void>
  /** Takes all purposes from the networks, so that NBD connections are turned away. */
  removePurposes(): Promise<void>
  /** Sets one of pool.restrictions, for instance restrict_cbt. */
  setRestriction(name: string, value: string): Promise<void>
  /** Nothing that was planned happens any more. */
  clearFaults(): Promise<void>
  /** What is wrong with the pool's objects right now: nothing, in a healthy pool. Rules: `src/invariants.ts` */
  invariants(): Promise<readonly Violation[]>
  /** Ends all sessions, as an expiry would. */
  expireSessions(): Promise<void>
}
