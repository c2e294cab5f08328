import { addressText, type NbdAddress } from './channel.ts'

interface Host {
  taken: number
  readonly waiting: Set<() => void>
}

// Of this process: every client that reads a disk of the same host draws on the same few connections.
const hosts = new Map<string, Host>()

/**
 * Takes the right to one more connection to a server, if this process has fewer than `most` there.
 * @returns what gives it back; undefined when there are so many
 */
export function takeSlot(address: NbdAddress, most: number): (() => void) | undefined {
  const key = addressText(address)
  const host = hosts.get(key) ?? { taken: 0, waiting: new Set() }
  if (host.taken >= most) return undefined
  host.taken++
  hosts.set(key, host)
  return () => {
    host.taken--
    for (const wake of host.waiting) wake()
    if (host.taken === 0 && host.waiting.size === 0) hosts.delete(key)
  }
}

/** Resolves when one of the servers got a connection less. @throws the signal's reason when aborted */
export async function slotFreed(addresses: readonly NbdAddress[], signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const aborted = () => reject(signal?.reason)
  const busy = addresses.flatMap((address) => hosts.get(addressText(address)) ?? [])
  if (busy.length === 0) return
  for (const host of busy) host.waiting.add(resolve)
  signal?.addEventListener('abort', aborted, { once: true })
  try {
    await promise
  } finally {
    for (const host of busy) host.waiting.delete(resolve)
    signal?.removeEventListener('abort', aborted)
  }
}
