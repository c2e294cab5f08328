import net from 'node:net'
import { setImmediate as yielded } from 'node:timers/promises'
import type { Random } from '../support/random.ts'
import { Broken, INPUT_MS_MAX } from './kind.ts'

/** What came back over a connection, and how it ended. */
export interface Heard {
  readonly bytes: Buffer
  /** cut: by a reset, or by us because nothing more was to be expected. */
  readonly ended: 'by the server' | 'cut'
}

/** Cut at one or several places, anywhere. */
export function pieces(random: Random, bytes: Uint8Array): Uint8Array[] {
  if (random.chance(60)) return [bytes]
  const cuts = Array.from({ length: 1 + random.int(4) }, () => random.int(bytes.length + 1)).sort((a, b) => a - b)
  return [0, ...cuts].map((from, n) => bytes.subarray(from, cuts[n] ?? bytes.length))
}

/**
 * Connects, sends the pieces, says that there are no more, and hears the other side out.
 * @param patienceMs after so long we go away, for input that may rightly wait
 * @param ending says that there are no more pieces at once, or once the answer has begun
 * @throws Broken when the server neither answers nor closes
 */
export async function talk(
  port: number,
  parts: readonly Uint8Array[],
  { patienceMs, ending = 'at once' }: { patienceMs?: number | undefined; ending?: 'at once' | 'after the answer' } = {},
): Promise<Heard> {
  const socket = net.connect({ host: '127.0.0.1', port, noDelay: true })
  const heard: Buffer[] = []
  let ended: Heard['ended'] | 'silence' = 'by the server'
  const { promise, resolve } = Promise.withResolvers<void>()
  const late = (): void => {
    ended = patienceMs === undefined ? 'silence' : 'cut'
    socket.destroy()
  }
  const timer = setTimeout(late, patienceMs ?? INPUT_MS_MAX)
  socket.on('data', (chunk: Buffer) => heard.push(chunk))
  socket.on('error', () => (ended = 'cut'))
  socket.once('close', resolve)
  for (const part of parts) {
    if (socket.destroyed) break
    socket.write(part)
    if (parts.length > 1) await yielded()
  }
  if (ending === 'after the answer' && heard.length === 0) socket.once('data', () => socket.end())
  else if (!socket.destroyed) socket.end()
  await promise
  clearTimeout(timer)
  if ((ended as string) === 'silence') throw new Broken(`HANG: the connection is open after ${INPUT_MS_MAX} ms`)
  return { bytes: Buffer.concat(heard), ended: ended as Heard['ended'] }
}
