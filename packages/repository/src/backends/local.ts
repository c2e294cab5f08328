import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { NO_SPACE, RepositoryError, type RepositoryErrorCode } from '../error.ts'
import { directLength, isRefusal, openDirect, readDirect, writeDirect } from '../direct-io/direct-file.ts'
import { nodeFileSystem, type FileStat, type FileSystem, type OpenFile } from './file-system.ts'
import { filePath, isFileName, type Backend, type FileName, type FileRange, type FileType } from './backend.ts'

const DIRECTORY_MODE = 0o700
const FILE_MODE = 0o400
const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL
/** What a file is called until it is whole. */
const TEMPORARY = /-tmp-[0-9a-f]{12}$/
/** Files of this size and more do not go through the page cache. */
const DIRECT_MIN = 64 << 10

/**
 * A repository in a directory of the local file system, laid out as restic does. restic-format.md §1.
 * @param fs the system's own, unless a test puts something in between
 */
export function localBackend(path: string, fs: FileSystem = nodeFileSystem): Backend {
  const root = resolve(path)
  return {
    location: root,
    savesAtOnce: 2, // while one is on its way to the disk, the next one fills
    create: (signal) => createDirectories(fs, root, signal),
    list: (type, signal) => listFiles(fs, root, type, signal),
    load: (file, range, signal, memory) =>
      translated(file, () => loadFile(fs, join(root, filePath(file)), file, range, memory, signal)),
    save: (file, bytes, signal) =>
      translated(file, () => saveFile(fs, join(root, filePath(file)), file, bytes, signal)),
    remove: (file, signal) => translated(file, () => removeFile(fs, join(root, filePath(file)), signal)),
    sweep: (before, signal) => sweep(fs, root, before, signal),
    [Symbol.asyncDispose]: async () => {},
  }
}

async function createDirectories(fs: FileSystem, root: string, signal?: AbortSignal): Promise<void> {
  const shards = Array.from({ length: 256 }, (_, i) => join('data', i.toString(16).padStart(2, '0')))
  for (const name of ['', 'keys', 'locks', 'snapshots', 'index', 'data', ...shards]) {
    signal?.throwIfAborted()
    try {
      await fs.mkdir(join(root, name), { recursive: true, mode: DIRECTORY_MODE })
    } catch (error) {
      throw asRepositoryError(error, name === '' ? root : name)
    }
  }
  await syncDirectory(fs, join(root, 'data'))
  await syncDirectory(fs, root)
  await syncParent(fs, root)
}

async function* listFiles(fs: FileSystem, root: string, type: FileType, signal?: AbortSignal) {
  if (type === 'config') {
    const size = await sizeOf(fs, join(root, 'config'))
    if (size !== undefined) yield { name: '', size }
    return
  }
  for (const directory of type === 'data' ? await shardsOf(fs, root) : [join(root, type)]) {
    for (const name of await entriesOf(fs, directory)) {
      signal?.throwIfAborted()
      if (!isFileName(name)) continue
      const size = await sizeOf(fs, join(directory, name))
      if (size !== undefined) yield { name, size } // undefined: removed by another process meanwhile
    }
  }
}

/** The directories of packs: one for each first byte of an ID. */
async function shardsOf(fs: FileSystem, root: string): Promise<string[]> {
  const top = join(root, 'data')
  return (await entriesOf(fs, top)).filter((name) => /^[0-9a-f]{2}$/.test(name)).map((name) => join(top, name))
}

async function loadFile(
  fs: FileSystem,
  path: string,
  name: FileName,
  range: FileRange | 'all',
  memory: Uint8Array | undefined,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  signal?.throwIfAborted()
  const direct = memory && (await loadDirect(fs, path, name, range, memory, signal))
  if (direct !== undefined) return direct
  await using file = await fs.open(path, constants.O_RDONLY)
  const wanted = await stretchOf(file, name, range)
  return whole(await readAll(file, wanted, signal), wanted, name)
}

/** Undefined where the file system, or the disk, takes no direct reads, or the memory is too small for one. */
async function loadDirect(
  fs: FileSystem,
  path: string,
  name: FileName,
  range: FileRange | 'all',
  memory: Uint8Array,
  signal: AbortSignal | undefined,
): Promise<Uint8Array | undefined> {
  const { file, isDirect } = await openDirect(fs, path, constants.O_RDONLY)
  await using _ = file
  if (!isDirect) return undefined
  const wanted = await stretchOf(file, name, range)
  if (memory.length < directLength(wanted.offset, wanted.length)) return undefined
  const bytes = await readDirect(file, memory, wanted, signal).catch(unlessRefused)
  return bytes && whole(bytes, wanted, name)
}

async function stretchOf(file: OpenFile, name: FileName, range: FileRange | 'all'): Promise<FileRange> {
  const { size } = await file.stat()
  if (range === 'all') return { offset: 0, length: size }
  const end = range.offset + range.length
  if (end > size) throw outOfRange(name, `has ${size} bytes, not ${end}`)
  return range
}

function whole(bytes: Uint8Array, { length }: FileRange, name: FileName): Uint8Array {
  if (bytes.length < length) throw outOfRange(name, 'ended while it was read')
  return bytes
}

function unlessRefused(error: unknown): undefined {
  if (!isRefusal(error)) throw error
}

async function readAll(handle: OpenFile, { offset, length }: FileRange, signal?: AbortSignal): Promise<Uint8Array> {
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
async function saveFile(
  fs: FileSystem,
  path: string,
  file: FileName,
  bytes: Uint8Array,
  signal?: AbortSignal,
): Promise<void> {
  signal?.throwIfAborted()
  if (await exists(fs, path)) {
    const name = filePath(file)
    throw new RepositoryError('BACKEND_EXISTS', `${name} exists already`, { file: name })
  }
  const temporary = `${path}-tmp-${randomBytes(6).toString('hex')}`
  try {
    await writeNew(fs, temporary, bytes, bytes.length >= DIRECT_MIN, signal)
    await publish(fs, temporary, path, file)
  } catch (error) {
    await fs.rm(temporary, { force: true })
    throw error
  }
  await syncDirectory(fs, dirname(path))
}

/** Makes a file and its bytes durable; its name is the directory's. */
async function writeNew(
  fs: FileSystem,
  path: string,
  bytes: Uint8Array,
  direct: boolean,
  signal?: AbortSignal,
): Promise<void> {
  const { file, isDirect } = await openNew(fs, path, direct)
  try {
    await (isDirect ? writeDirect(file, bytes, signal) : writeAll(file, bytes, signal))
    await file.sync()
  } catch (error) {
    if (!isDirect || !isRefusal(error)) throw error
    await fs.rm(path)
    await writeNew(fs, path, bytes, false, signal)
  } finally {
    await file.close()
  }
}

/** Gives a file its name, unless that is taken: two programs that make one repository must not mix their keys. */
async function publish(fs: FileSystem, temporary: string, path: string, file: FileName): Promise<void> {
  try {
    await fs.link(temporary, path)
  } catch (error) {
    const code = systemCode(error)
    if (code === 'EEXIST') {
      const name = filePath(file)
      throw new RepositoryError('BACKEND_EXISTS', `${name} exists already`, { file: name, cause: error })
    }
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw error
    await fs.rename(temporary, path) // a file system without hard links
    return
  }
  await fs.rm(temporary)
}

async function openNew(fs: FileSystem, path: string, direct: boolean): Promise<{ file: OpenFile; isDirect: boolean }> {
  const create = async () =>
    direct ? openDirect(fs, path, CREATE, FILE_MODE) : { file: await fs.open(path, CREATE, FILE_MODE), isDirect: false }
  try {
    return await create()
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    await fs.mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE })
    await syncDirectory(fs, dirname(dirname(path))) // else the file is durable, and the directory that it is in is not
    return create()
  }
}

async function writeAll(handle: OpenFile, bytes: Uint8Array, signal?: AbortSignal): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    signal?.throwIfAborted()
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, done)
    done += bytesWritten
  }
}

/** Removes what writers left that were killed: a file of theirs that is being written is younger. */
async function sweep(fs: FileSystem, root: string, before: Date, signal?: AbortSignal): Promise<number> {
  let swept = 0
  const flat = ['', 'keys', 'locks', 'snapshots', 'index'].map((name) => join(root, name))
  for (const directory of [...flat, ...(await shardsOf(fs, root))]) {
    for (const name of (await entriesOf(fs, directory)).filter((each) => TEMPORARY.test(each))) {
      signal?.throwIfAborted()
      const path = join(directory, name)
      const found = await statOf(fs, path)
      if (found === undefined || found.mtime >= before) continue
      await fs.rm(path, { force: true })
      swept++
    }
  }
  return swept
}

async function removeFile(fs: FileSystem, path: string, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  await fs.rm(path)
  await syncDirectory(fs, dirname(path))
}

async function syncDirectory(fs: FileSystem, path: string): Promise<void> {
  await using handle = await fs.open(path, constants.O_RDONLY)
  try {
    await handle.sync()
  } catch (error) {
    // Some file systems (CIFS, 9p) cannot sync a directory; restic goes on as well.
    if (!['EINVAL', 'ENOTSUP', 'EBADF', 'EPERM'].includes(systemCode(error) ?? '')) throw error
  }
}

/** The directory above a repository may not be ours to open. */
async function syncParent(fs: FileSystem, path: string): Promise<void> {
  try {
    await syncDirectory(fs, dirname(path))
  } catch (error) {
    if (systemCode(error) !== 'EACCES') throw error
  }
}

async function entriesOf(fs: FileSystem, path: string): Promise<string[]> {
  try {
    return await fs.readdir(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw asRepositoryError(error, path)
  }
}

const sizeOf = async (fs: FileSystem, path: string): Promise<number | undefined> => (await statOf(fs, path))?.size

/** Undefined when there is nothing. */
async function statOf(fs: FileSystem, path: string): Promise<FileStat | undefined> {
  try {
    return await fs.stat(path)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw asRepositoryError(error, path)
  }
}

const exists = (fs: FileSystem, path: string): Promise<boolean> =>
  fs.access(path).then(
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
  const what = known === 'REPOSITORY_FULL' ? NO_SPACE : (error as Error).message
  return new RepositoryError(known, `${file}: ${what}`, { cause: error, file })
}

function systemCode(error: unknown): string | undefined {
  if (error instanceof RepositoryError || !(error instanceof Error)) return undefined
  const { code, syscall } = error as NodeJS.ErrnoException
  return typeof syscall === 'string' && typeof code === 'string' ? code : undefined
}
