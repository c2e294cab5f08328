import { buildAsyncCalls, buildCalls, invokeTyped, requestFor, splitOptions } from './calls.ts'
import type { CallOptions } from './call-options.ts'
import { findMessage } from './codec/model.ts'
import { parseType } from './codec/type.ts'
import { decodeTyped } from './codec/typed.ts'
import { isStruct, structOf, type WireValue } from './codec/wire.ts'
import type { ApiClass, ApiMessage } from './codec/class.ts'
import type { Login } from './enter.ts'
import { XenApiError } from './error.ts'
import { download, exportMetadata, exportVdi, type Download, type ExportVdiOptions, type VdiExport } from './export.ts'
import type { ApiCalls, AsyncCalls, TaskRef, VdiRef, VmRef } from './generated/types.ts'
import type { Stretch } from './frames.ts'
import {
  importMetadata,
  importVdi,
  importVdiStretches,
  upload,
  type ImportMetadataOptions,
  type ImportVdiOptions,
} from './import.ts'
import type { HandlerRequest } from './handler.ts'
import { invoke, type Line, type Request } from './invoke.ts'
import type { Keeper } from './keeper.ts'
import { learnMembers } from './learn.ts'
import { patiently } from './not-now.ts'
import { cancelTask, decodeTaskResult, dropTask, endOfTask, failureOf } from './task.ts'
import type { TransferLine } from './transfer.ts'
import type { PoolMember } from './trust.ts'

/**
 * Being logged in: a login that ends before its time is replaced. All calls are members by class and message: `session.VDI.get_record(ref)`; the same under `Async` start a task,
 * wait for it and answer with its result. Disposing logs out.
 */
export interface Session extends ApiCalls, AsyncDisposable {
  /** The reference of the current login: as good as the password, never to be shown. It changes when the pool ends a login. */
  readonly ref: string
  /** Where the session is: the pool's coordinator, maybe not the host that was asked. It changes on a fail-over. */
  readonly url: string
  readonly api: 'json' | 'xml'
  readonly Async: AsyncCalls
  /**
   * Asks for the pool's hosts, each with its certificate as the coordinator vouches for it, and remembers them: any of them may be
   * the coordinator tomorrow. To be kept as `members` of the pool's address. @throws XenApiError; the signal's reason
   */
  members(signal?: AbortSignal): Promise<readonly PoolMember[]>
  /**
   * Makes a call by its name on the wire, the session added where it belongs. Known messages have their parameters and result
   * converted by their types; others take and give plain values. `Async.…` answers with the task's reference.
   * @throws XenApiError
   */
  call(method: string, params: readonly unknown[], signal?: AbortSignal): Promise<unknown>
  /** Streams a disk out of the pool. @throws XenApiError; the signal's reason */
  exportRawVdi(vdi: VdiRef, options: ExportVdiOptions, signal?: AbortSignal): Promise<VdiExport>
  /** Streams a body into an existing disk. @throws XenApiError; what the body throws; the signal's reason */
  importRawVdi(
    vdi: VdiRef,
    body: AsyncIterable<Uint8Array>,
    options: ImportVdiOptions,
    signal?: AbortSignal,
  ): Promise<void>
  /** Writes only stretches of a disk. @param body their bytes, one after the other. @throws as `importRawVdi` */
  importVdiStretches(
    vdi: VdiRef,
    stretches: readonly Stretch[],
    body: AsyncIterable<Uint8Array>,
    signal?: AbortSignal,
  ): Promise<void>
  /** The description of a VM: a tar with `ova.xml`. @throws XenApiError; the signal's reason */
  exportMetadata(vm: VmRef, options: { readonly snapshots: boolean }, signal?: AbortSignal): Promise<Uint8Array>
  /** Makes VMs from such a description. @throws XenApiError; the signal's reason */
  importMetadata(archive: Uint8Array, options: ImportMetadataOptions, signal?: AbortSignal): Promise<readonly VmRef[]>
  /** Streams what any handler has to give, under a task. @throws XenApiError; the signal's reason */
  download(request: HandlerRequest, signal?: AbortSignal): Promise<Download>
  /** Streams a body of that many bytes into any handler; the result of its task. @throws as `importRawVdi` */
  upload(
    request: HandlerRequest,
    body: AsyncIterable<Uint8Array>,
    length: number,
    signal?: AbortSignal,
  ): Promise<string>
}

/** The session object over a login that was made. */
export function openSession(line: Line & { readonly stallTimeoutMs: number }): Session {
  const { keeper } = line
  const calls = buildCalls((cls, message, args) => invokeTyped(line, cls, message, args))
  const transfers: TransferLine = {
    keeper,
    calls,
    createTask: (label, signal) => createTask(line, label, signal),
    stallMs: line.stallTimeoutMs,
  }
  const session: Session = {
    ...calls,
    get ref() {
      return keeper.login.ref
    },
    get url() {
      return keeper.login.origin.origin
    },
    get api() {
      return keeper.login.rpc.encoding
    },
    Async: buildAsyncCalls((cls, message, args) => runTask(line, calls, cls, message, args)),
    members: (signal) => learnMembers(keeper, calls, signal),
    call: (method, params, signal) => callByName(line, method, params, signal),
    exportRawVdi: async (vdi, options, signal) => {
      const size = options.format === 'raw' ? await calls.VDI.get_virtual_size(vdi, { signal }) : undefined
      return exportVdi(transfers, vdi, size, options, signal)
    },
    importRawVdi: (vdi, body, options, signal) => importVdi(transfers, vdi, body, options, signal),
    importVdiStretches: (vdi, stretches, body, signal) => importVdiStretches(transfers, vdi, stretches, body, signal),
    exportMetadata: (vm, options, signal) => exportMetadata(transfers, vm, options, signal),
    importMetadata: (archive, options, signal) => importMetadata(transfers, archive, options, signal),
    download: (request, signal) => download(transfers, request, undefined, signal),
    upload: (request, body, length, signal) => upload(transfers, request, body, length, signal),
    [Symbol.asyncDispose]: () => (closed ??= close(keeper, calls)),
  }
  let closed: Promise<void> | undefined
  Object.defineProperty(session, 'ref', { enumerable: false }) // inspecting or spreading a session does not show it
  return session
}

/** Not aborted on its way: the reference would be lost, and the task would stay pending in the pool. */
async function createTask(line: Line, label: string, signal: AbortSignal | undefined): Promise<TaskRef> {
  const params = ({ ref }: Login) => [ref, label, 'a transfer by Tidemark']
  const made = await invoke(line, { method: 'task.create', params }, { waitSignal: signal })
  return decodeTyped(parseType('task ref'), made) as TaskRef
}

const LOGOUT_TIMEOUT_MS = 10_000

async function close(keeper: Keeper, { session }: ApiCalls): Promise<void> {
  try {
    await session.logout({ timeoutMs: LOGOUT_TIMEOUT_MS })
  } catch (error) {
    if (!(error instanceof XenApiError)) throw error // a session that cannot be logged out ends by itself after a day
  } finally {
    await keeper[Symbol.asyncDispose]()
  }
}

/** A task is started again while its failure says that the pool refused it for now: then it has not begun. */
async function runTask(
  line: Line,
  calls: ApiCalls,
  cls: ApiClass,
  message: ApiMessage,
  args: readonly unknown[],
): Promise<unknown> {
  const { given, options } = splitOptions(message, args)
  const request = requestFor(`Async.${cls.name}.${message.name}`, message, given)
  const run = () => runOnce(line, calls, request, options)
  const result = await patiently(run, options.patienceMs ?? line.patienceMs, options.signal)
  return decodeTaskResult(parseType(message.result), result)
}

/** The start of a task is not aborted: its reference would be lost, and the task would run on unseen. */
async function runOnce(
  line: Line,
  calls: ApiCalls,
  request: Request,
  { signal, timeoutMs }: CallOptions,
): Promise<string> {
  signal?.throwIfAborted()
  const task = await startTask(line, request, signal)
  try {
    const limit = timeoutMs === undefined ? { stallMs: line.callTimeoutMs } : { withinMs: timeoutMs }
    const record = await endOfTask(calls, task, { signal, ...limit }).catch(async (error: unknown) => {
      const code = error instanceof XenApiError ? error.code : undefined
      if (signal?.aborted === true || code === 'XENAPI_TIMEOUT') await cancelTask(calls, task)
      throw signal?.aborted === true ? error : unasked(request, error)
    })
    const failure = failureOf(record, task)
    if (failure !== undefined) throw failure
    return record.result
  } finally {
    await dropTask(calls, task)
  }
}

/** Whatever kept us from hearing of a task says nothing about the task. */
function unasked({ method }: Request, cause: unknown): unknown {
  if (!(cause instanceof XenApiError) || cause.code === 'XENAPI_TIMEOUT' || cause.code === 'XENAPI_TASK') return cause
  const sentence = `${method} was started, but the pool cannot be asked how it ended: check the object that it works on`
  return new XenApiError('XENAPI_TASK', sentence, { cause })
}

/** A task says neither who started it nor with what, so that a lost reference cannot be found again. */
async function startTask(line: Line, request: Request, signal: AbortSignal | undefined): Promise<TaskRef> {
  try {
    const started = await invoke(line, request, { waitSignal: signal, patienceMs: 0 })
    return decodeTyped(parseType('task ref'), started) as TaskRef
  } catch (cause) {
    const isLost =
      cause instanceof XenApiError && (cause.code === 'XENAPI_UNREACHABLE' || cause.code === 'XENAPI_TIMEOUT')
    if (!isLost || cause.unsent === true) throw cause
    const sentence = `${request.method} may have been started, but its answer did not come: check the object that it works on`
    throw new XenApiError('XENAPI_TASK', sentence, { cause })
  }
}

async function callByName(
  line: Line,
  method: string,
  params: readonly unknown[],
  signal?: AbortSignal,
): Promise<unknown> {
  const found = findMessage(method)
  if (found !== undefined) {
    const wire = await invoke(line, requestFor(method, found.message, params), { signal })
    return decodeTyped(parseType(found.isAsync ? 'task ref' : found.message.result), wire)
  }
  const takesSession = !method.startsWith('system.')
  const unknown = (login: Login) => [
    ...(takesSession ? [login.ref] : []),
    ...params.map((value) => untyped(login, value)),
  ]
  return invoke(line, { method, params: unknown }, { signal })
}

/** A value whose type is unknown: a whole number is taken for an int, which XML carries as text. */
function untyped(login: Login, value: unknown): WireValue {
  if (Array.isArray(value)) return value.map((item) => untyped(login, item))
  if (isStruct(value as WireValue)) {
    return structOf(Object.entries(value as object).map(([name, item]) => [name, untyped(login, item)]))
  }
  return login.rpc.encoding === 'xml' && Number.isInteger(value) ? String(value) : (value as WireValue)
}
