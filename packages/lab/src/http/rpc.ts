import type { ServerResponse } from 'node:http'
import {
  decodeJsonCall,
  decodeXmlCall,
  encodeJsonAnswer,
  encodeXmlAnswer,
  encodeXmlBareAnswer,
  XenApiError,
  type Call,
} from '@tidemark/xenapi/codec'
import { dispatch } from '../calls/dispatch.ts'
import type { Pool } from '../pool.ts'
import type { Exchange } from './exchange.ts'

/** xapi: http_limit_max_rpc_size */
const BODY_MAX = 300 * 1024

/** One encoding of calls and answers. */
interface Rpc<Request extends Call> {
  readonly type: string
  readonly decode: (body: string) => Request
  readonly serve: (call: Request) => Promise<string>
}

/** What a release before JSON-RPC answers to what is no call, with status 200. xapi/api_server.ml of 2012 */
const FAULT =
  '<?xml version="1.0"?><methodResponse><fault><value><struct>' +
  '<member><name>faultCode</name><value><int>1</int></value></member>' +
  '<member><name>faultString</name><value>Failed to parse supplied XML</value></member>' +
  '</struct></value></fault></methodResponse>'

/** POST /, /RPC2, /xmlrpc: API errors travel with status 200; what is no call at all gets 500. */
export const serveXmlRpc = (pool: Pool, exchange: Exchange, response: ServerResponse): Promise<void> =>
  serveRpc(pool, exchange, response, {
    type: 'text/xml',
    decode: decodeXmlCall,
    async serve(call) {
      const answer = await dispatch({ pool, host: exchange.host }, call, 'xml')
      return answer.ok && answer.bare === true ? encodeXmlBareAnswer(answer.value) : encodeXmlAnswer(answer)
    },
  })

/** POST /jsonrpc: the answer's version is that of the call. A release without it takes the path for that of XML-RPC. */
export function serveJsonRpc(pool: Pool, exchange: Exchange, response: ServerResponse): Promise<void> {
  if (!pool.options.jsonRpc) return serveXmlRpc(pool, exchange, response)
  return serveRpc(pool, exchange, response, {
    type: 'application/json',
    decode: decodeJsonCall,
    serve: async (call) => encodeJsonAnswer(await dispatch({ pool, host: exchange.host }, call, 'json'), call),
  })
}

async function serveRpc<Request extends Call>(
  pool: Pool,
  { request }: Exchange,
  response: ServerResponse,
  { type, decode, serve }: Rpc<Request>,
): Promise<void> {
  const length = Number(request.headers['content-length'] ?? Number.NaN)
  if (Number.isNaN(length)) return reply(response, 411)
  if (length > BODY_MAX) return reply(response, 413)
  try {
    const call = decode(await readBody(request))
    const body = await pool.faults.request(call, { response, work: () => serve(call) })
    if (body !== undefined) reply(response, 200, type, body) // text that is no UTF-8 is answered, not cut off
  } catch (error) {
    if (!(error instanceof XenApiError) && !(error instanceof TypeError)) throw error
    if (pool.options.jsonRpc) reply(response, 500)
    else reply(response, 200, 'text/xml', FAULT)
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
