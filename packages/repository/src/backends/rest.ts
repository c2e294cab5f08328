import { NO_SPACE, RepositoryError, type RepositoryErrorCode } from '../error.ts'
import {
  filePath,
  isFileName,
  type Backend,
  type Destruction,
  type FileName,
  type FileRange,
  type FileType,
  type ListedFile,
} from './backend.ts'
import { httpClient, type HttpAnswer, type HttpClient, type HttpRequest, type TlsOptions } from './http.ts'
import { readList } from './rest-list.ts'

export interface RestOptions {
  readonly username: string
  readonly password: string
  readonly tls: TlsOptions
  readonly connections: number
  readonly idleMs: number
}

export const restDefaults = {
  username: '',
  password: '',
  tls: {},
  connections: 5,
  idleMs: 60_000,
} as const satisfies RestOptions

const API_V2 = 'application/vnd.x.restic.rest.v2'

interface Rest {
  readonly http: HttpClient
  readonly base: URL
  readonly authorization: Readonly<Record<string, string>>
  readonly location: string
}

/**
 * A repository on a server that speaks restic's REST protocol, version 1 or 2: rest-server, `rclone serve restic`.
 * restic-format.md §12; restic, doc/REST_backend.rst. rest-server refuses a file whose name is not its SHA-256.
 * @param url with a path that may lack its last slash, without user and password
 */
export function restBackend(url: string, options: Partial<RestOptions> = {}): Backend {
  const { username, password, ...http } = { ...restDefaults, ...options }
  const base = new URL(url.endsWith('/') ? url : `${url}/`)
  const rest: Rest = {
    http: httpClient(http),
    base,
    authorization: username === '' ? {} : { authorization: `Basic ${btoaUtf8(`${username}:${password}`)}` },
    location: `rest:${base.protocol}//${username === '' ? '' : `${encodeURIComponent(username)}@`}${base.host}${base.pathname}`,
  }
  return {
    location: rest.location,
    create: (signal) => createRepository(rest, signal),
    list: (type, signal) => listFiles(rest, type, signal),
    load: (file, range, signal) => loadFile(rest, file, range, signal),
    save: (file, bytes, signal) => saveFile(rest, file, bytes, signal),
    remove: (file, signal) => removeFile(rest, file, signal),
    destroy: (file, bytes, signal) => destroyFile(rest, file, bytes, signal),
    [Symbol.asyncDispose]: async () => rest.http.close(),
  }
}

const btoaUtf8 = (text: string): string => Buffer.from(text, 'utf8').toString('base64')

/** `{base}/data/{name}`: the protocol has no `data/ab/` level. */
const pathOf = ({ type, name }: FileName): string => (type === 'config' ? 'config' : `${type}/${name}`)

function send(rest: Rest, path: string, request: Omit<HttpRequest, 'url'>, signal?: AbortSignal): Promise<HttpAnswer> {
  const headers = { ...rest.authorization, ...request.headers }
  return rest.http.send({ ...request, url: new URL(path, rest.base), headers }, signal)
}

async function createRepository(rest: Rest, signal?: AbortSignal): Promise<void> {
  const answer = await send(rest, '?create=true', { method: 'POST', body: new Uint8Array() }, signal)
  answer.drop()
  if (!isDone(answer)) throw refused(rest, answer, 'the repository cannot be made')
}

async function* listFiles(rest: Rest, type: FileType, signal?: AbortSignal): AsyncIterable<ListedFile> {
  if (type === 'config') {
    const size = await sizeOf(rest, { type, name: '' }, signal)
    if (size !== undefined) yield { name: '', size }
    return
  }
  const answer = await send(rest, `${type}/`, { method: 'GET', headers: { accept: API_V2 } }, signal)
  if (!isDone(answer)) {
    answer.drop()
    if (answer.status === 404) return // a type of which nothing was stored yet
    throw refused(rest, answer, `${type} cannot be listed`)
  }
  const hasSizes = answer.header('content-type')?.startsWith(API_V2) === true
  for await (const { name, size } of readList(answer.chunks(), rest.location)) {
    signal?.throwIfAborted()
    if (!isFileName(name)) continue
    const known = hasSizes ? size : await sizeOf(rest, { type, name }, signal)
    if (known !== undefined) yield { name, size: known } // undefined: removed by another process meanwhile
  }
}

/** Undefined when there is no such file. */
async function sizeOf(rest: Rest, file: FileName, signal?: AbortSignal): Promise<number | undefined> {
  const answer = await send(rest, pathOf(file), { method: 'HEAD' }, signal)
  answer.drop()
  if (answer.status === 404) return undefined
  const size = Number(answer.header('content-length'))
  if (!isDone(answer) || !Number.isSafeInteger(size)) throw refused(rest, answer, 'its size is not told', file)
  return size
}

async function loadFile(
  rest: Rest,
  file: FileName,
  range: FileRange | 'all',
  signal?: AbortSignal,
): Promise<Uint8Array> {
  if (range !== 'all' && range.length === 0) return loadNothing(rest, file, range, signal)
  const headers: Record<string, string> = {}
  if (range !== 'all') headers['range'] = `bytes=${range.offset}-${range.offset + range.length - 1}`
  const answer = await send(rest, pathOf(file), { method: 'GET', headers }, signal)
  if (!isDone(answer)) {
    answer.drop()
    throw refused(rest, answer, 'it cannot be loaded', file)
  }
  const bytes = await answer.bytes()
  if (range === 'all') return bytes
  if (answer.status === 206) return exactly(bytes, range, file)
  return exactly(bytes.subarray(range.offset, range.offset + range.length), range, file) // a server that knows no ranges
}

async function loadNothing(rest: Rest, file: FileName, range: FileRange, signal?: AbortSignal): Promise<Uint8Array> {
  const size = await sizeOf(rest, file, signal)
  const path = filePath(file)
  if (size === undefined) throw new RepositoryError('BACKEND_NOT_FOUND', `${path} does not exist`, { file: path })
  if (range.offset > size) exactly(new Uint8Array(), { offset: range.offset, length: 1 }, file)
  return new Uint8Array()
}

/** Servers cut a range that reaches past the end: they do not refuse it. */
function exactly(bytes: Uint8Array, { offset, length }: FileRange, file: FileName): Uint8Array {
  if (bytes.length === length) return bytes
  const path = filePath(file)
  const text = `${path} has ${bytes.length} bytes from ${offset} on, not ${length}`
  throw new RepositoryError('BACKEND_OUT_OF_RANGE', text, { file: path })
}

/** Looks first: `rclone serve restic` writes over what is there. */
async function saveFile(rest: Rest, file: FileName, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
  const path = filePath(file)
  const assertNew = async () => {
    if ((await sizeOf(rest, file, signal)) === undefined) return
    throw new RepositoryError('BACKEND_EXISTS', `${path} exists already`, { file: path })
  }
  await assertNew()
  const headers = { 'content-type': 'application/octet-stream' }
  const answer = await send(rest, pathOf(file), { method: 'POST', body: bytes, headers }, signal)
  answer.drop()
  if (isDone(answer)) return
  if (answer.status === 403) await assertNew() // rest-server's word for a file that exists
  throw refused(rest, answer, 'it cannot be saved', file)
}

async function removeFile(rest: Rest, file: FileName, signal?: AbortSignal): Promise<void> {
  const answer = await send(rest, pathOf(file), { method: 'DELETE' }, signal)
  answer.drop()
  if (!isDone(answer)) throw refused(rest, answer, 'it cannot be removed', file)
}

async function destroyFile(rest: Rest, file: FileName, bytes: Uint8Array, signal?: AbortSignal): Promise<Destruction> {
  const tried = async (request: Omit<HttpRequest, 'url'>) => {
    const answer = await send(rest, pathOf(file), request, signal)
    answer.drop()
    if (isDone(answer)) return 'accepted'
    if (answer.status === 403 || answer.status === 405) return 'refused'
    throw refused(rest, answer, 'whether it can be destroyed is not told', file)
  }
  const overwriting = await tried({ method: 'POST', body: bytes })
  const removal = await tried({ method: 'DELETE' })
  const isLost = overwriting === 'accepted' || removal === 'accepted'
  return { overwriting, removal, remains: isLost ? 'no' : 'in place' }
}

const isDone = ({ status }: HttpAnswer): boolean => status >= 200 && status < 300

/** What does not come by trying again. Everything else may: a busy server, one that starts, a body broken on the way (400). */
const codes: Readonly<Record<number, RepositoryErrorCode>> = {
  401: 'BACKEND_DENIED',
  403: 'BACKEND_DENIED',
  404: 'BACKEND_NOT_FOUND',
  405: 'BACKEND_IO',
  413: 'REPOSITORY_FULL', // a quota
  416: 'BACKEND_OUT_OF_RANGE',
  501: 'BACKEND_IO',
  507: 'REPOSITORY_FULL',
}

function hintFor(status: number, code: RepositoryErrorCode): string {
  if (code === 'REPOSITORY_FULL') return `: ${NO_SPACE}`
  return status === 401 ? ': user and password are missing or wrong' : ''
}

function refused(rest: Rest, answer: HttpAnswer, what: string, file?: FileName): RepositoryError {
  const { status } = answer
  const subject = file === undefined ? rest.location : filePath(file)
  const isRedirect = status >= 300 && status < 400
  const code = isRedirect ? 'BACKEND_IO' : (codes[status] ?? 'BACKEND_UNAVAILABLE')
  const why = isRedirect
    ? `the server sends us elsewhere (${status}), which is not followed`
    : `the server answers ${status}`
  return new RepositoryError(
    code,
    `${subject}: ${what}: ${why}${hintFor(status, code)}`,
    file === undefined ? {} : { file: subject },
  )
}
