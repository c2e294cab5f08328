import { ID_LENGTH } from '../id.ts'
import type { DonePieces } from './plan.ts'

/** Stands for a piece of zeros among IDs: they gather into runs, and have no blob of their own. */
export const ZEROS = new Uint8Array(ID_LENGTH)
/** Stands for a piece that is not written yet. */
export const MISSING = new Uint8Array(ID_LENGTH).fill(0xff)

export const isZeros = (id: Uint8Array): boolean => Buffer.compare(id, ZEROS) === 0

/** The ID of a piece that an earlier try wrote: a view. Undefined for one that is to be written. */
export function doneAt(done: DonePieces | undefined, piece: number): Uint8Array | undefined {
  const id = done?.ids.subarray(piece * ID_LENGTH, (piece + 1) * ID_LENGTH)
  return id === undefined || id.length === 0 || Buffer.compare(id, MISSING) === 0 ? undefined : id
}

/** Pieces that were written one after the other. */
export interface PieceRun {
  /** Number of the first among the pieces that the plan writes anew. */
  readonly first: number
  /** Packed IDs. */
  readonly ids: Uint8Array
}

/** Notes which pieces of a plan were written. What it gathered is durable after a `flush` that began later. */
export class PieceLog {
  #runs: { readonly first: number; readonly ids: Uint8Array[] }[] = []

  add(piece: number, id: Uint8Array): void {
    const run = this.#runs.at(-1)
    if (run !== undefined && run.first + run.ids.length === piece) run.ids.push(id)
    else this.#runs.push({ first: piece, ids: [id] })
  }

  /** What was noted since the last call. */
  take(): readonly PieceRun[] {
    const runs = this.#runs
    this.#runs = []
    return runs.map(({ first, ids }) => ({ first, ids: Buffer.concat(ids) }))
  }
}
