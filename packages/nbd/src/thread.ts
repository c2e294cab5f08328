import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from './clock.ts'
import { connect } from './connection.ts'
import type { Line, Wish } from './line.ts'
import { packed, type ThreadData, type ThreadReply, type ThreadRequest } from './thread-messages.ts'

// What runs on the thread of a connection that has one for itself. thread-line.ts is its other end.

if (parentPort === null) throw new Error('this module is the beginning of a thread')
await serve(parentPort)

async function serve(port: NonNullable<typeof parentPort>): Promise<void> {
  const { target, options } = workerData as ThreadData
  const reply = (message: ThreadReply, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer)
  let line: Line
  try {
    line = await connect(target, { ...options, clock: systemClock })
  } catch (error) {
    return reply({ kind: 'over', error: packed(error) })
  }
  const ask = async (id: number, wish: Wish) => {
    try {
      const outcome = await line.request(wish, undefined, () => {})
      const { buffer } = outcome.data
      reply({ kind: 'answer', id, outcome }, buffer.byteLength > 0 && buffer instanceof ArrayBuffer ? [buffer] : [])
    } catch (error) {
      reply({ kind: 'failure', id, error: packed(error) })
    }
  }
  port.on('message', (request: ThreadRequest) => {
    if (request.kind === 'request') void ask(request.id, request.wish)
    else void line.close()
  })
  reply({ kind: 'open', negotiated: line.negotiated })
  await line.closed
  reply({ kind: 'over', error: packed(line.over) })
  port.close()
}
