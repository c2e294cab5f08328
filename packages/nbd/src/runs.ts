import { bytes, mapInOrder, type Bytes, type Extent } from '@tidemark/blocks'
import type { NbdClient } from './client.ts'
import { split } from './range.ts'

/**
 * Reads runs with many requests in flight over all connections, and yields their data in the order of the runs. A run
 * longer than `depth.requestBytes` arrives in several pieces. Holds at most 32 MiB beside what the consumer holds.
 * @param runs as `planRuns` makes them
 * @throws as `NbdClient.read`
 */
export async function* readRuns(
  client: NbdClient,
  runs: Iterable<Extent>,
  signal?: AbortSignal,
): AsyncGenerator<{ offset: Bytes; data: Uint8Array }, void, void> {
  const read = async ({ offset, length }: Piece, inner: AbortSignal) => ({
    offset: bytes(offset),
    data: await client.read(offset, length, inner),
  })
  yield* eachPiece(client, runs, read, signal)
}

/**
 * As `readRuns`, in memory that is used again: `data` is good until the next piece is asked for. For consumers that are
 * done with a piece, or have copied it, before they go on.
 */
export async function* borrowRuns(
  client: NbdClient,
  runs: Iterable<Extent>,
  signal?: AbortSignal,
): AsyncGenerator<{ offset: Bytes; data: Uint8Array }, void, void> {
  const borrow = async ({ offset, length }: Piece, inner: AbortSignal) => ({
    offset: bytes(offset),
    loan: await client.borrow(offset, length, inner),
  })
  for await (const { offset, loan } of eachPiece(client, runs, borrow, signal)) {
    yield { offset, data: loan.data }
    loan.release()
  }
}

interface Piece {
  readonly offset: number
  readonly length: number
}

const eachPiece = <Result>(
  { depth }: NbdClient,
  runs: Iterable<Extent>,
  work: (piece: Piece, signal: AbortSignal) => Promise<Result>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Result, void, void> => mapInOrder(pieces(runs, depth.requestBytes), depth.requests, work, signal)

function* pieces(runs: Iterable<Extent>, longest: number): Generator<Piece> {
  for (const { offset, length } of runs) yield* split(offset, length, longest)
}
