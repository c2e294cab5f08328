import { apiFailure } from '../calls/failure.ts'

/** A stream cut as its reader wants it. */
export interface Pieces {
  /** Exactly `length` bytes. @throws XenApiError VDI_IO_ERROR when the stream ends before */
  take(length: number): Promise<Uint8Array>
  /** Lets go of the stream. */
  close(): Promise<void>
}

export function pieces(stream: AsyncIterable<Uint8Array>): Pieces {
  const iterator = stream[Symbol.asyncIterator]()
  const queue: Uint8Array[] = []
  let queued = 0
  return {
    async take(length) {
      while (queued < length) {
        const { done, value } = await iterator.next()
        if (done === true) throw apiFailure('VDI_IO_ERROR', 'Device I/O errors')
        queue.push(value)
        queued += value.length
      }
      queued -= length
      return gather(queue, length)
    },
    async close() {
      await iterator.return?.()
    },
  }
}

/** Works on a stream, and lets go of it in the end. */
export async function withPieces<Result>(
  stream: AsyncIterable<Uint8Array>,
  work: (input: Pieces) => Promise<Result>,
): Promise<Result> {
  const input = pieces(stream)
  try {
    return await work(input)
  } finally {
    await input.close()
  }
}

function gather(queue: Uint8Array[], length: number): Uint8Array {
  const gathered = Buffer.allocUnsafe(length)
  for (let done = 0; done < length;) {
    const first = queue.shift() ?? new Uint8Array()
    const part = first.subarray(0, length - done)
    gathered.set(part, done)
    done += part.length
    if (part.length < first.length) queue.unshift(first.subarray(part.length))
  }
  return gathered
}
