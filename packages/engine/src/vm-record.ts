import { bytes, type Bytes } from '@tidemark/blocks'
import { z } from 'zod'
import { EngineError } from './error.ts'

/**
 * `vm.json` of a restore point: everything that must survive of one run, so that the next run, on any machine, needs
 * nothing but the repository and the pool.
 */
export interface VmRecord {
  readonly schema: 1
  readonly tool: string
  /** When the VM snapshot was taken, ISO 8601. */
  readonly takenAt: string
  readonly pool: { readonly uuid: string; readonly name: string }
  readonly vm: { readonly uuid: string; readonly name: string; readonly powerState: string }
  /** UUID of the VM snapshot that was read; gone from the pool afterwards. */
  readonly snapshot: string
  readonly disks: readonly DiskRecord[]
  /** The run was cut, and gone on with so many times. Absent for one that went through. */
  readonly resumed?: { readonly times: number; readonly lastAt: string } | undefined
  /** A run before was cut, and this one could not go on with it. */
  readonly afresh?: { readonly reason: string; readonly detail?: string | undefined } | undefined
}

export interface DiskRecord {
  readonly position: number
  /** UUID of the live disk. */
  readonly vdi: string
  readonly name: string
  /** Virtual size in bytes, as it was when the snapshot was taken. */
  readonly size: Bytes
  readonly storage: { readonly uuid: string; readonly name: string; readonly type: string }
  /** UUID of the disk snapshot that may serve as the next base; null when the disk is not tracked. */
  readonly snapshot: string | null
  /** UUID of the snapshot that the changes were counted from; null when all was read. */
  readonly base: string | null
  readonly action: 'full' | 'compare' | 'incremental'
  /** Why: a reason's name and its sentence. */
  readonly reason: string
  readonly source: 'nbd' | 'vhd' | 'raw'
  /** Sizes in bytes: marked in the bitmap, read from the pool, new to the repository, stored after compression. */
  readonly bytes: { readonly changed: Bytes; readonly read: Bytes; readonly new: Bytes; readonly stored: Bytes }
  /** Which unchanged part of the disk this run compared; the next one goes on behind it. Absent where none was. */
  readonly audit?: AuditRecord | undefined
  /** More changed than is usual for this disk. */
  readonly unusual?: UnusualRecord | undefined
  /** What is new does not compress, where it usually does. */
  readonly incompressible?: IncompressibleRecord | undefined
}

/** Stored after compression, of what was new: in this run, and the median of the earlier ones. 0 to 1. */
export interface IncompressibleRecord {
  readonly share: number
  readonly usual: number
}

/** Sizes in bytes: the median of the earlier runs, and up to where a change would not have been unusual. */
export interface UnusualRecord {
  readonly usual: Bytes
  readonly bound: Bytes
}

/** Sizes in bytes. */
export interface AuditRecord {
  readonly from: Bytes
  readonly to: Bytes
  /** Read and compared, without what the pool called changed. */
  readonly compared: Bytes
  /** Called unchanged by the pool, and different: 0 but for a tracking that lies. */
  readonly differing: Bytes
}

const size = z.number().int().nonnegative().transform(bytes)

const diskRecord = z.object({
  position: z.number().int().nonnegative(),
  vdi: z.string(),
  name: z.string(),
  size,
  storage: z.object({ uuid: z.string(), name: z.string(), type: z.string() }),
  snapshot: z.string().nullable(),
  base: z.string().nullable(),
  action: z.enum(['full', 'compare', 'incremental']),
  reason: z.string(),
  source: z.enum(['nbd', 'vhd', 'raw']),
  bytes: z.object({ changed: size, read: size, new: size, stored: size }),
  audit: z.object({ from: size, to: size, compared: size, differing: size }).optional(),
  unusual: z.object({ usual: size, bound: size }).optional(),
  incompressible: z.object({ share: z.number(), usual: z.number() }).optional(),
})

const vmRecord = z.object({
  schema: z.literal(1),
  tool: z.string(),
  takenAt: z.string(),
  pool: z.object({ uuid: z.string(), name: z.string() }),
  vm: z.object({ uuid: z.string(), name: z.string(), powerState: z.string() }),
  snapshot: z.string(),
  disks: z.array(diskRecord),
  resumed: z.object({ times: z.number(), lastAt: z.string() }).optional(),
  afresh: z.object({ reason: z.string(), detail: z.string().optional() }).optional(),
})

export const encodeVmRecord = (record: VmRecord): Uint8Array =>
  new TextEncoder().encode(`${JSON.stringify(record, null, 2)}\n`)

/** @throws EngineError ENGINE_POINT_DAMAGED when the file is no vm.json of a version that we know */
export function decodeVmRecord(file: Uint8Array): VmRecord {
  try {
    return vmRecord.parse(JSON.parse(new TextDecoder().decode(file)))
  } catch (cause) {
    throw new EngineError('ENGINE_POINT_DAMAGED', 'vm.json of the restore point is damaged or of a newer version', {
      cause,
    })
  }
}
