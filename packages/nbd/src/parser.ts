/**
 * What a parser asks for: so many bytes, or a place of its own to be filled. After `into` there may be `spare` more
 * bytes of the same buffer that hold nothing yet: a socket may read that far past the end in one go.
 */
export type Need = number | { readonly into: Uint8Array; readonly spare: number }

/**
 * A piece of protocol that reads top to bottom and does no I/O: it yields what it needs and receives exactly that.
 * The bytes it receives for a number are only good until it yields again.
 */
export type Parser<Result> = Generator<Need, Result, Uint8Array>

const NOTHING = new Uint8Array()

/** One parser on its way through bytes that arrive however they like. */
export class ParserRun<Result> {
  readonly #parser: Parser<Result>
  #wanted = 0
  #filled = 0
  #into: Uint8Array | undefined // where bytes go; undefined until a number is seen to be split
  #spare = -1 // -1: the parser asked for a number
  #result: { readonly value: Result } | undefined

  constructor(parser: Parser<Result>) {
    this.#parser = parser
    this.#advance(parser.next())
  }

  /** Set once the parser has returned. */
  get result(): { readonly value: Result } | undefined {
    return this.#result
  }

  /** Takes bytes until the parser returns or there are no more. Answers how many it used. Throws what the parser throws. */
  feed(chunk: Uint8Array): number {
    let at = 0
    while (this.#result === undefined && at < chunk.length) {
      const missing = this.#wanted - this.#filled
      const part = chunk.subarray(at, at + missing)
      at += part.length
      if (this.#into === undefined && part.length === missing) {
        this.#resume(part)
      } else {
        this.#into ??= new Uint8Array(this.#wanted)
        this.#into.set(part, this.#filled)
        this.#filled += part.length
        if (this.#filled === this.#wanted) this.#resume(this.#into)
      }
    }
    return at
  }

  /** The place where the next bytes may be written directly, when at least `atLeast` of them are missing there. */
  window(atLeast: number): Uint8Array | undefined {
    const missing = this.#wanted - this.#filled
    if (this.#result !== undefined || this.#into === undefined || this.#spare < 0 || missing < atLeast) return undefined
    return new Uint8Array(this.#into.buffer, this.#into.byteOffset + this.#filled, missing + this.#spare)
  }

  /** Says that `count` bytes were written to `window`. What went into the spare bytes is parsed as well. */
  wrote(window: Uint8Array, count: number): number {
    const missing = this.#wanted - this.#filled
    const own = Math.min(count, missing)
    this.#filled += own
    if (this.#filled === this.#wanted && this.#into !== undefined) this.#resume(this.#into)
    return own + this.feed(window.subarray(own, count))
  }

  #resume(bytes: Uint8Array): void {
    this.#advance(this.#parser.next(bytes))
  }

  #advance(first: IteratorResult<Need, Result>): void {
    let step = first
    for (;;) {
      if (step.done === true) {
        this.#result = { value: step.value }
        return
      }
      const need = step.value
      this.#filled = 0
      if (typeof need === 'number') {
        this.#wanted = need
        this.#into = undefined
        this.#spare = -1
      } else {
        this.#wanted = need.into.length
        this.#into = need.into
        this.#spare = need.spare
      }
      if (this.#wanted > 0) return
      step = this.#parser.next(this.#into ?? NOTHING)
    }
  }
}
