import { listPoints, openPoint, contentOf, type RestorePoint, type VmSnapshot } from '@tidemark/engine'
import { readContent, type Repository } from '@tidemark/repository'

type Contents = ReadonlyMap<string, Buffer>

/** What is wrong, in a sentence. */
export class Finding extends Error {
  override readonly name = 'Finding'
}

/** Knows what every restore point must hold: a copy of every disk at the instant of every snapshot, kept apart from pool and repository. */
export class Oracle {
  /** By UUID of the VM snapshot, then of the disk. */
  readonly #instants = new Map<string, Contents>()
  readonly #acknowledged = new Set<string>()
  /** Points compared, each time counted. */
  compared = 0

  taken(snapshot: VmSnapshot, contents: Contents): void {
    this.#instants.set(snapshot.uuid, contents)
  }

  acknowledge(point: string): void {
    this.#acknowledged.add(point)
  }

  /** It may be gone from now on. */
  release(points: Iterable<string>): void {
    for (const point of points) this.#acknowledged.delete(point)
  }

  /** What a point must hold, by disk. */
  contentsOf(snapshot: string): Contents {
    const contents = this.#instants.get(snapshot)
    if (contents === undefined)
      throw new Finding(`a restore point was made of the snapshot ${snapshot}, which nobody took`)
    return contents
  }

  /** Every point is there that was promised, and each that is there, promised or not, is the disks at its instant. */
  async compare(repository: Repository): Promise<readonly RestorePoint[]> {
    await repository.loadIndex()
    const points = await listPoints(repository)
    const there = new Set(points.map(({ id }) => id))
    for (const id of this.#acknowledged) if (!there.has(id)) throw new Finding(`the restore point ${id} is lost`)
    for (const point of points) await this.#comparePoint(repository, point)
    return points
  }

  async #comparePoint(repository: Repository, point: RestorePoint): Promise<void> {
    const open = await openPoint(repository, point)
    const contents = this.contentsOf(open.record.snapshot)
    if (open.record.disks.length !== contents.size) {
      throw new Finding(`point ${point.id} has ${open.record.disks.length} disks, the VM had ${contents.size}`)
    }
    for (const record of open.record.disks) {
      const expected = contents.get(record.vdi)
      if (expected === undefined)
        throw new Finding(`point ${point.id} holds the disk ${record.vdi}, which the VM had not`)
      if (record.reason === '') throw new Finding(`point ${point.id} gives no reason for what it did to ${record.vdi}`)
      const content = await contentOf(open, record)
      const actual = Buffer.alloc(record.size)
      for await (const piece of readContent(repository, content, { holes: 'zeros' })) {
        if (piece.data !== 'zero') actual.set(piece.data, piece.offset)
      }
      expectEqual(actual, expected, `disk ${record.position} of point ${point.id.slice(0, 8)} (${record.reason})`)
    }
    this.compared++
  }
}

/** @throws Finding naming the first byte that differs */
export function expectEqual(actual: Uint8Array, expected: Uint8Array, what: string): void {
  if (actual.length !== expected.length) throw new Finding(`${what} has ${actual.length} bytes, not ${expected.length}`)
  if (Buffer.compare(actual, expected) === 0) return
  const at = actual.findIndex((byte, index) => byte !== expected[index])
  throw new Finding(`${what} differs at byte ${at}`)
}
