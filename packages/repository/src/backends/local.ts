import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { access, link, mkdir, open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { RepositoryError, type RepositoryErrorCode } from '../error.ts'
import { createDirect, directLength, isRefusal, openDirect, readDirect, writeDirect } from '../direct-io/direct-file.ts'
import { filePath, isFileName, type Backend, type FileName, type FileRange, type FileType } from './backend.ts'

const DIRECTORY_MODE = 0o700
const FILE_MODE = 0o400
/** Files of this size and more, packs, do not go through the page cache. */
const DIRECT_MIN = 1 << 20

/** A repository in a directory of the local file system, laid out as restic does. restic-format.md §1. */
export function localBackend(path: string): Backend {
  const root = resolve(path)
  return {
    location: root,
    create: (signal) => createDirectories(root, signal),
    list: (type, signal) => listFiles(root, type, signal),
    load: (file, range, signal, memory) =>
      translated(file, () => loadFile(join(root, filePath(file)), file, range, memory, signal)),
    save: (file, bytes, signal) => translated(file, () => saveFile(join(root, filePath(file)), file, bytes, signal)),
    remove: (file, signal) => translated(file, () => removeFile(join(root, filePath(file)), signal)),
    [Symbol.asyncDispose]: async () => {},
  }
}

async function createDirectories(root: string, signal?: AbortSignal): Promise<void> {
  const shards = Array.from({ length: 256 }, (_, i) => join('data', i.toString(16).padStart(2, '0')))
  for (const name of ['', 'keys', 'locks', 'snapshots', 'index', 'data', ...shards]) {
    signal?.throwIfAborted()
    try {
      await mkdir(join(root, name), { recursive: true, mode: DIRECTORY_MODE })
    } catch (error) {
      throw asRepositoryError(error, name === '' ? root : name)
    }
  }
  await syncDirectory(root)
}

async function* listFiles(root: string, type: FileType, signal?: AbortSignal) {
  if (type === 'config') {
    const size = await sizeOf(join(root, 'config'))
    if (size !== undefined) yield { name: '', size }
    return
  }
  const top = join(root, type)
  const directories = type === 'data' ? (await entriesOf(top)).filter((name) => /^[0-9a-f]{2}$/.test(name)) : ['']
  for (const directory of directories) {
    for (const name of await entriesOf(join(top, directory))) {
      signal?.throwIfAborted()
      if (!isFileName(name)) continue
      const size = await sizeOf(join(top, directory, name))
      if (size !== undefined) yield { name, size } // undefined: removed by another process meanwhile
    }
  }
}

async function loadFile(
  path: string,
  name: FileName,
  range: FileRange | 'all',
  memory: Uint8Array | undefined,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  signal?.throwIfAborted()
  const { file, isDirect } =
    memory === undefined ? { file: await open(path, constants.O_RDONLY), isDirect: false } : await openDirect(path)
  await using handle = file
  const { size } = await handle.stat()
  const wanted = range === 'all' ? { offset: 0, length: size } : range
  const end = wanted.offset + wanted.length
  if (end > size) throw outOfRange(name, `has ${size} bytes, not ${end}`)
  if (isDirect && memory !== undefined && memory.length >= directLength(wanted.offset, wanted.length)) {
    const bytes = await readDirect(handle, memory, wanted, signal).catch(unlessRefused)
    return bytes === undefined ? loadFile(path, name, range, undefined, signal) : whole(bytes, wanted, name)
  }
  return isDirect
    ? loadFile(path, name, range, undefined, signal)
    : whole(await readAll(handle, wanted, signal), wanted, name)
}

function whole(bytes: Uint8Array, { length }: FileRange, name: FileName): Uint8Array {
  if (bytes.length < length) throw outOfRange(name, 'ended while it was read')
  return bytes
}

function unlessRefused(error: unknown): undefined {
  if (!isRefusal(error)) throw error
}

async function readAll(handle: FileHandle, { offset, length }: FileRange, signal?: AbortSignal): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafeSlow(length)
  for (let done = 0; done < length;) {
    signal?.throwIfAborted()
    const { bytesRead } = await handle.read(bytes, done, length - done, offset + done)
    if (bytesRead === 0) return bytes.subarray(0, done)
    done += bytesRead
  }
  return bytes
}

function outOfRange(name: FileName, what: string): RepositoryError {
  const file = filePath(name)
  return new RepositoryError('BACKEND_OUT_OF_RANGE', `${file} ${what}`, { file })
}

/** Temporary file in the same directory, fsync, rename, fsync of the directory: a crash leaves the old state or the new. */
async function saveFile(path: string, file: FileName, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  if (await exists(path)) {
    const name = filePath(file)
    throw new RepositoryError('BACKEND_EXISTS', `${name} exists already`, { file: name })
  }
  const temporary = `${path}-tmp-${randomBytes(6).toString('hex')}`
  try {
    await writeNew(temporary, bytes, bytes.length >= DIRECT_MIN, signal)
    await publish(temporary, path, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncDirectory(dirname(path))
}

/** Makes a file and its bytes durable; its name is the directory's. */
async function writeNew(path: string, bytes: Uint8Array, direct: boolean, signal?: AbortSignal): Promise<void> {
  const { file, isDirect } = await openNew(path, direct)
  try {
    await (isDirect ? writeDirect(file, bytes, signal) : writeAll(file, bytes, signal))
    await file.sync()
  } catch (error) {
    if (!isDirect || !isRefusal(error)) throw error
    await rm(path)
    await writeNew(path, bytes, false, signal)
  } finally {
    await file.close()
  }
}

/** Gives a file its name, unless that is taken: two programs that make one repository must not mix their keys. */
async function publish(temporary: string, path: string, file: FileName): Promise<void> {
  try {
    await link(temporary, path)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EEXIST') {
      const name = filePath(file)
      throw new RepositoryError('BACKEND_EXISTS', `${name} exists already`, { file: name, cause: error })
    }
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw error
    await rename(temporary, path) // a file system without hard links
    return
  }
  await rm(temporary)
}

async function openNew(path: string, direct: boolean): Promise<{ file: FileHandle; isDirect: boolean }> {
  const create = async () =>
    direct ? createDirect(path, FILE_MODE) : { file: await open(path, 'wx', FILE_MODE), isDirect: false }
  try {
    return await create()
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    await mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE })
    return create()
  }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    signal?.throwIfAborted()
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, done)
    done += bytesWritten
  }
}

async function removeFile(path: string, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  await rm(path)
  await syncDirectory(dirname(path))
}

async function syncDirectory(path: string): Promise<void> {
  await using handle = await open(path, constants.O_RDONLY)
  try {
    await handle.sync()
  } catch (error) {
    // Some file systems (CIFS, 9p) cannot sync a directory; restic goes on as well.
    if (!['EINVAL', 'ENOTSUP', 'EBADF', 'EPERM'].includes(systemCode(error) ?? '')) throw error
  }
}

async function entriesOf(path: string): Promise<string[]> {
  try {
    return await readdir(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw asRepositoryError(error, path)
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw asRepositoryError(error, path)
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

async function translated<Result>(file: FileName, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    throw asRepositoryError(error, filePath(file))
  }
}

const codes: Readonly<Record<string, RepositoryErrorCode>> = {
  ENOENT: 'BACKEND_NOT_FOUND',
  EEXIST: 'BACKEND_EXISTS',
  ENOSPC: 'REPOSITORY_FULL',
  EDQUOT: 'REPOSITORY_FULL',
  EACCES: 'BACKEND_DENIED',
  EPERM: 'BACKEND_DENIED',
  EROFS: 'BACKEND_DENIED',
}

/** Errors without a system code (aborts, our own) pass unchanged. */
function asRepositoryError(error: unknown, file: string): unknown {
  const code = systemCode(error)
  if (code === undefined) return error
  const known = codes[code] ?? 'BACKEND_IO'
  const what = known === 'REPOSITORY_FULL' ? 'no space left in the repository' : (error as Error).message
  return new RepositoryError(known, `${file}: ${what}`, { cause: error, file })
}

function systemCode(error: unknown): string | undefined {
  if (error instanceof RepositoryError || !(error instanceof Error)) return undefined
  const { code, syscall } = error as NodeJS.ErrnoException
  return typeof syscall === 'string' && typeof code === 'string' ? code : undefined
}
