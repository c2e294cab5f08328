import { readFile, rename, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { CBT_BLOCK, type Bytes } from '@tidemark/blocks'
import { EngineError } from '../error.ts'
import { syncDirectory } from '../sync-directory.ts'

/** Writes are kept in units of this many bytes. */
export const OVERLAY_BLOCK = CBT_BLOCK

/** Where a block's bytes are: in the restore point, in the overlay's file, or nowhere because they are zeros. */
export type BlockState = 'point' | 'file' | 'zero'

const STATES: readonly BlockState[] = ['point', 'file', 'zero']

/** A stretch of a disk whose blocks are all in the same place; only its ends may lie inside of a block. */
export interface Run {
  readonly offset: number
  readonly length: number
  readonly state: BlockState
}

/** What a kept overlay belongs to: over anything else it would be garbage. */
export interface OverlayIdentity {
  /** ID of the restore point. */
  readonly point: string
  /** uuid. */
  readonly vdi: string
}

interface Header extends OverlayIdentity {
  readonly version: 1
  readonly size: number
}

/** Says of each block where it is: two bits a block, 8 MiB for 2 TiB. */
export class OverlayMap {
  readonly #size: number
  readonly #states: Uint8Array

  constructor(size: Bytes, states = new Uint8Array(Math.ceil(Math.ceil(size / OVERLAY_BLOCK) / 4))) {
    this.#size = size
    this.#states = states
  }

  /** @throws EngineError ENGINE_TARGET when the file is damaged, or of another point or disk */
  static async load(path: string, identity: OverlayIdentity, size: Bytes): Promise<OverlayMap | undefined> {
    const file = await readFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    if (file === undefined) return undefined
    const end = file.indexOf('\n')
    const header = headerOf(file.subarray(0, end))
    const { point, vdi } = header ?? {}
    if (header === undefined || point !== identity.point || vdi !== identity.vdi || header.size !== size) {
      const of = point === undefined ? 'something else' : `disk ${String(vdi)} of restore point ${point.slice(0, 12)}`
      throw new EngineError('ENGINE_TARGET', `${path} belongs to ${of}: name another overlay, or remove this one`)
    }
    const states = zstdDecompressSync(file.subarray(end + 1))
    const empty = new OverlayMap(size)
    if (states.length !== empty.#states.length) throw new EngineError('ENGINE_TARGET', `${path} is damaged: remove it`)
    return new OverlayMap(size, new Uint8Array(states))
  }

  /** Durable, as a whole or not at all. */
  async save(path: string, identity: OverlayIdentity): Promise<void> {
    const header: Header = { version: 1, ...identity, size: this.#size }
    const partial = `${path}.partial`
    {
      await using file = await open(partial, 'w', 0o600)
      await file.writeFile(Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), zstdCompressSync(this.#states)]))
      await file.sync()
    }
    await rename(partial, path)
    await syncDirectory(dirname(path)) // until then the name may be the old map's after a crash, although its data are gone
  }

  stateOf(block: number): BlockState {
    return STATES[((this.#states[block >> 2] ?? 0) >> ((block & 3) * 2)) & 3] ?? 'point'
  }

  /** Every block that the range touches is from now on there. */
  set(offset: number, length: number, state: BlockState): void {
    const bits = STATES.indexOf(state)
    for (const block of blocksOf(offset, length)) {
      const shift = (block & 3) * 2
      const byte = this.#states[block >> 2] ?? 0
      this.#states[block >> 2] = (byte & ~(3 << shift)) | (bits << shift)
    }
  }

  /** The range by state, ascending, without gaps. */
  *runs(offset: number, length: number): Generator<Run> {
    let run: Run | undefined
    for (const block of blocksOf(offset, length)) {
      const state = this.stateOf(block)
      const from = Math.max(offset, block * OVERLAY_BLOCK)
      const to = Math.min(offset + length, (block + 1) * OVERLAY_BLOCK)
      if (run?.state === state) run = { ...run, length: to - run.offset }
      else {
        if (run !== undefined) yield run
        run = { offset: from, length: to - from, state }
      }
    }
    if (run !== undefined) yield run
  }
}

function headerOf(line: Buffer): Header | undefined {
  try {
    const header = JSON.parse(line.toString('utf8')) as Header
    return header.version === 1 ? header : undefined
  } catch {
    return undefined // no overlay of ours
  }
}

/** Blocks that a range touches. */
function* blocksOf(offset: number, length: number): Generator<number> {
  if (length === 0) return
  const last = Math.floor((offset + length - 1) / OVERLAY_BLOCK)
  for (let block = Math.floor(offset / OVERLAY_BLOCK); block <= last; block++) yield block
}
