import { rm, rmdir, writeFile } from 'node:fs/promises'
import http from 'node:http'
import { dirname } from 'node:path'
import { text } from 'node:stream/consumers'
import { failureOf } from '../calls/failure.ts'
import { LabError } from '../error.ts'
import type { LabControl } from './interface.ts'
import { decodeControl, encodeControl, locatorPath, newSocketPath } from './wire.ts'

/** Offers the control interface to other processes of the same user, over a Unix socket. */
export async function serveControl(directory: string, control: LabControl): Promise<AsyncDisposable> {
  const path = await newSocketPath(directory)
  await rm(path, { force: true })
  const server = http.createServer((request, response) => {
    void serve(control, request).then(({ status, body }) => {
      response.writeHead(status, { 'Content-Type': 'application/json' })
      response.end(body)
    })
  })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen(path, resolve)
  await promise
  await writeFile(locatorPath(directory), JSON.stringify({ socket: path }), { mode: 0o600 })
  return {
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((done) => server.close(() => done()))
      server.closeAllConnections()
      await closed
      await rm(locatorPath(directory), { force: true })
      if (dirname(path) !== directory) await rmdir(dirname(path))
    },
  }
}

interface Reply {
  readonly status: number
  readonly body: string
}

async function serve(control: LabControl, request: http.IncomingMessage): Promise<Reply> {
  try {
    const method = (request.url ?? '/').slice(1)
    const call = Object.hasOwn(control, method) ? control[method as keyof LabControl] : undefined
    const params = decodeControl(await text(request))
    if (request.method !== 'POST' || call === undefined || !Array.isArray(params)) {
      throw new LabError('LAB_CONTROL', `no control call ${String(request.method)} /${method}`)
    }
    return { status: 200, body: encodeControl(await call(...(params as [never, never, never]))) }
  } catch (error) {
    const code = error instanceof LabError ? error.code : 'LAB_CONTROL'
    const message = error instanceof Error ? error.message : String(error)
    return { status: 500, body: encodeControl({ code, message, failure: failureOf(error) }) }
  }
}
