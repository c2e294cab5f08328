import fs from 'node:fs'
import { LabError } from '../error.ts'

interface OpenFile {
  readonly fd: number
  users: number
  /** Taken out of the pool while in use: the last user closes it. */
  dropped: boolean
}

/**
 * Files opened when needed and kept open for the next use, at most `limit` of them: those used longest ago are closed
 * first.
 *
 * Disk data go through asynchronous calls. Maps, logs and the catalogue are written with synchronous ones: a few bytes
 * into the page cache cost microseconds, and no other request can come between the file and the memory that mirrors it.
 */
export class OpenFiles {
  readonly #limit: number
  /** In order of use, the oldest first. */
  readonly #open = new Map<string, OpenFile>()

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Bytes from `position` into the whole of `target`. @throws LabError LAB_STORAGE_DAMAGED when the file ends before */
  async read(path: string, position: number, target: Uint8Array): Promise<void> {
    await this.#use(path, async (fd) => {
      for (let done = 0; done < target.length;) {
        const count = await readSome(fd, target.subarray(done), position + done)
        if (count === 0) throw new LabError('LAB_STORAGE_DAMAGED', `${path} ends before byte ${position + done + 1}`)
        done += count
      }
    })
  }

  async write(path: string, position: number, data: Uint8Array): Promise<void> {
    await this.#use(path, async (fd) => {
      for (let done = 0; done < data.length;) done += await writeSome(fd, data.subarray(done), position + done)
    })
  }

  /** Reads at once what the file has of `target`, and leaves the rest of `target` as it is; returns the count. */
  readNow(path: string, position: number, target: Uint8Array): number {
    const { fd } = this.#take(path)
    let done = 0
    while (done < target.length) {
      const count = fs.readSync(fd, target, done, target.length - done, position + done)
      if (count === 0) break
      done += count
    }
    return done
  }

  writeNow(path: string, position: number, data: Uint8Array): void {
    const { fd } = this.#take(path)
    for (let done = 0; done < data.length;) {
      done += fs.writeSync(fd, data, done, data.length - done, position + done)
    }
  }

  /** Length of the file in bytes. */
  lengthNow(path: string): number {
    return fs.fstatSync(this.#take(path).fd).size
  }

  /** Resolves when everything written to the file so far is on the medium. */
  async sync(path: string): Promise<void> {
    await this.#use(path, (fd) => new Promise((resolve, reject) => fs.fdatasync(fd, settle(resolve, reject))))
  }

  /** Makes an empty file, in place of whatever has its name. */
  create(path: string): void {
    this.#drop(path)
    fs.writeFileSync(path, '', { mode: 0o600 })
  }

  /** Deletes the file, if there is one. Reads and writes already begun end normally. */
  remove(path: string): void {
    this.#drop(path)
    fs.rmSync(path, { force: true })
  }

  close(): void {
    for (const path of this.#open.keys()) this.#drop(path)
  }

  async #use(path: string, work: (fd: number) => Promise<void>): Promise<void> {
    const file = this.#take(path)
    file.users++
    try {
      await work(file.fd)
    } finally {
      file.users--
      if (file.dropped && file.users === 0) fs.closeSync(file.fd)
      else this.#shrink(path)
    }
  }

  #take(path: string): OpenFile {
    const known = this.#open.get(path)
    const file = known ?? { fd: openExisting(path), users: 0, dropped: false }
    if (known !== undefined) this.#open.delete(path)
    this.#open.set(path, file)
    if (known === undefined) this.#shrink(path)
    return file
  }

  #shrink(newest: string): void {
    for (const [path, file] of this.#open) {
      if (this.#open.size <= this.#limit) return
      if (file.users === 0 && path !== newest) this.#drop(path)
    }
  }

  #drop(path: string): void {
    const file = this.#open.get(path)
    if (file === undefined) return
    this.#open.delete(path)
    file.dropped = true
    if (file.users === 0) fs.closeSync(file.fd)
  }
}

/** @throws LabError LAB_STORAGE_DAMAGED: a file that should be there must not read as zeros */
function openExisting(path: string): number {
  try {
    return fs.openSync(path, 'r+')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    throw new LabError('LAB_STORAGE_DAMAGED', `${path} is missing`, { cause })
  }
}

function readSome(fd: number, target: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => fs.read(fd, target, 0, target.length, position, settle(resolve, reject)))
}

function writeSome(fd: number, data: Uint8Array, position: number): Promise<number> {
  return new Promise((resolve, reject) => fs.write(fd, data, 0, data.length, position, settle(resolve, reject)))
}

function settle<Value>(resolve: (value: Value) => void, reject: (reason: Error) => void) {
  return (error: Error | null, value?: Value) => (error === null ? resolve(value as Value) : reject(error))
}
