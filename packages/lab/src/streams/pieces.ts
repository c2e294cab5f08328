/** A stream that ended before what its reader needs. */
export class StreamCut extends Error {
  constructor() {
    super('the data ended in the middle of something')
  }
}

/** A stream cut as its reader wants it. */
export interface Pieces {
  /** Bytes that were taken so far. */
  readonly position: number
  /** Exactly `length` bytes. @throws StreamCut when the stream ends before */
  take(length: number): Promise<Uint8Array>
  /** The next bytes, which stay in the stream: `length` of them, or fewer at the end. */
  peek(length: number): Promise<Uint8Array>
  /** `length` bytes, or what is left at the end. */
  upTo(length: number): Promise<Uint8Array>
  /** Passes over `length` bytes. @throws StreamCut */
  skip(length: number): Promise<void>
  /** What is left, as it arrives. */
  rest(): AsyncGenerator<Uint8Array, void, void>
  /** Lets go of the stream. */
  close(): Promise<void>
}

export function pieces(stream: AsyncIterable<Uint8Array>): Pieces {
  const iterator = stream[Symbol.asyncIterator]()
  const queue: Uint8Array[] = []
  let queued = 0
  let position = 0

  /** Whether there are `length` bytes now. */
  const fill = async (length: number): Promise<boolean> => {
    while (queued < length) {
      const { done, value } = await iterator.next()
      if (done === true) return false
      queue.push(value)
      queued += value.length
    }
    return true
  }
  const cut = (length: number): Uint8Array => {
    queued -= length
    position += length
    return gather(queue, length)
  }

  return {
    get position() {
      return position
    },
    async take(length) {
      if (!(await fill(length))) throw new StreamCut()
      return cut(length)
    },
    async peek(length) {
      await fill(length)
      return Buffer.concat(queue).subarray(0, length)
    },
    async upTo(length) {
      await fill(length)
      return cut(Math.min(length, queued))
    },
    async skip(length) {
      for (let left = length; left > 0;) {
        if (!(await fill(1))) throw new StreamCut()
        left -= cut(Math.min(left, queue[0]?.length ?? 0)).length
      }
    },
    async *rest() {
      while (await fill(1)) yield cut(queue[0]?.length ?? 0)
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

/** Takes bytes from the front of a queue that has enough; what lies in one piece is not copied. */
function gather(queue: Uint8Array[], length: number): Uint8Array {
  const [first] = queue
  if (first !== undefined && first.length >= length) {
    if (first.length === length) queue.shift()
    else queue[0] = first.subarray(length)
    return first.subarray(0, length)
  }
  const gathered = Buffer.allocUnsafe(length)
  for (let done = 0; done < length;) {
    const part = gather(queue, Math.min(length - done, queue[0]?.length ?? 0))
    gathered.set(part, done)
    done += part.length
  }
  return gathered
}
