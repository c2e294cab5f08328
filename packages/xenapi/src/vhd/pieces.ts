import { damaged } from './format.ts'

/** A stream that is taken by exact lengths, however it arrives. */
export interface Pieces {
  /** The next `length` bytes. @throws XenApiError XENAPI_PROTOCOL when the stream ends before */
  take(length: number): Promise<Uint8Array>
  /** At least one byte and at most `most`, as they arrived: nothing is copied. @throws XenApiError XENAPI_PROTOCOL at the end */
  some(most: number): Promise<Uint8Array>
  /** Passes over everything before byte `position` of the stream. @throws XenApiError XENAPI_PROTOCOL if that has gone by */
  skipTo(position: number): Promise<void>
  /** Reads to the end of the stream and answers with its last `length` bytes. @throws XenApiError XENAPI_PROTOCOL if there are fewer */
  last(length: number): Promise<Uint8Array>
  /** Leaves the stream, which then cleans up. */
  close(): Promise<void>
}

export function pieces(stream: AsyncIterable<Uint8Array>): Pieces {
  const source = stream[Symbol.asyncIterator]()
  let rest: Uint8Array = new Uint8Array()
  let position = 0

  /** At least one byte in `rest`, unless the stream is at its end. */
  const fill = async (): Promise<boolean> => {
    while (rest.length === 0) {
      const { done, value } = await source.next()
      if (done === true) return false
      rest = value
    }
    return true
  }
  const cut = (most: number): Uint8Array => {
    const head = rest.subarray(0, most)
    rest = rest.subarray(head.length)
    position += head.length
    return head
  }

  return {
    async take(length) {
      if (rest.length >= length) return cut(length)
      const whole = new Uint8Array(length)
      for (let have = 0; have < length;) {
        if (!(await fill())) throw damaged(`it ends at byte ${position}, in the middle of something`)
        const head = cut(length - have)
        whole.set(head, have)
        have += head.length
      }
      return whole
    },
    async some(most) {
      if (!(await fill())) throw damaged(`it ends at byte ${position}, in the middle of something`)
      return cut(most)
    },
    async skipTo(target) {
      if (target < position) throw damaged(`what it keeps at byte ${target} has gone by`)
      for (let missing = target - position; missing > 0; missing -= cut(missing).length) {
        if (!(await fill())) throw damaged(`it ends at byte ${position}, before what it keeps at ${target}`)
      }
    },
    async last(length) {
      let tail: Uint8Array = new Uint8Array()
      while (await fill()) {
        const head = cut(rest.length)
        tail = head.length >= length ? head.subarray(-length) : Buffer.concat([tail, head]).subarray(-length)
      }
      if (tail.length < length) throw damaged(`it ends at byte ${position}, without its closing footer`)
      return tail
    },
    async close() {
      await source.return?.()
    },
  }
}
