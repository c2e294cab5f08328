import { bytes, decodeBitmap, type Bytes } from '@tidemark/blocks'
import { XenApiError, type Session, type VdiRecord, type VdiRef, type VmRef } from '@tidemark/xenapi'
import type { Clock } from '../clock.ts'
import type { Changes, Disk, DiskSnapshot, SnapshotOptions, SourceKind, Vm, VmSnapshot } from '../pool.ts'
import { MARK_POINT, MARK_REPOSITORY, MARK_ROLE, type Role } from './marks.ts'
import { isFailure, whileBusy, type Patience } from './patience.ts'
import { openSource, type SourceOptions } from './source.ts'

export interface SnapshotContext {
  readonly session: Session
  readonly clock: Clock
  readonly patience: Patience
  readonly source: SourceOptions
}

/** Takes one snapshot of the VM. Disposal removes it with its disks, unless `keepAsBase` has turned them into bases. */
export async function takeSnapshot(
  context: SnapshotContext,
  vm: Vm,
  { repository, leftOut }: SnapshotOptions,
  signal?: AbortSignal,
): Promise<VmSnapshot> {
  const { session } = context
  const vmRef = await session.VM.get_by_uuid(vm.uuid, { signal })
  const ignored = await Promise.all(leftOut.map(({ vdiUuid }) => session.VDI.get_by_uuid(vdiUuid, { signal })))
  const name = `tidemark ${context.clock.now().toISOString()}`
  const ref = await session.Async.VM.snapshot(vmRef, name, ignored, { signal })
  await using undo = new AsyncDisposableStack()
  const copies = new Map<string, Copy>()
  undo.defer(() => destroySnapshot(context, ref, [...copies.values()]))
  await session.VM.add_to_other_config(ref, MARK_REPOSITORY, repository, { signal })
  for (const copy of await copiesOf(session, ref, vm.disks, signal)) {
    copies.set(copy.disk.vdiUuid, copy)
    await markCopy(session, copy.ref, { repository, role: 'reading' }, signal)
  }
  const uuid = await session.VM.get_uuid(ref, { signal })
  const whole = undo.move()
  let undone = () => whole.disposeAsync()
  return {
    uuid,
    disks: new Map([...copies].map(([vdi, copy]) => [vdi, diskSnapshot(context, copy)])),
    async keepAsBase(point, stop) {
      await destroyVmSnapshot(session, ref) // data_destroy waits for every VBD record to be gone, also unplugged ones
      undone = () => destroyCopies(context, [...copies.values()])
      for (const copy of copies.values()) await keepLog(context, copy, point, stop)
      undone = () => Promise.resolve()
    },
    [Symbol.asyncDispose]: () => undone(),
  }
}

/** One disk of the snapshot. */
interface Copy {
  readonly ref: VdiRef
  readonly uuid: string
  readonly size: Bytes
  readonly tracked: boolean
  readonly disk: Disk
}

async function copiesOf(
  session: Session,
  snapshot: VmRef,
  disks: readonly Disk[],
  signal: AbortSignal | undefined,
): Promise<Copy[]> {
  const records: [VdiRef, VdiRecord][] = []
  for (const vbd of await session.VM.get_VBDs(snapshot, { signal })) {
    const record = await session.VBD.get_record(vbd, { signal })
    if (record.type === 'Disk' && !record.empty)
      records.push([record.VDI, await session.VDI.get_record(record.VDI, { signal })])
  }
  const copies: Copy[] = []
  for (const disk of disks) {
    const live = await session.VDI.get_by_uuid(disk.vdiUuid, { signal })
    const found = records.find(([, record]) => record.snapshot_of === live)
    if (found === undefined) continue
    const [ref, record] = found
    copies.push({ ref, uuid: record.uuid, size: bytes(record.virtual_size), tracked: record.cbt_enabled, disk })
  }
  return copies
}

async function markCopy(
  session: Session,
  ref: VdiRef,
  marks: { repository?: string; role: Role; point?: string },
  signal: AbortSignal | undefined,
): Promise<void> {
  const entries = { [MARK_REPOSITORY]: marks.repository, [MARK_ROLE]: marks.role, [MARK_POINT]: marks.point }
  for (const [key, value] of Object.entries(entries)) {
    if (value === undefined) continue
    await session.VDI.remove_from_other_config(ref, key, { signal }) // a snapshot inherits the keys of its disk
    await session.VDI.add_to_other_config(ref, key, value, { signal })
  }
}

function diskSnapshot(context: SnapshotContext, copy: Copy): DiskSnapshot {
  return {
    uuid: copy.uuid,
    size: copy.size,
    tracked: copy.tracked,
    changedSince: (base, signal) => changedSince(context.session, base, copy, signal),
    open: (kind: SourceKind, signal) => openSource(context.session, copy.uuid, kind, context.source, signal),
  }
}

/** 457 to 460 are the storage manager's ways to say that it cannot tell: the disk must be read in full. */
const UNTOLD = new Set([
  'SR_BACKEND_FAILURE_457',
  'SR_BACKEND_FAILURE_458',
  'SR_BACKEND_FAILURE_459',
  'SR_BACKEND_FAILURE_460',
  'HANDLE_INVALID',
  'UUID_INVALID',
])

async function changedSince(session: Session, base: string, copy: Copy, signal?: AbortSignal): Promise<Changes> {
  try {
    const from = await session.VDI.get_by_uuid(base, { signal })
    const text = await session.Async.VDI.list_changed_blocks(from, copy.ref, { signal })
    return { known: true, bitmap: decodeBitmap(text, copy.size) }
  } catch (error) {
    if (!isFailure(error, UNTOLD)) throw error
    return { known: false, detail: detailOf(error) }
  }
}

/** The storage manager's own words: the text after `opterr=`, or the whole failure. */
function detailOf(error: unknown): string {
  const failure = error instanceof XenApiError ? (error.failure ?? []) : []
  const text = failure.join(' ')
  return /\[opterr=([^\]]*)\]/.exec(text)?.[1] ?? text
}

async function keepLog(
  { session, clock, patience }: SnapshotContext,
  copy: Copy,
  point: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (copy.tracked) {
    await whileBusy(
      `the snapshot of disk ${copy.disk.position}`,
      clock,
      patience,
      () => session.Async.VDI.data_destroy(copy.ref, { signal }),
      signal,
    )
    await markCopy(session, copy.ref, { role: 'base', point }, signal)
  } else await destroyDisk({ session, clock, patience }, copy.ref)
}

async function destroySnapshot(context: SnapshotContext, ref: VmRef, copies: readonly Copy[]): Promise<void> {
  const found = copies.length > 0 ? copies.map((copy) => copy.ref) : await disksOf(context.session, ref)
  await destroyVmSnapshot(context.session, ref)
  for (const disk of found) await destroyDisk(context, disk)
}

const destroyCopies = async (context: SnapshotContext, copies: readonly Copy[]): Promise<void> => {
  for (const copy of copies) await destroyDisk(context, copy.ref)
}

/** A snapshot that was interrupted before we looked at its disks. */
async function disksOf(session: Session, ref: VmRef): Promise<VdiRef[]> {
  const vbds = await Promise.all((await session.VM.get_VBDs(ref)).map((vbd) => session.VBD.get_record(vbd)))
  return vbds.filter((vbd) => vbd.type === 'Disk' && !vbd.empty).map((vbd) => vbd.VDI)
}

const GONE = new Set(['HANDLE_INVALID'])

async function destroyVmSnapshot(session: Session, ref: VmRef): Promise<void> {
  try {
    await session.Async.VM.destroy(ref)
  } catch (error) {
    if (!isFailure(error, GONE)) throw error
  }
}

/** Destroys a disk, waiting for readers to go; one that is gone already is as good. */
export async function destroyDisk(
  { session, clock, patience }: Pick<SnapshotContext, 'session' | 'clock' | 'patience'>,
  ref: VdiRef,
): Promise<void> {
  try {
    await whileBusy('a disk', clock, patience, () => session.Async.VDI.destroy(ref))
  } catch (error) {
    if (!isFailure(error, GONE)) throw error
  }
}
