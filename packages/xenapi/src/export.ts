import { XenApiError } from './error.ts'
import type { TaskRef, VdiRef, VmRef } from './generated/types.ts'
import type { HandlerRequest } from './handler.ts'
import {
  begun,
  drain,
  endTask,
  followed,
  handlerUrl,
  reasonOf,
  refuse,
  transferEnd,
  type TransferLine,
} from './transfer.ts'
import { collect, type Response } from './transport.ts'

export interface ExportVdiOptions {
  /** raw: every byte of the disk, zeros included. vhd: a sparse stream of 2 MiB blocks, for `readVhd`. */
  readonly format: 'raw' | 'vhd'
  /** Older disk of the same chain: only the differences are sent. Needs its data, so not one that is `cbt_metadata`. */
  readonly base?: VdiRef | undefined
}

/** Bytes on their way out of the pool. */
export interface Download extends AsyncDisposable {
  /**
   * The bytes, pulled: the pool reads no faster than this is iterated. May be iterated once. It ends only after the task said
   * that all went well, and throws the task's failure otherwise; leaving it early cancels the transfer.
   */
  readonly body: AsyncIterable<Uint8Array>
  readonly contentType: string
}

/** A disk on its way out of the pool. */
export type VdiExport = Download

/** @throws XenApiError XENAPI_FAILURE (as the task tells), XENAPI_HTTP, XENAPI_UNREACHABLE; the signal's reason */
export async function exportVdi(
  line: TransferLine,
  vdi: VdiRef,
  size: number | undefined,
  { format, base }: ExportVdiOptions,
  signal?: AbortSignal,
): Promise<VdiExport> {
  const params = [['vdi', vdi], ['format', format], ...(base === undefined ? [] : [['base', base] as const])] as const
  const expected = format === 'raw' ? size : undefined
  return download(line, { label: 'export of a disk', path: '/export_raw_vdi', params }, expected, signal)
}

/** Streams what a handler has to give. @param expected bytes of the whole body, where they are known. @throws as `exportVdi` */
export async function download(
  line: TransferLine,
  { label, path, params }: HandlerRequest,
  expected: number | undefined,
  signal?: AbortSignal,
): Promise<Download> {
  const { task, response } = await begun(line, () => startExport(line, label, path, params, signal), signal)
  const body = exportBody(line, task, response, expected, signal)
  return {
    contentType: response.contentType,
    body,
    async [Symbol.asyncDispose]() {
      await body.return()
    },
  }
}

/** The most that is taken for metadata of one VM. */
const METADATA_MAX = 64 * 1024 * 1024

/** The tar of `ova.xml` that describes a VM. @throws as `exportVdi`; XENAPI_PROTOCOL beyond 64 MiB */
export async function exportMetadata(
  line: TransferLine,
  vm: VmRef,
  { snapshots }: { readonly snapshots: boolean },
  signal?: AbortSignal,
): Promise<Uint8Array> {
  const params = [
    ['ref', vm],
    ['export_snapshots', String(snapshots)],
  ] as const
  const { task, response } = await begun(
    line,
    () => startExport(line, 'export of metadata', '/export_metadata', params, signal),
    signal,
  )
  return collect(exportBody(line, task, response, undefined, signal), METADATA_MAX)
}

async function startExport(
  line: TransferLine,
  what: string,
  path: string,
  params: readonly (readonly [string, string])[],
  signal: AbortSignal | undefined,
): Promise<{ task: TaskRef; response: Response }> {
  const task = await line.createTask(what, signal)
  try {
    const url = handlerUrl(line, path, task, params)
    const response = await followed(
      line,
      url,
      (at) => line.keeper.transport.get(at, signal),
      ({ body }) => drain(body),
      signal,
    )
    if (response.status === 200) return { task, response }
    await drain(response.body)
    return await refuse(line, task, what, response.status, signal)
  } catch (error) {
    await endTask(line, task, 'not begun')
    throw error
  }
}

/**
 * 200 goes out before the work: only the task knows how the transfer ended. The task is also ended when the body is dropped
 * before its first piece, where a generator's own `finally` would not run, and when the signal aborts between two pieces.
 */
function exportBody(
  line: TransferLine,
  task: TaskRef,
  response: Response,
  expected: number | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  let ended: Promise<void> | undefined
  const end = (how: 'done' | 'broken off') => (ended ??= endTask(line, task, how))
  const onAbort = () => void end('broken off')
  signal?.addEventListener('abort', onAbort, { once: true })
  const inner = checkedBody(line, task, response, expected, signal)
  const pieces = (async function* () {
    try {
      yield* inner
      await end('done')
    } finally {
      signal?.removeEventListener('abort', onAbort)
      await end('broken off')
    }
  })()
  let isBegun = false
  return {
    next: () => {
      isBegun = true
      return pieces.next()
    },
    async return() {
      if (!isBegun) {
        signal?.removeEventListener('abort', onAbort)
        await Promise.all([drain(response.body), end('broken off')])
      }
      return pieces.return()
    },
    throw: (error: unknown) => pieces.throw(error),
    [Symbol.asyncIterator]() {
      return this
    },
    async [Symbol.asyncDispose]() {
      await this.return()
    },
  }
}

async function* checkedBody(
  line: TransferLine,
  task: TaskRef,
  { body }: Response,
  expected: number | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  let length = 0
  try {
    for await (const chunk of withCheckedHead(line, task, body, signal)) {
      length += chunk.length
      yield chunk
    }
  } catch (error) {
    throw await reasonOf(line, task, error, undefined, signal)
  }
  await transferEnd(line, task, signal)
  if (expected !== undefined && length !== expected) {
    throw new XenApiError('XENAPI_PROTOCOL', `the disk has ${expected} bytes, but the pool sent ${length}`)
  }
}

/** What a late failure looks like: a second status line where the disk should begin. */
const LATE_FAILURE = Buffer.from('HTTP/1.1 500')

async function* withCheckedHead(
  line: TransferLine,
  task: TaskRef,
  body: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  let head: Uint8Array | undefined = new Uint8Array()
  for await (const chunk of body) {
    if (head === undefined) {
      yield chunk
      continue
    }
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk])
    if (head.length < LATE_FAILURE.length) continue
    await checkHead(line, task, head, signal)
    yield head
    head = undefined
  }
  if (head !== undefined && head.length > 0) yield head
}

async function checkHead(
  line: TransferLine,
  task: TaskRef,
  head: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (LATE_FAILURE.compare(head, 0, LATE_FAILURE.length) !== 0) return
  await refuse(line, task, 'export', 500, signal)
}
