import type https from 'node:https'
import type { Socket } from 'node:net'
import type { ActionAt } from './plan.ts'

type TlsAction = ActionAt<'https'>['action']

/**
 * Stands before a server's TLS and decides for each connection whether it gets there.
 * @param impostor a server with the same answers and another certificate; it never listens
 */
export function gateTls(
  server: https.Server,
  decide: () => TlsAction | undefined,
  impostor: () => Promise<https.Server>,
): void {
  const handshakes = server.listeners('connection') as ((socket: Socket) => void)[]
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    const action = decide()
    if (action === undefined) for (const shake of handshakes) shake.call(server, socket)
    else void spoilHandshake(socket, action, impostor).catch((error: Error) => socket.destroy(error))
  })
}

async function spoilHandshake(socket: Socket, action: TlsAction, impostor: () => Promise<https.Server>): Promise<void> {
  switch (action) {
    case 'close':
      socket.once('data', () => socket.destroy())
      return
    case 'stall':
      socket.resume()
      return
    case 'wrong-certificate':
      ;(await impostor()).emit('connection', socket)
      return
    default:
      return action satisfies never
  }
}
