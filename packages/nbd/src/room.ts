import { NbdError } from './error.ts'

/** Bytes that all connections of a server hold together, shared out in the order of asking. */
export class Budget {
  #free: number
  readonly #waiting: { readonly bytes: number; readonly go: () => void }[] = []

  constructor(bytes: number) {
    this.#free = bytes
  }

  /** Answers whether the bytes were there, and nobody waits for some already. */
  tryTake(bytes: number): boolean {
    if (this.#waiting.length > 0 || bytes > this.#free) return false
    this.#free -= bytes
    return true
  }

  /** Resolves when the bytes are the caller's. @throws the signal's reason */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.tryTake(bytes)) return
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const waiting = { bytes, go: resolve }
    const leave = () => {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
      reject(signal.reason instanceof Error ? signal.reason : new NbdError('NBD_DISCONNECTED', 'nobody waits any more'))
      this.#letIn()
    }
    this.#waiting.push(waiting)
    signal.addEventListener('abort', leave, { once: true })
    await promise.finally(() => signal.removeEventListener('abort', leave))
  }

  give(bytes: number): void {
    this.#free += bytes
    this.#letIn()
  }

  #letIn(): void {
    for (let [first] = this.#waiting; first !== undefined && first.bytes <= this.#free; [first] = this.#waiting) {
      this.#waiting.shift()
      this.#free -= first.bytes
      first.go()
    }
  }
}

/** Counts what is under way on one connection, and lets the next request in when there is room. */
export class Room {
  readonly #requestsMax: number
  readonly #bytesMax: number
  readonly #budget: Budget
  #requests = 0
  #bytes = 0
  #wake: (() => void) | undefined

  /** @param bytesMax a single request may always go, however long */
  constructor(requestsMax: number, bytesMax: number, budget: Budget) {
    this.#requestsMax = requestsMax
    this.#bytesMax = bytesMax
    this.#budget = budget
  }

  /** Enters if there is room right now. */
  tryEnter(bytes: number): boolean {
    if (this.#isFull(bytes) || !this.#budget.tryTake(bytes)) return false
    this.#requests++
    this.#bytes += bytes
    return true
  }

  /** Enters when there is room. @throws the signal's reason */
  async enter(bytes: number, signal: AbortSignal): Promise<void> {
    while (this.#isFull(bytes)) await this.#change()
    await this.#budget.take(bytes, signal)
    this.#requests++
    this.#bytes += bytes
  }

  leave(bytes: number): void {
    this.#requests--
    this.#bytes -= bytes
    this.#budget.give(bytes)
    this.#wake?.()
    this.#wake = undefined
  }

  async empty(): Promise<void> {
    while (this.#requests > 0) await this.#change()
  }

  #isFull(bytes: number): boolean {
    return this.#requests >= this.#requestsMax || (this.#requests > 0 && this.#bytes + bytes > this.#bytesMax)
  }

  /** Only the connection's own loop waits, so there is one to wake. */
  #change(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve))
  }
}
