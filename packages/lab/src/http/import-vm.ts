import type { SrRef, TaskRef, VdiRef, VmRef } from '@tidemark/xenapi'
import { decodeXmlValue, encodeXmlValue, isStruct, XenApiError } from '@tidemark/xenapi/codec'
import { ownCall } from '../calls/call.ts'
import type { Operation } from '../calls/operations.ts'
import { apiFailure, failure } from '../calls/failure.ts'
import { createVdi, destroyVdi } from '../classes/vdi.ts'
import { removeVm } from '../classes/vm.ts'
import { withArchive } from '../metadata/archive.ts'
import { findDisks, isMedium } from '../metadata/disks.ts'
import { xapiVersion } from '../metadata/export.ts'
import { importVms, type Imported } from '../metadata/import.ts'
import { decodeOva } from '../metadata/ova.ts'
import { OvaSource, type SourceObject } from '../metadata/source.ts'
import type { Pool } from '../pool.ts'
import type { Pieces } from '../streams/pieces.ts'
import { nextFile } from '../tar/read.ts'
import { ChunkDamaged, takeChunks, type ArrivingDisk } from '../xva/chunks-in.ts'
import { inOrder } from '../xva/order.ts'
import { targetSr } from './place.ts'
import { bodyOf } from './body.ts'
import { sinkOf } from './sink.ts'
import { flag } from './parameters.ts'
import { HttpRefusal, type Transfer } from './transfer.ts'

/** PUT /import: VMs with their disks, which are made on one SR. contract/xenapi.md §5.6 */
export async function importVm(transfer: Transfer): Promise<string> {
  const { pool, request, call } = transfer
  const sr = targetSr(pool, transfer)
  if (pool.db.get('SR', sr).content_type === 'iso') throw new HttpRefusal(400, ['SR_OPERATION_NOT_SUPPORTED', sr])
  if (request.headers['transfer-encoding'] !== undefined) {
    throw new HttpRefusal(403, ['IMPORT_ERROR_CANNOT_HANDLE_CHUNKED'])
  }
  transfer.begin({ status: 200, headers: { 'Content-Type': 'application/octet-stream' } })
  const told = await withArchive(bodyOf(request, call.signal), async ({ ova, input }) => {
    const { version, objects } = decodeOva(ova, xapiVersion(pool))
    const layout = Number(version['export_vsn'] ?? 0)
    return importArchive(transfer, { source: new OvaSource({ version, objects }), layout, input, sr })
  })
  return encodeXmlValue(told)
}

interface Arrival {
  readonly source: OvaSource
  /** The layout of the archive: 2 has checksums behind the chunks, 1 also a list of them at the end, 0 only that. */
  readonly layout: number
  readonly input: Pieces
  readonly sr: SrRef
}

/** Makes the disks and the VMs, then fills the disks. When anything fails, nothing is left; with `force`, everything. */
async function importArchive(transfer: Transfer, arrival: Arrival): Promise<readonly VmRef[]> {
  const { pool, call, query, task } = transfer
  const { source } = arrival
  const [restore, force] = [flag(query, 'restore'), flag(query, 'force')]
  const made = new Map<string, VdiRef>()
  let vms: readonly VmRef[] = []
  try {
    for (const disk of arriving(source)) made.set(disk.id, await makeDisk(transfer, arrival.sr, disk))
    const media = findDisks(pool, source, { map: new Map(), force: true, mayBeMissing: false })
    const disks = new Map([...media, ...made]) // one that was made takes the place of one that is here
    const imported: Imported = importVms(pool, source, {
      disks,
      restore,
      force,
      dryRun: false,
      mayBeMissing: false,
      task,
    })
    vms = imported.made
    noteObjects(pool, task)
    await pool.operations.during(call, vms.map(importing), () => fill(transfer, arrival, made))
    call.signal.throwIfAborted()
    return imported.told
  } catch (error) {
    if (!force) await takeBack(pool, vms, [...made.values()])
    throw error
  }
}

/** Tells clients that wait for it that all objects are there: they may set networks now. xapi: import.ml */
function noteObjects({ db }: Pool, task: TaskRef): void {
  db.update('task', task, { other_config: { ...db.get('task', task).other_config, object_creation: 'complete' } })
}

/** Nothing else is done to a VM while its disks arrive. */
const importing = (ref: VmRef): Operation => ({ class: 'VM', ref, operation: 'import', refusal: () => undefined })

/** The disks whose data an archive has: all but media. */
const arriving = (source: OvaSource): readonly SourceObject<'VDI'>[] =>
  source.all('VDI').filter(({ id }) => !isMedium(source, id))

function makeDisk({ call }: Transfer, SR: SrRef, { record }: SourceObject<'VDI'>): Promise<VdiRef> {
  const { name_label, name_description, virtual_size, type, sharable, read_only } = record
  const { other_config, xenstore_data, tags } = record
  return createVdi(call, {
    name_label,
    name_description,
    SR,
    virtual_size,
    type,
    sharable,
    read_only,
    other_config,
    xenstore_data,
    sm_config: { import_task: call.task?.ref ?? '' },
    tags,
  })
}

/** @throws XenApiError IMPORT_ERROR for a damaged chunk, IMPORT_ERROR_SOME_CHECKSUMS_FAILED for the list of old archives */
async function fill(
  transfer: Transfer,
  { source, layout, input }: Arrival,
  made: ReadonlyMap<string, VdiRef>,
): Promise<void> {
  const { pool, call, query } = transfer
  const force = flag(query, 'force')
  using held = new DisposableStack()
  for (const vdi of made.values()) held.defer(await pool.holds.hold(call, vdi, 'RW'))
  const wanted = arriving(source).flatMap(({ id, record: { virtual_size } }) => {
    const vdi = made.get(id)
    return vdi === undefined ? [] : [{ prefix: id, size: virtual_size, uuid: pool.db.get('VDI', vdi).uuid }]
  })
  const total = wanted.reduce((sum, { size }) => sum + size, 0)
  let done = 0
  const disks = inOrder(wanted).map(({ prefix, size, uuid }): ArrivingDisk => {
    const before = done
    done += size
    const progress = (fraction: number): void => call.task?.progress((before + fraction * size) / total)
    return { prefix, size, sink: { ...sinkOf(transfer, uuid), progress } }
  })
  const sums = await takeChunks(input, disks, { verify: layout > 0 && !force }).catch((error: unknown) => {
    throw error instanceof ChunkDamaged ? apiFailure('IMPORT_ERROR', error.message) : error
  })
  if (layout < 2) await checkList(input, sums, force)
}

const LIST_MAX = 64 * 1024 * 1024

/** Archives of old hosts end with the checksums of all chunks by their names. */
async function checkList(input: Pieces, sums: ReadonlyMap<string, string>, force: boolean): Promise<void> {
  const { data } = await nextFile(input, LIST_MAX)
  const list = decodeXmlValue(Buffer.from(data).toString('utf8'))
  const isRight = isStruct(list) && [...sums].every(([name, sum]) => list[name] === sum)
  if (!isRight && !force) failure('IMPORT_ERROR_SOME_CHECKSUMS_FAILED')
}

/** Removes what an import made, whatever has become of its task. A disk that somebody uses by now stays, as with xapi. */
async function takeBack(pool: Pool, vms: readonly VmRef[], disks: readonly VdiRef[]): Promise<void> {
  pool.db.change((draft) => {
    for (const vm of vms) if (pool.db.find('VM', vm) !== undefined) removeVm(pool, draft, vm)
  })
  await pool.holds.settled()
  const call = { ...ownCall(pool), signal: new AbortController().signal }
  for (const disk of disks) {
    if (pool.db.find('VDI', disk) === undefined) continue
    await destroyVdi(call, disk).catch((error: unknown) => {
      if (!(error instanceof XenApiError)) throw error
    })
  }
}
