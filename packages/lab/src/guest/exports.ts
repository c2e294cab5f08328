import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serveNbd, type NbdServer } from '@tidemark/nbd'
import { LabError } from '../error.ts'
import type { Storage } from '../storage/index.ts'
import { diskExport } from './disk-export.ts'

/** A socket's path has at most 107 bytes (sun_path), and whoever links or mounts it may need a few. */
const PATH_BYTES_MAX = 99

/** A VDI's uuid. */
const ID_CHARS = 36

export interface GuestExportsOptions {
  readonly storage: Storage
  /** Where the sockets go, unless their paths would become too long for a socket. */
  readonly directory: string
  /** Told what went wrong with a guest's disk; the guest itself sees an error of its request. Default: nobody. */
  readonly onError?: (error: Error, id: string) => void
}

/** Read-write NBD exports of live disks: the way by which the lab's guests write. */
export interface GuestExports extends AsyncDisposable {
  /**
   * Path of a Unix socket that serves the disk over NBD, under the name "" as well as its id; made at the first call.
   * The path has fewer than 100 characters. Any number of clients may use it at once, snapshots may be taken
   * meanwhile, and a client sees the size that the disk had when it connected. A snapshot is served read-only.
   * @throws LabError LAB_STORAGE_NOT_FOUND, LAB_STORAGE_NO_DATA, LAB_STORAGE_CLOSED
   */
  socketOf(id: string): Promise<string>
  /** Ends the connections to a disk and removes its socket, if there is one: before the disk is destroyed. */
  close(id: string): Promise<void>
}

interface Served {
  readonly path: string
  readonly server: NbdServer
}

/** Nothing is served until `socketOf` is called. Disposal ends all connections and removes the sockets. */
export async function openGuestExports(options: GuestExportsOptions): Promise<GuestExports> {
  const { storage, directory } = options
  const sockets = await socketDirectory(directory)
  const served = new Map<string, Promise<Served>>()
  let closed = false

  async function close(id: string): Promise<void> {
    const known = served.get(id)
    served.delete(id)
    if (known === undefined) return
    const { path, server } = await known
    await server.stop('now')
    await rm(path, { force: true })
  }

  return {
    async socketOf(id) {
      if (closed) throw new LabError('LAB_STORAGE_CLOSED', "the guests' exports are closed")
      if (!storage.hasData(id)) throw new LabError('LAB_STORAGE_NO_DATA', `the data of ${id} were destroyed`)
      const known = served.get(id)
      if (known !== undefined) return (await known).path
      const fresh = serve(options, id, join(sockets.path, `${id}.sock`))
      served.set(id, fresh)
      fresh.catch(() => served.delete(id)) // the next call tries again; this one gets the error below
      return (await fresh).path
    },
    close,
    async [Symbol.asyncDispose]() {
      closed = true
      await Promise.all([...served.keys()].map(close))
      if (sockets.temporary) await rm(sockets.path, { recursive: true, force: true })
    },
  }
}

async function serve({ storage, onError }: GuestExportsOptions, id: string, path: string): Promise<Served> {
  await rm(path, { force: true }) // left by a process that was killed
  const server = await serveNbd({
    listen: { path },
    exports: {
      open: async (name) => ((name === '' || name === id) && storage.has(id) ? diskExport(storage, id) : undefined),
      list: async () => [id],
    },
    ...(onError !== undefined && { onError: (error: Error) => onError(error, id) }),
  })
  return { path, server }
}

/** The directory asked for, or a short one for this process alone when sockets in it would have too long a path. */
async function socketDirectory(directory: string): Promise<{ path: string; temporary: boolean }> {
  if (fits(directory)) {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    return { path: directory, temporary: false }
  }
  const name = 'lab-XXXXXX'
  const base = [tmpdir(), '/tmp'].find((path) => fits(join(path, name))) ?? tmpdir()
  return { path: await mkdtemp(join(base, 'lab-')), temporary: true }
}

const fits = (directory: string): boolean =>
  Buffer.byteLength(directory) + '/'.length + ID_CHARS + '.sock'.length <= PATH_BYTES_MAX
