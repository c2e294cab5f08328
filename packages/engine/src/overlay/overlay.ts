import { mkdtemp, open, rm, type FileHandle } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytes, type Bytes } from '@tidemark/blocks'
import type { DiskImage, ImageExtent } from '@tidemark/repository'
import { EngineError } from '../error.ts'
import { writeWhole } from '../write-whole.ts'
import { OVERLAY_BLOCK, OverlayMap, type OverlayIdentity } from './map.ts'

/** A disk of a restore point that can be written to. The point itself never changes. */
export interface WritableImage extends AsyncDisposable {
  readonly size: Bytes
  /** Exactly `length` bytes. @throws as `DiskImage.read` */
  read(offset: number, length: number): Promise<Uint8Array>
  write(offset: number, data: Uint8Array): Promise<void>
  /** The range reads as zeros afterwards; whole blocks of it cost nothing. */
  writeZeroes(offset: number, length: number): Promise<void>
  /** What was written before outlives the machine's death, where the overlay is kept. */
  flush(): Promise<void>
  extents(offset: number, length: number): readonly ImageExtent[]
}

/**
 * Opens an overlay: what is written goes to a sparse file, in units of 64 KiB, and what is read comes from there or from
 * the restore point.
 * @param path of the file, with `<path>.map` beside it that says which blocks it holds; made when missing. Undefined: what
 *   is written is thrown away with the overlay
 * @throws EngineError ENGINE_TARGET when the file belongs to another disk or point
 */
export async function openOverlay(image: DiskImage, identity: OverlayIdentity, path?: string): Promise<WritableImage> {
  if (path === undefined) return new Overlay(image, await temporaryFile(), new OverlayMap(image.size))
  const mapPath = `${path}.map`
  const known = await OverlayMap.load(mapPath, identity, image.size)
  const map = known ?? new OverlayMap(image.size)
  const file = await (known === undefined ? newFile(path) : open(path, 'r+'))
  return new Overlay(image, file, map, () => map.save(mapPath, identity))
}

async function newFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx+', 0o600)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    throw new EngineError('ENGINE_TARGET', `${path} exists and is no overlay: name another one`, { cause })
  }
}

/** A file without a name: gone when it is closed, however the process ends. */
async function temporaryFile(): Promise<FileHandle> {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-overlay-'))
  try {
    return await open(join(directory, 'data'), 'wx+', 0o600)
  } finally {
    await rm(directory, { recursive: true })
  }
}

class Overlay implements WritableImage {
  readonly #image: DiskImage
  readonly #file: FileHandle
  readonly #map: OverlayMap
  readonly #saveMap: (() => Promise<void>) | undefined
  /** Blocks come into the file one write at a time; blocks that are there are written by many at once. */
  #taking = Promise.resolve()

  constructor(image: DiskImage, file: FileHandle, map: OverlayMap, saveMap?: () => Promise<void>) {
    this.#image = image
    this.#file = file
    this.#map = map
    this.#saveMap = saveMap
  }

  get size(): Bytes {
    return this.#image.size
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const runs = [...this.#map.runs(offset, length)]
    if (runs.every(({ state }) => state === 'point')) return this.#image.read(offset, length)
    const result = Buffer.alloc(length)
    await Promise.all(
      runs.map(async (run) => {
        const part = result.subarray(run.offset - offset, run.offset - offset + run.length)
        if (run.state === 'file') await readWhole(this.#file, part, run.offset)
        if (run.state === 'point') part.set(await this.#image.read(run.offset, run.length))
      }),
    )
    return result
  }

  async write(offset: number, data: Uint8Array): Promise<void> {
    const isThere = [...this.#map.runs(offset, data.length)].every(({ state }) => state === 'file')
    if (isThere) return writeWhole(this.#file, data, offset)
    await this.#alone(async () => {
      await this.#takeEdges(offset, data.length)
      await writeWhole(this.#file, data, offset)
      this.#map.set(offset, data.length, 'file')
    })
  }

  async writeZeroes(offset: number, length: number): Promise<void> {
    await this.#alone(async () => {
      await this.#takeEdges(offset, length)
      const end = offset + length
      const first = Math.min(end, Math.ceil(offset / OVERLAY_BLOCK) * OVERLAY_BLOCK)
      const last = end === this.size ? end : Math.max(first, Math.floor(end / OVERLAY_BLOCK) * OVERLAY_BLOCK)
      await writeWhole(this.#file, Buffer.alloc(first - offset), offset)
      if (last > first) this.#map.set(first, last - first, 'zero')
      await writeWhole(this.#file, Buffer.alloc(end - last), last)
    })
  }

  async flush(): Promise<void> {
    await this.#taking
    if (this.#saveMap === undefined) return
    await this.#file.datasync()
    await this.#saveMap()
  }

  extents(offset: number, length: number): readonly ImageExtent[] {
    return [...this.#map.runs(offset, length)].flatMap((run) =>
      run.state === 'point'
        ? this.#image.extents(run.offset, run.length)
        : [{ offset: bytes(run.offset), length: bytes(run.length), zero: run.state === 'zero' }],
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.flush()
    } finally {
      await this.#file.close()
    }
  }

  /** Brings the blocks into the file that the range covers only in part. */
  async #takeEdges(offset: number, length: number): Promise<void> {
    const end = offset + length
    for (const edge of new Set([offset, end])) {
      const start = Math.floor(edge / OVERLAY_BLOCK) * OVERLAY_BLOCK
      if (edge === start || edge === this.size) continue
      if (this.#map.stateOf(start / OVERLAY_BLOCK) === 'file') continue
      const size = Math.min(OVERLAY_BLOCK, this.size - start)
      await writeWhole(this.#file, await this.read(start, size), start)
      this.#map.set(start, size, 'file')
    }
  }

  #alone(work: () => Promise<void>): Promise<void> {
    const done = this.#taking.then(work)
    this.#taking = done.catch(() => undefined) // whoever asked is told; the next one works on
    return done
  }
}

async function readWhole(file: FileHandle, into: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < into.length;) {
    const { bytesRead } = await file.read(into, done, into.length - done, offset + done)
    if (bytesRead === 0) throw new Error('the overlay ends before its map says so')
    done += bytesRead
  }
}
