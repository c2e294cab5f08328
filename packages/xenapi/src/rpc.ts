import { decodeJsonAnswer, encodeJsonCall } from './codec/jsonrpc.ts'
import type { Answer, Call } from './codec/wire.ts'
import { decodeXmlAnswer, encodeXmlCall } from './codec/xmlrpc.ts'
import type { Encoding } from './codec/typed.ts'
import { XenApiError } from './error.ts'
import type { PostLimits, Response, Transport } from './transport.ts'

/** One way of making calls. */
export interface Rpc {
  readonly encoding: Encoding
  /** @throws XenApiError as the transport, XENAPI_HTTP and XENAPI_PROTOCOL for answers that are none */
  call(call: Call, limits: PostLimits): Promise<Answer>
}

/** `POST /jsonrpc`, JSON-RPC 2.0. Servers of all supported releases have it. */
export function jsonRpc(transport: Transport, origin: URL): Rpc {
  let id = 0
  const url = new URL('/jsonrpc', origin)
  return {
    encoding: 'json',
    call: (call, limits) =>
      retried(call, limits, async () => {
        const body = encodeJsonCall({ ...call, version: 2, id: ++id })
        const response = await transport.post(url, body, 'application/json', limits)
        expect(response, call, ['application/json'])
        return decodeJsonAnswer(response.text)
      }),
  }
}

/** `POST /RPC2`, XML-RPC. What every server since the first release speaks. */
export const xmlRpc = (transport: Transport, origin: URL): Rpc => ({
  encoding: 'xml',
  call: (call, limits) =>
    retried(call, limits, async () => {
      const response = await transport.post(new URL('/RPC2', origin), encodeXmlCall(call), 'text/xml', limits)
      expect(response, call, ['text/xml', 'application/xml'])
      return decodeXmlAnswer(response.text)
    }),
})

function expect(
  { status, contentType, text }: Response & { readonly text: string },
  { method }: Call,
  types: readonly string[],
): void {
  if (status !== 200) {
    const said = /^[\x20-\x7E]{1,80}/.exec(text)?.[0] ?? ''
    throw new XenApiError('XENAPI_HTTP', `${method}: the server answered with HTTP status ${status} ${said}`.trim(), {
      status,
    })
  }
  if (!types.includes(contentType)) {
    throw new XenApiError('XENAPI_PROTOCOL', `${method}: the answer is '${contentType}', not ${types.join(' or ')}`)
  }
}

/**
 * A kept connection may be closed by the server just as a call goes out. Calls that only read are made once more; others
 * may have taken effect, so the caller decides.
 */
async function retried(call: Call, limits: PostLimits, once: () => Promise<Answer>): Promise<Answer> {
  try {
    return await once()
  } catch (error) {
    const broke = error instanceof XenApiError && error.code === 'XENAPI_UNREACHABLE'
    if (!broke || !isRead(call.method) || limits.signal?.aborted === true) throw error
    return once()
  }
}

/** Calls without an effect: they may be made again. */
export const isRead = (method: string): boolean =>
  /^\w+\.get_/.test(method) || method === 'event.from' || method.startsWith('system.')
