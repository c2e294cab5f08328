import { parseType } from './codec/type.ts'
import { XenApiError } from './error.ts'
import { framed, framedLength, type Stretch } from './frames.ts'
import type { TaskRef, VdiRef, VmRef } from './generated/types.ts'
import type { HandlerRequest } from './handler.ts'
import { decodeTaskResult } from './task.ts'
import {
  begun,
  endTask,
  followed,
  handlerUrl,
  importEnd,
  reasonOf,
  refuse,
  underTask,
  type TransferLine,
} from './transfer.ts'
import { beginUpload, type Upload, type UploadAnswer } from './upload.ts'

export interface ImportVdiOptions {
  /** raw: every byte of the disk. vhd: from `writeVhd`; only the blocks in it are written, so the disk should be empty. */
  readonly format: 'raw' | 'vhd'
  /** Bytes of the whole body; the server takes no upload of unknown length. */
  readonly length: number
}

export interface ImportMetadataOptions {
  /** Uuids of the disks in the archive → uuids of the disks to attach in their place. */
  readonly vdiMap: ReadonlyMap<string, string>
  /** Keep uuids and MAC addresses, replacing a halted VM of the same uuid. */
  readonly restore?: boolean
  /** Skip disks that are missing. */
  readonly force?: boolean
}

/**
 * Writes a body into an existing disk. The body is pulled, no faster than the pool takes it.
 * @throws XenApiError XENAPI_FAILURE (as the task tells), XENAPI_HTTP, XENAPI_UNREACHABLE, XENAPI_TIMEOUT (the pool takes
 *   nothing any more), XENAPI_PROTOCOL (the body does not have `length` bytes), XENAPI_TASK; what the body throws; the signal's reason
 */
export async function importVdi(
  line: TransferLine,
  vdi: VdiRef,
  body: AsyncIterable<Uint8Array>,
  { format, length }: ImportVdiOptions,
  signal?: AbortSignal,
): Promise<void> {
  if (!Number.isSafeInteger(length) || length <= 0) {
    throw new XenApiError('XENAPI_PROTOCOL', `${length} is no length of an upload: a disk has at least one byte`)
  }
  const params = [
    ['vdi', vdi],
    ['format', format],
  ] as const
  await put(line, 'import of a disk', '/import_raw_vdi', params, body, length, signal)
}

/**
 * Writes stretches of an existing disk, and leaves the rest of it as it is.
 * @param body the bytes of the stretches, one after the other. @throws as `importVdi`
 */
export async function importVdiStretches(
  line: TransferLine,
  vdi: VdiRef,
  stretches: readonly Stretch[],
  body: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<void> {
  const params = [
    ['vdi', vdi],
    ['format', 'raw'],
    ['chunked', 'true'],
  ] as const
  const length = framedLength(stretches)
  await put(line, 'import of parts of a disk', '/import_raw_vdi', params, framed(stretches, body), length, signal)
}

/**
 * Streams a body into a handler, and answers with the result of its task: XML text of a value, or nothing.
 * @param length bytes of the whole body. @throws as `importVdi`
 */
export const upload = (
  line: TransferLine,
  { label, path, params }: HandlerRequest,
  body: AsyncIterable<Uint8Array>,
  length: number,
  signal?: AbortSignal,
): Promise<string> => put(line, label, path, params, body, length, signal)

/** Makes VMs from an archive of `exportMetadata`, disks mapped. @throws as `importVdi` */
export async function importMetadata(
  line: TransferLine,
  archive: Uint8Array,
  { vdiMap, restore = false, force = false }: ImportMetadataOptions,
  signal?: AbortSignal,
): Promise<readonly VmRef[]> {
  const params = [
    ['restore', String(restore)],
    ['force', String(force)],
    ...[...vdiMap].map(([from, to]) => [`vdi:${from}`, to] as const),
  ] as const
  const result = await put(
    line,
    'import of metadata',
    '/import_metadata',
    params,
    once(archive),
    archive.length,
    signal,
  )
  return decodeTaskResult(parseType('VM ref set'), result) as readonly VmRef[]
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

/** xapi answers before it reads the body; a server that does not is sent the body after this. */
const ANSWER_FIRST_MS = 2000

async function put(
  line: TransferLine,
  what: string,
  path: string,
  params: readonly (readonly [string, string])[],
  body: AsyncIterable<Uint8Array>,
  length: number,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { task, upload } = await begun(line, () => startImport(line, what, path, params, length, signal), signal)
  return underTask(line, task, async () => {
    const onAbort = () => upload.close()
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      signal?.throwIfAborted()
      await sent(line, task, upload, body, length, signal)
      return await importEnd(line, task, signal)
    } finally {
      signal?.removeEventListener('abort', onAbort)
      upload.close()
    }
  })
}

async function startImport(
  line: TransferLine,
  what: string,
  path: string,
  params: readonly (readonly [string, string])[],
  length: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly task: TaskRef; readonly upload: Upload }> {
  const task = await line.createTask(what, signal)
  try {
    const upload = await openUpload(line, handlerUrl(line, path, task, params), length, signal)
    if (upload.status === undefined || upload.status === 200) return { task, upload }
    upload.close()
    return await refuse(line, task, what, upload.status, signal)
  } catch (error) {
    await endTask(line, task, 'not begun')
    throw error
  }
}

/** A pool that is stuck says no more why than it takes the body. */
const STUCK_REASON_WITHIN_MS = 1000

/** A body that cannot be sent to its end: the task knows why better than the connection does. */
async function sent(
  line: TransferLine,
  task: TaskRef,
  upload: Upload,
  body: AsyncIterable<Uint8Array>,
  length: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await upload.send(body, length)
  } catch (error) {
    const isOurs = !(error instanceof XenApiError) || error.code === 'XENAPI_PROTOCOL'
    signal?.throwIfAborted()
    if (isOurs) throw error
    const withinMs = error.code === 'XENAPI_TIMEOUT' ? STUCK_REASON_WITHIN_MS : undefined
    throw await reasonOf(line, task, error, withinMs, signal)
  }
}

type OpenUpload = Upload & Partial<UploadAnswer>

/** Redirects come before the body is read, so the body, which can be read only once, waits for the answer. */
async function openUpload(
  line: TransferLine,
  url: URL,
  length: number,
  signal: AbortSignal | undefined,
): Promise<OpenUpload> {
  const opened = await followed(
    line,
    url,
    async (at) => {
      const upload = beginUpload(await line.keeper.transport.connect(at, signal), at, length, line.stallMs)
      const { status = 0, location } = (await answerOrClose(upload)) ?? {}
      return { upload, status, location }
    },
    async ({ upload }) => upload.close(),
    signal,
  )
  return opened.status === 0 ? opened.upload : { ...opened.upload, status: opened.status }
}

async function answerOrClose(upload: Upload): Promise<UploadAnswer | undefined> {
  try {
    return await upload.answerWithin(ANSWER_FIRST_MS)
  } catch (error) {
    upload.close()
    throw error
  }
}
