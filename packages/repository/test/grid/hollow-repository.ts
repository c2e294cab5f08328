import { MiB } from '@tidemark/blocks'
import { ID_LENGTH } from '../../src/id.ts'
import type { Repository } from '../../src/index.ts'

/** A repository that stores nothing, and counts what it would have stored. */
export interface HollowRepository {
  readonly repository: Repository
  readonly counted: {
    /** Blobs given to it, each taken as new. */
    blobs: number
    bytes: number
    /** Bytes of parents' pieces that were asked for: the clean rest. */
    restBytes: number
  }
}

/**
 * Stands in for a repository where only the shape of a disk matters: the planner, the writer of contents and the reader work as
 * they are, but nothing is hashed, sealed or kept. Every blob has an ID of its own, unless it begins with a zero, and whatever is
 * read is not zero.
 */
export function hollowRepository(): HollowRepository {
  const counted = { blobs: 0, bytes: 0, restBytes: 0 }
  const anything = new Uint8Array(8 * MiB).fill(1)
  const writer = {
    accept(_type: string, data: Uint8Array) {
      if (data[0] === 0) return { id: new Uint8Array(ID_LENGTH), isNew: false } // zeros are stored once for all
      counted.blobs++
      counted.bytes += data.length
      const id = new Uint8Array(ID_LENGTH)
      new DataView(id.buffer).setFloat64(8, counted.blobs)
      return { id, isNew: true }
    },
    room: () => undefined,
    sealed: async () => {},
  }
  const reader = {
    loadMany: async (_type: string, ids: Uint8Array) => Array.from({ length: ids.length / ID_LENGTH }, () => anything),
  }
  const repository = { blobs: { reader, writer, ready: async () => {} } } as unknown as Repository
  return { repository, counted }
}
