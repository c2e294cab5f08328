import type { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** A stream after a transformation. Whichever side ends early or fails, ends the other. */
export async function* through(
  source: AsyncIterable<Uint8Array>,
  transform: Duplex,
): AsyncGenerator<Uint8Array, void, void> {
  const flowing = pipeline(source, transform)
  flowing.catch(() => undefined) // it arrives at the reader below
  try {
    for await (const piece of transform) yield piece as Uint8Array
  } finally {
    transform.destroy()
  }
}
