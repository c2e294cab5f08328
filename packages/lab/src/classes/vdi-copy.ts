import { createHash } from 'node:crypto'
import type { SrRef, VbdMode, VdiConstructor, VdiRecord, VdiRef } from '@tidemark/xenapi'
import type { Call, Handlers } from '../calls/call.ts'
import { failure } from '../calls/failure.ts'
import { attachToHost } from './hold.ts'
import { assertHasData, assertManaged, operateOnVdi } from './vdi-operation.ts'
import { copiedFields, createVdi, destroyVdi } from './vdi.ts'

/** What reads whole disks inside the host. */
export const vdiCopyHandlers: Handlers = {
  'VDI.copy': (call, vdi: VdiRef, sr: SrRef, base: VdiRef, into: VdiRef) => copyVdi(call, vdi, { sr, base, into }),
  'VDI.checksum': checksum,
}

export interface CopyTarget {
  /** Where a new disk is made; default: on the SR of the original. */
  readonly sr: SrRef
  /** Only what differs from this disk is written. */
  readonly base?: VdiRef
  /** An existing disk to write to. */
  readonly into?: VdiRef
}

/** The copy shares nothing. With `into` it goes over an existing disk of at least that size. xapi: xapi_vdi.ml */
export function copyVdi(call: Call, vdi: VdiRef, { sr, base, into }: CopyTarget): Promise<VdiRef> {
  const { pool } = call
  const { db } = pool
  return operateOnVdi(call, vdi, ['copy'], async (source) => {
    assertManaged(pool, vdi)
    const existing = into !== undefined && db.find('VDI', into) !== undefined ? into : undefined
    const target = existing ?? (await newTarget(call, source, sr))
    try {
      const { virtual_size, read_only } = db.get('VDI', target)
      if (read_only) failure('VDI_READONLY', target)
      if (virtual_size < source.virtual_size) failure('VDI_TOO_SMALL', target, String(source.virtual_size))
      const older = base === undefined ? undefined : db.find('VDI', base)
      await held(call, vdi, 'RO', () =>
        held(call, target, 'RW', () =>
          copyData(call, { source, target: db.get('VDI', target).uuid, base: older, isNew: existing === undefined }),
        ),
      )
      return target
    } catch (error) {
      if (existing === undefined) await destroyVdi({ ...call, signal: pool.closing }, target)
      throw error
    }
  })
}

async function newTarget(call: Call, source: VdiRecord, sr: SrRef): Promise<VdiRef> {
  const { db } = call.pool
  const { uuid: _, ...fields } = copiedFields(source, source.uuid)
  const SR = db.find('SR', sr) === undefined ? source.SR : sr
  const target = await createVdi(call, { ...fields, SR, read_only: false } as VdiConstructor)
  db.update('VDI', target, { on_boot: source.on_boot, allow_caching: source.allow_caching })
  return target
}

/** The host has the disk attached while `work` runs, so that nobody else takes it. */
async function held<Result>(call: Call, vdi: VdiRef, mode: VbdMode, work: () => Promise<Result>): Promise<Result> {
  const { db } = call.pool
  const vbd = await attachToHost(call, vdi, mode)
  try {
    return await work()
  } finally {
    if (db.find('VBD', vbd) !== undefined) db.remove('VBD', vbd)
  }
}

const PIECE = 4 * 1024 * 1024
const BLOCK = 64 * 1024

interface DataCopy {
  readonly source: VdiRecord
  /** Uuid. */
  readonly target: string
  readonly base: VdiRecord | undefined
  readonly isNew: boolean
}

async function copyData(call: Call, { source, target, base, isNew }: DataCopy): Promise<void> {
  const { pool, task, signal } = call
  const { storage } = pool
  const { virtual_size: size } = source
  if (base === undefined && !isNew) await storage.writeZeroes(target, 0, size)
  for (let at = 0; at < size; at += PIECE) {
    signal.throwIfAborted()
    const length = Math.min(PIECE, size - at)
    const allocated = await storage.allocatedExtents(source.uuid, at, at + length)
    if (allocated.length === 0 && base === undefined) continue
    const data = await storage.read(source.uuid, at, length)
    const before = base === undefined ? new Uint8Array(length) : await readUpTo(call, base, at, length)
    for (const [start, end] of differences(data, before))
      await storage.write(target, at + start, data.subarray(start, end))
    task?.progress(at / size)
  }
}

/** Bytes past the end of the disk are zeros. */
async function readUpTo(
  { pool }: Call,
  { uuid, virtual_size }: VdiRecord,
  at: number,
  length: number,
): Promise<Uint8Array> {
  const data = new Uint8Array(length)
  const there = Math.min(length, virtual_size - at)
  if (there > 0) data.set(await pool.storage.read(uuid, at, there))
  return data
}

/** Blocks of 64 KiB that differ. */
function* differences(data: Uint8Array, before: Uint8Array): Generator<readonly [start: number, end: number]> {
  for (let start = 0; start < data.length; start += BLOCK) {
    const end = Math.min(data.length, start + BLOCK)
    if (Buffer.compare(data.subarray(start, end), before.subarray(start, end)) !== 0) yield [start, end]
  }
}

/** MD5 of the whole disk, in hexadecimal; not in the published API, but testers use it. */
async function checksum({ pool, task, signal }: Call, vdi: VdiRef): Promise<string> {
  const { uuid, virtual_size } = assertHasData(pool, vdi)
  const hash = createHash('md5')
  for (let at = 0; at < virtual_size; at += PIECE) {
    signal.throwIfAborted()
    hash.update(await pool.storage.read(uuid, at, Math.min(PIECE, virtual_size - at)))
    task?.progress(at / virtual_size)
  }
  return hash.digest('hex')
}
