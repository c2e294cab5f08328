import { extent, type Extent } from '@tidemark/blocks'

/** Readers that are followed at once: a file system's journal, its metadata and a file or two. */
const STREAMS_MAX = 8
/** Requests of one reader arrive out of order: this far from where it stood it is still the same one. */
const NEAR = 1 << 20
const FIRST_WINDOW = 1 << 20

interface Stream {
  /** End of what it has asked for. */
  end: number
  /** End of what was loaded in advance. */
  ahead: number
  window: number
}

/** Tells readers that go on where they stopped from those that jump about. */
export class Streams {
  readonly #limit: number
  readonly #streams: Stream[] = []

  /** @param limit bytes in advance, at most; 0 never asks for any */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Notes a request, and says what to load in advance. The window doubles as long as the reader goes on. */
  after(offset: number, length: number, size: number): Extent | undefined {
    const end = offset + length
    const stream = this.#streams.find((each) => Math.abs(offset - each.end) <= NEAR)
    if (stream === undefined) {
      this.#streams.unshift({ end, ahead: end, window: FIRST_WINDOW })
      this.#streams.length = Math.min(this.#streams.length, STREAMS_MAX)
      return undefined
    }
    stream.end = Math.max(stream.end, end)
    const from = Math.max(stream.end, stream.ahead)
    const to = Math.min(stream.end + Math.min(stream.window, this.#limit), size)
    if (to - from < Math.min(stream.window, this.#limit) / 2 && to < size) return undefined // enough is on its way
    if (to <= from) return undefined
    stream.ahead = to
    stream.window = Math.min(stream.window * 2, Math.max(this.#limit, FIRST_WINDOW))
    return extent(from, to - from)
  }
}
