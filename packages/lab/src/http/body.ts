import type { IncomingMessage } from 'node:http'
import { StreamCut } from '../streams/pieces.ts'
import { firstOf } from './wait.ts'

/**
 * The body of a request as it arrives. Nothing that has arrived is lost when the client closes the connection right
 * after it. Who stops reading early leaves the connection open for the answer.
 * @param signal ends the wait for a client that does not send
 * @throws StreamCut; the signal's reason
 */
export async function* bodyOf(request: IncomingMessage, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
  for (;;) {
    signal.throwIfAborted()
    const piece = request.read() as Buffer | null
    if (piece !== null) yield piece
    else if (request.readableEnded) return
    else if (request.destroyed) throw new StreamCut()
    else await firstOf(request, ['readable', 'end', 'close'], signal)
  }
}
