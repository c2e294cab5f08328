import type { ServerResponse } from 'node:http'
import {
  decodeJsonCall,
  decodeXmlCall,
  encodeJsonAnswer,
  encodeXmlAnswer,
  encodeXmlBareAnswer,
  XenApiError,
} from '@tidemark/xenapi/codec'
import { dispatch } from '../calls/dispatch.ts'
import type { Pool } from '../pool.ts'
import type { Exchange } from './exchange.ts'

/** xapi: http_limit_max_rpc_size */
const BODY_MAX = 300 * 1024

/** POST /, /RPC2, /xmlrpc: API errors travel with status 200; what is no call at all gets 500. */
export const serveXmlRpc = (pool: Pool, exchange: Exchange, response: ServerResponse): Promise<void> =>
  serveRpc(exchange, response, 'text/xml', async (body) => {
    const answer = await dispatch({ pool, host: exchange.host }, decodeXmlCall(body), 'xml')
    return answer.ok && answer.bare === true ? encodeXmlBareAnswer(answer.value) : encodeXmlAnswer(answer)
  })

/** POST /jsonrpc: the answer's version is that of the call. A release without it takes the path for that of XML-RPC. */
export function serveJsonRpc(pool: Pool, exchange: Exchange, response: ServerResponse): Promise<void> {
  if (!pool.options.jsonRpc) return serveXmlRpc(pool, exchange, response)
  return serveRpc(exchange, response, 'application/json', async (body) => {
    const call = decodeJsonCall(body)
    return encodeJsonAnswer(await dispatch({ pool, host: exchange.host }, call, 'json'), call)
  })
}

async function serveRpc(
  { request }: Exchange,
  response: ServerResponse,
  type: string,
  work: (body: string) => Promise<string>,
): Promise<void> {
  const length = Number(request.headers['content-length'] ?? Number.NaN)
  if (Number.isNaN(length)) return reply(response, 411)
  if (length > BODY_MAX) return reply(response, 413)
  try {
    reply(response, 200, type, await work(await readBody(request))) // text that is no UTF-8 is answered, not cut off
  } catch (error) {
    if (!(error instanceof XenApiError) && !(error instanceof TypeError)) throw error
    reply(response, 500)
  }
}

async function readBody(request: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of request) chunks.push(chunk)
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
}

function reply(response: ServerResponse, status: number, type = 'text/html', body = ''): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Allow-Headers': 'X-Requested-With',
    // the body of a refused call is not read: the connection cannot go on
    ...(status === 411 || status === 413 ? { Connection: 'close' } : {}),
  })
  response.end(body)
}
