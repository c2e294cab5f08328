import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves after so many milliseconds, or earlier when there is nobody left to wait for. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined) // the only thing that ends it early
}

/** Resolves when the client has gone. */
export async function departure(socket: Socket): Promise<void> {
  if (!socket.destroyed) await once(socket, 'close')
}
