import { BlocksError, bytes, decodeBitmap, type Bytes } from '@tidemark/blocks'
import { isFailure, XenApiError, type Session, type VdiRecord, type VdiRef, type VmRef } from '@tidemark/xenapi'
import type { Clock } from '../clock.ts'
import type { Changes, Disk, DiskSnapshot, LeftSnapshot, SnapshotOptions, SourceKind, Vm, VmSnapshot } from '../pool.ts'
import { isMarked, MARK_POINT, MARK_REPOSITORY, MARK_ROLE, MARK_SELF, type Role } from './marks.ts'
import { madeOnce, repeated, settled, type Seen } from './outcome.ts'
import { failedWith, whileBusy, type BusyDisk, type Patience } from './patience.ts'
import { openSource } from './source.ts'
import type { SourceOptions } from './source-options.ts'
import type { PoolTracking } from './tracking.ts'

export interface SnapshotContext {
  readonly session: Session
  readonly clock: Clock
  readonly patience: Patience
  readonly source: SourceOptions
  readonly tracking: PoolTracking
}

/**
 * Takes one snapshot of the VM. Disposal removes it with its disks, unless `keepAsBase` was called. The snapshot itself is
 * not aborted: a call that is cancelled may still complete, and an object whose reference is lost would stay for ever.
 */
export async function takeSnapshot(
  context: SnapshotContext,
  vm: Vm,
  { repository, leftOut, name }: SnapshotOptions,
  signal?: AbortSignal,
): Promise<VmSnapshot> {
  const { session } = context
  const vmRef = await session.VM.get_by_uuid(vm.uuid, { signal })
  const ignored = await Promise.all(leftOut.map(({ vdiUuid }) => session.VDI.get_by_uuid(vdiUuid, { signal })))
  const ref = await snapshotOf(context, vmRef, name, ignored).catch(async (error: unknown) => {
    await using failed = new AsyncDisposableStack() // a task may fail after its work was done, and nobody else looks for that name
    failed.defer(() => destroyTwins(context, vmRef, name, undefined))
    throw error
  })
  await using undo = new AsyncDisposableStack()
  const made: VdiRef[] = [] // every disk of the snapshot, whether we asked for it or not
  undo.defer(() => destroySnapshot(context, ref, made))
  undo.defer(() => destroyTwins(context, vmRef, name, ref))
  made.push(...(await disksOf(session, ref)))
  signal?.throwIfAborted()
  const uuid = await session.VM.get_uuid(ref, { signal })
  await markVm(session, ref, { [MARK_REPOSITORY]: repository, [MARK_SELF]: uuid }, signal)
  const copies = await copiesOf(session, made, vm.disks, signal)
  for (const copy of copies) await markCopy(session, copy, { repository, role: 'reading' }, signal)
  const snapshot = { context, vmRef, ref, uuid, name, made, copies, takenAt: context.clock.now() }
  return heldSnapshot(snapshot, undo.move())
}

/** A snapshot that an earlier run left: its disks are marked as being read, and have their data. Else undefined. */
export async function reopenSnapshot(
  context: SnapshotContext,
  vm: Vm,
  { uuid, name, takenAt, disks }: LeftSnapshot,
  signal?: AbortSignal,
): Promise<VmSnapshot | undefined> {
  const { session } = context
  try {
    const vmRef = await session.VM.get_by_uuid(vm.uuid, { signal })
    const ref = await session.VM.get_by_uuid(uuid, { signal })
    const made = await disksOf(session, ref)
    const chosen = vm.disks.filter(({ vdiUuid }) => disks.includes(vdiUuid))
    const copies = await copiesOf(session, made, chosen, signal)
    const records = await Promise.all(copies.map((copy) => session.VDI.get_record(copy.ref, { signal })))
    const isWhole = records.every((record) => isMarked(record) && record.other_config[MARK_ROLE] === 'reading')
    if (!isWhole || copies.length !== disks.length) return undefined
    const undo = new AsyncDisposableStack()
    undo.defer(() => destroySnapshot(context, ref, made))
    undo.defer(() => destroyTwins(context, vmRef, name, ref))
    return heldSnapshot({ context, vmRef, ref, uuid, name, made, copies, takenAt }, undo)
  } catch (error) {
    if (isFailure(error, 'UUID_INVALID') || isFailure(error, 'HANDLE_INVALID')) return undefined
    throw error
  }
}

/** A snapshot of a VM and what is known of it. */
interface Held {
  readonly context: SnapshotContext
  readonly vmRef: VmRef
  readonly ref: VmRef
  readonly uuid: string
  readonly name: string
  readonly made: readonly VdiRef[]
  readonly copies: readonly Copy[]
  readonly takenAt: Date
}

function heldSnapshot(
  { context, vmRef, ref, uuid, name, made, copies, takenAt }: Held,
  whole: AsyncDisposableStack,
): VmSnapshot {
  let undone = () => whole.disposeAsync()
  return {
    uuid,
    takenAt,
    disks: new Map(copies.map((copy) => [copy.disk.vdiUuid, diskSnapshot(context, copy)])),
    async keepAsBase(point) {
      undone = () => Promise.resolve() // the restore point exists: what cannot be tidied is reported, its logs are not destroyed
      await destroyTwins(context, vmRef, name, ref)
      for (const each of made) await claim(context.session, each) // one that nobody asked for is not marked yet
      await destroyVm(context.session, ref) // data_destroy waits for every VBD record to be gone, also unplugged ones
      await tidy(context, made, copies, point)
    },
    [Symbol.asyncDispose]: () => undone(),
  }
}

/** A snapshot inherits the keys of its VM, if that came of such a snapshot itself. */
async function markVm(
  session: Session,
  ref: VmRef,
  marks: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const [key, value] of Object.entries(marks)) {
    await repeated(async () => {
      await session.VM.remove_from_other_config(ref, key, { signal })
      await session.VM.add_to_other_config(ref, key, value, { signal })
    })
  }
}

function snapshotOf(context: SnapshotContext, vm: VmRef, name: string, ignored: readonly VdiRef[]): Promise<VmRef> {
  const { session } = context
  // older pools know no third parameter
  const take = () =>
    ignored.length === 0 ? session.Async.VM.snapshot(vm, name) : session.Async.VM.snapshot(vm, name, ignored)
  return madeOnce(take, () => snapshotNamed(context, vm, name))
}

/** A snapshot whose reference was lost, found by its name, once the VM is at rest. */
async function snapshotNamed(
  { session, clock, patience }: SnapshotContext,
  vm: VmRef,
  name: string,
): Promise<Seen<VmRef>> {
  const until = clock.now().getTime() + patience.forMs
  while (Object.values(await session.VM.get_current_operations(vm)).includes('snapshot')) {
    if (clock.now().getTime() >= until) break
    await clock.sleep(1000)
  }
  const [result] = await snapshotsNamed(session, vm, name)
  return result === undefined ? undefined : { result }
}

async function snapshotsNamed(session: Session, vm: VmRef, name: string): Promise<VmRef[]> {
  const found: VmRef[] = []
  for (const ref of await session.VM.get_by_name_label(name)) {
    if ((await session.VM.get_snapshot_of(ref)) === vm) found.push(ref)
  }
  return found
}

/** Removes what came of a request that a proxy sent twice: the answer told of one snapshot, and the pool has two. */
async function destroyTwins(context: SnapshotContext, vm: VmRef, name: string, ref: VmRef | undefined): Promise<void> {
  for (const twin of await snapshotsNamed(context.session, vm, name)) {
    if (twin !== ref) await destroySnapshot(context, twin, [])
  }
}

/** Turns each tracked copy into a base, and destroys the others. One busy disk does not keep the rest from it. */
async function tidy(
  context: SnapshotContext,
  made: readonly VdiRef[],
  copies: readonly Copy[],
  point: string,
): Promise<void> {
  const failures: unknown[] = []
  for (const ref of made) {
    const copy = copies.find((each) => each.ref === ref)
    const done =
      copy?.tracked === true ? keepLog(context, { ...copy, what: nameOf(copy) }, point) : destroyDisk(context, ref)
    await done.catch((error: unknown) => failures.push(error))
  }
  if (failures.length > 0) throw failures[0]
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
  made: readonly VdiRef[],
  disks: readonly Disk[],
  signal: AbortSignal | undefined,
): Promise<Copy[]> {
  const records: [VdiRef, VdiRecord][] = []
  for (const ref of made) records.push([ref, await session.VDI.get_record(ref, { signal })])
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

/**
 * A snapshot inherits the keys of its disk; the one that makes the object ours comes last, and is not touched again: between taking a
 * key away and setting it anew the process may be killed.
 */
async function markCopy(
  session: Session,
  { ref, uuid }: Pick<Copy, 'ref' | 'uuid'>,
  marks: { repository?: string; role: Role; point?: string },
  signal: AbortSignal | undefined,
): Promise<void> {
  const { repository, role, point } = marks
  const entries = { [MARK_REPOSITORY]: repository, [MARK_ROLE]: role, [MARK_POINT]: point, [MARK_SELF]: uuid }
  const there = await session.VDI.get_other_config(ref, { signal })
  for (const [key, value] of Object.entries(entries)) {
    if (value === undefined || there[key] === value) continue
    await repeated(async () => {
      await session.VDI.remove_from_other_config(ref, key, { signal })
      await session.VDI.add_to_other_config(ref, key, value, { signal })
    })
  }
}

function diskSnapshot(context: SnapshotContext, copy: Copy): DiskSnapshot {
  return {
    uuid: copy.uuid,
    size: copy.size,
    tracked: copy.tracked,
    changedSince: (base, signal) => changedSince(context, base, copy, signal),
    open: (kind: SourceKind, signal) => openSource(context.session, copy.uuid, kind, context.source, signal),
  }
}

/** Failures that say nothing about the changes: a new login, other rights or more patience would help, a full read would not. */
const NO_ANSWER = new Set([
  'SESSION_INVALID',
  'SESSION_AUTHENTICATION_FAILED',
  'RBAC_PERMISSION_DENIED',
  'HOST_IS_SLAVE',
])

/**
 * 457 to 460 are the storage manager's ways to say that it cannot tell; drivers have others, and a lost base answers
 * UUID_INVALID. Whatever the pool says, a disk whose changes are unknown is read in full.
 */
async function changedSince(
  context: SnapshotContext,
  base: string,
  copy: Copy,
  signal?: AbortSignal,
): Promise<Changes> {
  const { session } = context
  try {
    const from = await session.VDI.get_by_uuid(base, { signal })
    const ask = () => repeated(() => session.Async.VDI.list_changed_blocks(from, copy.ref, { signal }))
    const text = await whileBusy(busy(context, copy.ref, nameOf(copy)), ask, signal)
    return { known: true, bitmap: decodeBitmap(text, copy.size) }
  } catch (error) {
    if (error instanceof BlocksError) return { known: false, detail: error.message }
    const told = error instanceof XenApiError && error.failure !== undefined && !failedWith(error, NO_ANSWER)
    if (!told) throw error
    return { known: false, detail: detailOf(error) }
  }
}

/** The storage manager's own words: the text after `opterr=`, or the whole failure. */
function detailOf(error: unknown): string {
  const failure = error instanceof XenApiError ? (error.failure ?? []) : []
  const text = failure.join(' ')
  return /\[opterr=([^\]]*)\]/.exec(text)?.[1] ?? text
}

const nameOf = ({ disk }: Copy): string => `the snapshot of disk ${disk.position}`

const busy = ({ session, clock, patience }: SnapshotContext, vdi: VdiRef, what: string): BusyDisk => ({
  session,
  clock,
  patience,
  vdi,
  what,
})

/** Drops the data of a disk's snapshot; its tracking stays as base of `point`. */
export async function keepLog(
  context: SnapshotContext,
  { ref, uuid, what }: { readonly ref: VdiRef; readonly uuid: string; readonly what: string },
  point: string,
): Promise<void> {
  const { session } = context
  const isDone = async () => ((await session.VDI.get_type(ref)) === 'cbt_metadata' ? { result: undefined } : undefined)
  const destroyData = () => settled(() => session.Async.VDI.data_destroy(ref), isDone)
  await whileBusy(busy(context, ref, what), destroyData)
  await markCopy(session, { ref, uuid }, { role: 'base', point }, undefined)
}

/**
 * Removes a snapshot of a VM with its disks; one that cannot go does not keep the rest from it. What is not marked as ours yet is marked
 * before: once the snapshot is gone, or the run's journal, nothing else leads to what stays when something fails or we are killed.
 */
export async function destroySnapshot(context: SnapshotContext, ref: VmRef, made: readonly VdiRef[]): Promise<void> {
  const { session } = context
  const failures: unknown[] = []
  const note = (error: unknown) => void failures.push(error)
  const disks = made.length > 0 ? made : await disksOf(session, ref)
  await claimVm(session, ref).catch(note)
  for (const disk of disks) await claim(session, disk).catch(note)
  await destroyVm(session, ref).catch(note) // a task may fail and the snapshot be gone
  for (const disk of disks) await destroyDisk(context, disk).catch(note)
  if (failures.length > 0) throw failures[0]
}

/** Marks a copy as ours that is not marked yet. It needs no storage. */
const claim = (session: Session, ref: VdiRef): Promise<void> =>
  ifThere(async () => {
    const record = await session.VDI.get_record(ref)
    if (record.is_a_snapshot && !isMarked(record))
      await markCopy(session, { ref, uuid: record.uuid }, { role: 'reading' }, undefined)
  })

const claimVm = (session: Session, ref: VmRef): Promise<void> =>
  ifThere(async () => {
    const record = await session.VM.get_record(ref)
    if (record.is_a_snapshot && !isMarked(record)) await markVm(session, ref, { [MARK_SELF]: record.uuid }, undefined)
  })

/** Work on an object that may be gone already, which is as good. */
async function ifThere(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!isFailure(error, 'HANDLE_INVALID')) throw error
  }
}

/** The disks that a snapshot of a VM consists of. */
export async function disksOf(session: Session, ref: VmRef): Promise<VdiRef[]> {
  const vbds = await Promise.all((await session.VM.get_VBDs(ref)).map((vbd) => session.VBD.get_record(vbd)))
  return vbds.filter((vbd) => vbd.type === 'Disk' && !vbd.empty).map((vbd) => vbd.VDI)
}

export const destroyVm = (session: Session, ref: VmRef): Promise<void> =>
  ifThere(() => repeated(() => session.Async.VM.destroy(ref)))

/** Destroys a disk, waiting for readers to go; one that is gone already is as good. */
export const destroyDisk = (context: SnapshotContext, ref: VdiRef): Promise<void> =>
  ifThere(() => whileBusy(busy(context, ref, 'a disk'), () => repeated(() => context.session.Async.VDI.destroy(ref))))
