import { apiFailure } from '../calls/failure.ts'

/** A call that shall fail. */
export interface CallFault {
  /** As on the wire: `VDI.snapshot`, `Async.VM.snapshot`. */
  readonly method: string
  /** How often it fails. */
  readonly times: number
  /** The failure that the client sees: `[code, parameter…]`. */
  readonly failure: readonly string[]
  /** How many calls go through before. */
  readonly after?: number
}

/** What goes wrong on purpose, and how often still. */
export class Faults {
  readonly #calls: { method: string; times: number; failure: readonly string[]; after: number }[] = []
  #cutAfter: number | undefined

  failCall({ method, times, failure, after = 0 }: CallFault): void {
    this.#calls.push({ method, times, failure, after })
  }

  /** Cuts the next NBD connection that has read so many bytes. */
  cutNbdAfter(bytes: number): void {
    this.#cutAfter = bytes
  }

  clear(): void {
    this.#calls.length = 0
    this.#cutAfter = undefined
  }

  /** @throws XenApiError when the call shall fail */
  beforeCall(method: string): void {
    const fault = this.#calls.find((each) => each.method === method && each.times > 0)
    if (fault === undefined) return
    if (fault.after > 0) {
      fault.after--
      return
    }
    fault.times--
    const [code = 'INTERNAL_ERROR', ...params] = fault.failure
    throw apiFailure(code, ...params)
  }

  /** Whether a connection that has read so many bytes ends now. It happens once. */
  cutsNbdAt(bytesRead: number): boolean {
    if (this.#cutAfter === undefined || bytesRead < this.#cutAfter) return false
    this.#cutAfter = undefined
    return true
  }
}
