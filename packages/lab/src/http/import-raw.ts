import { encodeXmlValue, XenApiError } from '@tidemark/xenapi/codec'
import type { VdiRef } from '@tidemark/xenapi'
import { assertHasData } from '../classes/vdi-operation.ts'
import { apiFailure } from '../calls/failure.ts'
import { createVdi } from '../classes/vdi.ts'
import { LabError, type LabErrorCode } from '../error.ts'
import { StreamCut, withPieces } from '../streams/pieces.ts'
import { TarDamaged } from '../tar/read.ts'
import { ChunkDamaged, takeChunks } from '../xva/chunks-in.ts'
import { bodyOf } from './body.ts'
import { TAR_FOLDER } from './export-raw.ts'
import { formatOf, type DiskFormat } from './format.ts'
import { takeQcow2 } from './qcow2-in.ts'
import { ioError, takeFramed, takeRaw } from './raw-in.ts'
import { sinkOf, type DiskSink } from './sink.ts'
import { findObject, parameter } from './parameters.ts'
import { HttpRefusal, type Transfer } from './transfer.ts'
import { lengthOf } from './unsized.ts'
import { takeVhd, withinVhd } from './vhd-in.ts'

/** PUT /import_raw_vdi: data into a disk, or into a new one. contract/xenapi.md §5.3 */
export async function importRawVdi(transfer: Transfer): Promise<string> {
  const { pool, call } = transfer
  const given = parameter(transfer, 'vdi')
  const existing = given === undefined ? undefined : findObject(pool, 'VDI', given)
  const sr = parameter(transfer, 'sr_id') ?? parameter(transfer, 'sr_uuid')
  if (existing === undefined && sr === undefined) throw new HttpRefusal(400, ['VDI_MISSING'])
  const format = formatOf(transfer)
  assertReadable(transfer, format)
  const vdi = existing ?? (await newVdi(transfer, format, sr ?? ''))
  transfer.begin({ status: 200, headers: { 'Content-Type': 'application/octet-stream' } })
  const { uuid } = assertHasData(pool, vdi)
  const release = await pool.holds.hold(call, vdi, 'RW')
  try {
    await take(transfer, format, uuid)
  } catch (error) {
    throw ioErrorOf(error)
  } finally {
    release()
  }
  return encodeXmlValue(vdi)
}

function assertReadable(transfer: Transfer, format: DiskFormat): void {
  const encoding = transfer.request.headers['transfer-encoding']
  if (isFramed(transfer) && format !== 'raw') throw internalError(404, 'Cannot handle chunked VHD')
  if (encoding !== undefined) throw internalError(404, `Cannot handle encoding: ${encoding}`)
}

const isFramed = (transfer: Transfer): boolean => parameter(transfer, 'chunked') !== undefined
const internalError = (status: number, text: string): HttpRefusal => new HttpRefusal(status, ['INTERNAL_ERROR', text])

/** A disk as large as the body. Only of raw data its length is the disk's. */
async function newVdi({ pool, call, request }: Transfer, format: DiskFormat, sr: string): Promise<VdiRef> {
  if (format === 'vhd') throw internalError(400, 'Importing a VHD directly into an SR not yet supported')
  if (format !== 'raw') throw internalError(400, 'Importing a QCOW2 directly into an SR not yet supported')
  const length = lengthOf(request)
  if (format !== 'raw' || length === undefined) throw internalError(400, 'Not enough info supplied to import')
  return createVdi(call, {
    name_label: 'Imported VDI',
    SR: findObject(pool, 'SR', sr),
    virtual_size: length,
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
  })
}

async function take(transfer: Transfer, format: DiskFormat, uuid: string): Promise<void> {
  const { request, call } = transfer
  const sink = sinkOf(transfer, uuid)
  const body = bodyOf(request, call.signal)
  const length = lengthOf(request)
  if (format === 'raw') return isFramed(transfer) ? takeFramed(body, sink) : takeRaw(body, sink, length)
  if (format === 'tar') return takeTar(body, sink)
  if (format === 'qcow2') return takeQcow2(body, sink)
  // a client that does not know the length of what it sends announces more than can come
  const isOpen = length === undefined || length > 2 * sink.size
  await takeVhd(isOpen ? withinVhd(body) : body, sink)
}

/** The chunks of a disk of just this size: the last one is always there. */
function takeTar(body: AsyncIterable<Uint8Array>, sink: DiskSink): Promise<void> {
  return withPieces(body, async (input) => {
    await takeChunks(input, [{ prefix: TAR_FOLDER, size: sink.size, sink }], { verify: true })
  })
}

const REFUSALS: readonly LabErrorCode[] = [
  'LAB_STORAGE_RANGE',
  'LAB_STORAGE_FULL',
  'LAB_STORAGE_IO',
  'LAB_QCOW2_DAMAGED',
  'LAB_QCOW2_UNSUPPORTED',
]

/** A stream that breaks off, or that the disk does not take, is an I/O error to the client. */
function ioErrorOf(error: unknown): unknown {
  const isDamaged = error instanceof XenApiError && error.code === 'XENAPI_PROTOCOL'
  const isRefused = error instanceof LabError && REFUSALS.includes(error.code)
  if (error instanceof ChunkDamaged || error instanceof TarDamaged) return apiFailure('INTERNAL_ERROR', error.message)
  return isDamaged || isRefused || error instanceof StreamCut ? ioError() : error
}
