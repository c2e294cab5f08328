import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { RestServer } from './rclone.ts'

/**
 * Answers as rest-server's repo/repo.go does where rclone answers otherwise: refuses a name that exists (403) or is not the body's SHA-256 (400), calls
 * a removal of what is not there done, cuts ranges, and knows none for the config. It is ours: a stand-in where rest-server is not packaged.
 */
export async function startRestStandIn(appendOnly: boolean): Promise<RestServer> {
  const files = new Map<string, Buffer>()
  const server = createServer((request, response) => {
    answer(files, appendOnly, request, response).catch((error: unknown) => response.destroy(error as Error))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function answer(
  files: Map<string, Buffer>,
  appendOnly: boolean,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = new URL(request.url ?? '', 'http://any').pathname.slice(1)
  const [type = '', name] = path.split('/')
  const end = (status: number, body?: Buffer | string) => void response.writeHead(status).end(body)
  if (request.method === 'POST') {
    const body = await bodyOf(request)
    if (path === '') return end(200)
    if (files.has(path)) return end(403)
    if (name !== undefined && createHash('sha256').update(body).digest('hex') !== name) return end(400)
    files.set(path, body)
    return end(200)
  }
  if (request.method === 'DELETE') {
    if (appendOnly && type !== 'locks') return end(403)
    files.delete(path)
    return end(200)
  }
  if (name === '') return list(files, `${type}/`, request, response)
  const file = files.get(path)
  if (file === undefined) return end(404)
  if (request.method === 'HEAD') return void response.writeHead(200, { 'content-length': file.length }).end()
  const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
  if (from === undefined || type === 'config') return end(200, file)
  if (Number(from) >= file.length) return end(416)
  return end(206, file.subarray(Number(from), Number(to) + 1))
}

function list(files: Map<string, Buffer>, prefix: string, request: IncomingMessage, response: ServerResponse): void {
  const found = [...files].filter(([path]) => path.startsWith(prefix))
  const isNew = request.headers.accept === 'application/vnd.x.restic.rest.v2'
  const entries = found.map(([path, { length }]) => {
    const name = path.slice(prefix.length)
    return isNew ? { name, size: length } : name
  })
  response.writeHead(200, { 'content-type': `application/vnd.x.restic.rest.${isNew ? 'v2' : 'v1'}` })
  response.end(JSON.stringify(entries))
}

/** @throws when the body breaks off: nothing is kept then */
async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  return Buffer.concat(parts)
}
