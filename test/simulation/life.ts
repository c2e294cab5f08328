/** What a call of a process that was killed meets. It is no error that anything may answer to. */
export class Killed extends Error {
  override readonly name = 'Killed'
}

/**
 * The life of a process that does a piece of work, in this process: each call that it makes to the outside counts, and after the last one
 * nothing it does has any effect, clean-up included. That is what SIGKILL does, without the cost of a process.
 */
export class Life {
  readonly #calls: number | string
  readonly #onCall: (n: number) => Promise<void>
  #made = 0
  #passed = 0
  #killedAt: string | undefined
  #ended = false

  /**
   * @param calls so many pass; Infinity for a life that ends by itself. A text: those before the first one of that name
   * @param onCall what happens elsewhere before the call of that number, from 0
   */
  constructor(calls: number | string, onCall: (n: number) => Promise<void> = async () => {}) {
    this.#calls = calls
    this.#onCall = onCall
  }

  /** The call at which it was killed. */
  get killedAt(): string | undefined {
    return this.#killedAt
  }

  get isOver(): boolean {
    return this.#ended || this.#killedAt !== undefined
  }

  end(): void {
    this.#ended = true
  }

  /** Makes a call, unless the life ends before it; it may also end after it, and then nobody hears the answer. */
  async call<Result>(name: string, make: () => Promise<Result>): Promise<Result> {
    if (!this.isOver) await this.#onCall(this.#made++)
    this.#step(`before ${name}`)
    const result = await make()
    this.#step(`after ${name}`)
    return result
  }

  #step(name: string): void {
    const isDeath = this.#passed++ === this.#calls || name === `before ${this.#calls}`
    if (isDeath) this.#killedAt ??= name
    if (this.#killedAt !== undefined) throw new Killed(`killed ${this.#killedAt}`)
  }
}

/** The same object, all of whose calls count; what it consists of counts too. */
export function living<Target extends object>(target: Target, life: Life, name = ''): Target {
  return new Proxy(target, {
    get(inner, key) {
      const value: unknown = Reflect.get(inner, key, inner)
      if (typeof key === 'symbol') return value
      const path = name === '' ? key : `${name}.${key}`
      if (typeof value === 'object' && value !== null) return living(value, life, path)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => life.call(path, async () => (await value.apply(inner, args)) as unknown)
    },
  })
}
