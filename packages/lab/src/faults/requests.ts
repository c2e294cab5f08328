import type { ServerResponse } from 'node:http'
import type { SessionRef } from '@tidemark/xenapi'
import type { Pool } from '../pool.ts'
import type { Fired } from './planned.ts'
import { departure, pause } from './wait.ts'
import { befall, expireSessions, isWorldAction } from './world.ts'

/** A request with a call in it, and the way to answer it. */
export interface RpcRequest {
  readonly session: string
  readonly response: ServerResponse
  /** Serves the call. Answers the body of the reply. */
  readonly work: () => Promise<string>
}

/** @returns the body still to be sent; undefined: the client got what it gets */
export async function spoilRequest(
  pool: Pool,
  { action }: Fired<'request'>,
  { session, response, work }: RpcRequest,
): Promise<string | undefined> {
  if (isWorldAction(action)) {
    await befall(pool, action)
    return work()
  }
  switch (action.action) {
    case 'delay':
      await pause(action.ms, pool.closing)
      return work()
    case 'hang':
      return leaveAlone(response)
    case 'lose-reply':
      await work()
      response.socket?.destroy()
      return undefined
    case 'duplicate':
      await work()
      return work()
    case 'truncate':
      return sendPart(response, await work(), action.after)
    case 'status':
      return sendPage(response, action.status)
    case 'html':
      return sendPage(response, 200)
    case 'lose-session':
      expireSessions(pool, session as SessionRef)
      return work()
    default:
      return action satisfies never
  }
}

async function leaveAlone({ socket }: ServerResponse): Promise<undefined> {
  if (socket !== null) await departure(socket)
}

/** Announces everything and sends less. */
async function sendPart(response: ServerResponse, body: string, after: number): Promise<undefined> {
  const whole = Buffer.from(body)
  response.writeHead(200, { 'Content-Type': 'text/xml', 'Content-Length': whole.length })
  await new Promise<void>((resolve) => {
    response.write(whole.subarray(0, Math.min(after, whole.length - 1)), () => resolve())
  })
  response.socket?.destroy()
}

/** What a proxy in between says. */
async function sendPage(response: ServerResponse, status: number): Promise<undefined> {
  const page = `<html><body><h1>HTTP ${status}</h1>A page, planned by the lab.</body></html>`
  response.writeHead(status, { 'Content-Type': 'text/html', 'Content-Length': Buffer.byteLength(page) })
  response.end(page)
}
