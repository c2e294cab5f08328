import { createPrivateKey } from 'node:crypto'
import type net from 'node:net'
import tls from 'node:tls'
import { NbdError, reasonOf } from './error.ts'
import type { TlsSettings } from './personality.ts'

/** How a server offers TLS. PEM throughout. */
export interface ServerTls {
  readonly key: string
  readonly cert: string
  /** `required`: nothing is served in the clear. */
  readonly mode: 'required' | 'optional'
  /** Clients must show a certificate of this authority. */
  readonly clientCa?: string
}

/** @throws NbdError NBD_TLS (key or certificate cannot be used) */
export function checkServerTls({ key, cert, clientCa }: ServerTls): void {
  try {
    createPrivateKey(key)
    tls.createSecureContext({ key, cert, ...(clientCa !== undefined && { ca: clientCa }) })
  } catch (error) {
    throw new NbdError('NBD_TLS', 'the key or the certificate of the server cannot be used', { cause: error })
  }
}

/**
 * TLS over a socket on which STARTTLS was acknowledged, from the server's side. Each connection gets a TLS server of its
 * own, which never listens: it is Node's public way to judge a client's certificate on a given socket.
 * @throws NbdError NBD_TLS (no handshake in time, or no acceptable client certificate)
 */
export function secureServer(
  plain: net.Socket,
  { key, cert, clientCa }: ServerTls,
  settings: TlsSettings,
  timeoutMs: number,
): Promise<tls.TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<tls.TLSSocket>()
  const server = tls.createServer({
    key,
    cert,
    ...settings,
    handshakeTimeout: timeoutMs,
    ...(clientCa !== undefined && { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
  })
  const failed = (error: Error) =>
    reject(new NbdError('NBD_TLS', `the TLS handshake failed: ${reasonOf(error)}`, { cause: error }))
  // Within the handshake the end of the client's half is the end. Only after it answers may still be due.
  plain.allowHalfOpen = false
  server.once('secureConnection', (secured: tls.TLSSocket) => {
    secured.allowHalfOpen = true
    resolve(secured)
  })
  server.once('tlsClientError', failed)
  plain.once('close', () => failed(new Error('the client closed the connection')))
  server.emit('connection', plain)
  return promise
}
