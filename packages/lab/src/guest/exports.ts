import type { Storage } from '../storage/index.ts'

export interface GuestExportsOptions {
  readonly storage: Storage
  /** Where the sockets go, unless their paths would become too long for a socket. */
  readonly directory: string
}

/** Read-write NBD exports of live disks: the way by which the lab's guests write. */
export interface GuestExports extends AsyncDisposable {
  /**
   * Path of a Unix socket that serves the disk over NBD, under the name "" as well as its id; made at the first call.
   * The path has fewer than 100 characters.
   * @throws LabError LAB_STORAGE_NOT_FOUND, LAB_STORAGE_CLOSED
   */
  socketOf(id: string): Promise<string>
}

/** Nothing is served until `socketOf` is called. Disposal ends all connections and removes the sockets. */
export function openGuestExports(options: GuestExportsOptions): Promise<GuestExports> {
  return Promise.reject(new Error(`the guests' exports of ${options.directory} come with the next commit`))
}
