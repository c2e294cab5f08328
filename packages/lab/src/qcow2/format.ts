import { LabError } from '../error.ts'

/** `QFI` and 0xfb. */
export const MAGIC = 0x51_46_49_fb
/** Bytes of a version 2 header. Of version 3, 104 at least; ours has what QEMU 9 writes. */
export const HEADER_V2 = 72
export const HEADER_V3 = 112
/** Bytes of a table's entry: offsets, big-endian. */
export const ENTRY = 8
/** Bytes of the L1 table, at most. QEMU, QCOW_MAX_L1_SIZE. */
export const L1_MAX = 32 * 1024 * 1024

/** Where the fields of the header begin. QEMU, docs/interop/qcow2.txt, "Header". All big-endian. */
export const HEADER = {
  magic: 0, // u32
  version: 4, // u32: 2 or 3
  backingOffset: 8, // u64
  backingSize: 16, // u32
  clusterBits: 20, // u32: 9 to 21
  size: 24, // u64: bytes of the disk
  encryption: 32, // u32
  l1Entries: 36, // u32
  l1Offset: 40, // u64
  refcountOffset: 48, // u64
  refcountClusters: 56, // u32
  snapshots: 60, // u32
  snapshotsOffset: 64, // u64
  incompatible: 72, // u64, from version 3 on
  compatible: 80, // u64
  autoclear: 88, // u64
  refcountOrder: 96, // u32: 4 for counts of 16 bits
  headerLength: 100, // u32
} as const

/** Bits of `incompatible`: what a reader has to know. */
export const Incompatible = { dirty: 1, corrupt: 2, externalData: 4, compression: 8, extendedL2: 16 } as const

/** Flags of an entry's upper half. */
export const COPIED = 0x80_00_00_00
export const COMPRESSED = 0x40_00_00_00
/** Flag of an L2 entry's lower half: the cluster reads as zeros. Version 3. */
export const ZERO = 1

export const viewOf = (data: Uint8Array): DataView => new DataView(data.buffer, data.byteOffset, data.byteLength)

export const damaged = (problem: string): LabError => new LabError('LAB_QCOW2_DAMAGED', `not a sound qcow2: ${problem}`)
export const unsupported = (what: string): LabError =>
  new LabError('LAB_QCOW2_UNSUPPORTED', `qcow2 that no stream can be read of: ${what}`)
