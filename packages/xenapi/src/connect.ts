import { isIP, connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { XenApiError } from './error.ts'
import { fingerprintOf, isSameFingerprint, type PoolTrust } from './trust.ts'

/**
 * Opens a connection and proves the server's identity before anything is sent over it.
 * @throws XenApiError XENAPI_CERTIFICATE, XENAPI_UNREACHABLE; the signal's reason when aborted
 */
export async function connectTo(
  origin: URL,
  trust: PoolTrust,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Socket> {
  const host = hostOf(origin)
  if (trust.kind === 'plain') {
    return established(connectTcp({ host, port: portOf(origin) }), 'connect', origin, timeoutMs, signal)
  }
  const socket = await established(tlsSocket(origin, trustOptions(trust)), 'secureConnect', origin, timeoutMs, signal)
  if (trust.kind === 'fingerprint') checkFingerprint(socket, trust.sha256, origin)
  return socket
}

/** An unproven connection, for looking at the server's certificate. Send nothing over it. */
export const connectUnproven = (origin: URL, timeoutMs: number, signal?: AbortSignal): Promise<TLSSocket> =>
  established(tlsSocket(origin, { rejectUnauthorized: false }), 'secureConnect', origin, timeoutMs, signal)

/** A pinned certificate is compared by us, right after the handshake; the others are verified by Node. */
function trustOptions(trust: Exclude<PoolTrust, { kind: 'plain' }>): ConnectionOptions {
  if (trust.kind === 'fingerprint') return { rejectUnauthorized: false }
  return trust.kind === 'authority' ? { rejectUnauthorized: true, ca: trust.ca } : { rejectUnauthorized: true }
}

function tlsSocket(origin: URL, options: ConnectionOptions): TLSSocket {
  const host = hostOf(origin)
  const name = isIP(host) === 0 ? { servername: host } : {}
  return connectTls({
    ...options,
    ...name,
    host,
    port: portOf(origin),
    ALPNProtocols: ['http/1.1'],
    minVersion: 'TLSv1.2',
  })
}

function checkFingerprint(socket: TLSSocket, expected: string, origin: URL): void {
  const certificate = socket.getPeerX509Certificate()
  const actual = certificate === undefined ? 'none' : fingerprintOf(certificate.raw)
  if (certificate !== undefined && isSameFingerprint(expected, actual)) return
  socket.destroy()
  throw new XenApiError(
    'XENAPI_CERTIFICATE',
    `${origin.host} shows the certificate ${actual}, not the pinned ${expected}. If the server's certificate was renewed, ` +
      'compare the new fingerprint with the one on its console and pin it in place of the old; otherwise somebody else answers there',
  )
}

async function established<Kind extends Socket>(
  socket: Kind,
  event: 'connect' | 'secureConnect',
  origin: URL,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Kind> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const late = () => reject(unreachable(`${origin.host} did not take the connection within ${timeoutMs} ms`))
  const timer = setTimeout(late, timeoutMs)
  const onAbort = () => reject(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  socket.once(event, resolve)
  socket.on('error', (cause) => reject(refusal(socket, origin, cause))) // stays: a socket without a listener may not fail
  socket.once('close', () => reject(unreachable(`${origin.host} closed the connection`)))
  try {
    // by the promise, which the closing socket would reject with nobody left to hear it
    if (signal?.aborted === true) onAbort()
    await promise
    socket.setNoDelay(true).setKeepAlive(true, 60_000)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}

const unreachable = (sentence: string, cause?: Error): XenApiError =>
  new XenApiError('XENAPI_UNREACHABLE', sentence, { unsent: true, cause })

function refusal(socket: Socket, origin: URL, cause: Error): XenApiError {
  const { authorizationError } = socket as Partial<TLSSocket>
  if (authorizationError === undefined || authorizationError === null) {
    return unreachable(`cannot connect to ${origin.host}: ${cause.message}`, cause)
  }
  return new XenApiError(
    'XENAPI_CERTIFICATE',
    `the certificate of ${origin.host} cannot be verified: ${cause.message}. XenServer and XCP-ng sign their own unless they were ` +
      'given another: pin its fingerprint, or trust the authority that signed it',
    { cause },
  )
}

/** An IPv6 address has no brackets outside of URLs. */
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[(.*)\]$/, '$1')
const portOf = ({ port, protocol }: URL): number => (port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port))
