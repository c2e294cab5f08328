import type { LabControl } from '../control/interface.ts'
import { pause } from './wait.ts'

type Switch = Pick<LabControl, 'stopHost' | 'startHost'>

/** Hosts that lose their power and come back by themselves, while the lab goes on. */
export class Power {
  readonly #ended = new AbortController()
  readonly #restarting = new Set<Promise<void>>()
  #hosts: { readonly power: Switch; readonly onError: (error: Error) => void } | undefined

  connect(power: Switch, onError: (error: Error) => void): void {
    this.#hosts = { power, onError }
  }

  /** Returns at once: whoever serves a client of that host cannot wait for its own end. */
  restart(hostUuid: string, downMs: number): void {
    const work = this.#restart(hostUuid, downMs).finally(() => this.#restarting.delete(work))
    this.#restarting.add(work)
  }

  /** Nothing starts any more; resolves when nothing is under way. */
  async end(): Promise<void> {
    this.#ended.abort()
    await Promise.all(this.#restarting)
  }

  async #restart(hostUuid: string, downMs: number): Promise<void> {
    const { signal } = this.#ended
    if (this.#hosts === undefined) return
    const { power, onError } = this.#hosts
    try {
      await power.stopHost(hostUuid)
      await pause(downMs, signal)
      if (!signal.aborted) await power.startHost(hostUuid)
    } catch (error) {
      onError(error as Error)
    }
  }
}
