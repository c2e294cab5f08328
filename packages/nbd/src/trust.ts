import { createHash, X509Certificate } from 'node:crypto'
import net from 'node:net'
import tls from 'node:tls'
import { NbdError, reasonOf } from './error.ts'

/** A certificate and key of ours, for servers that want to know who we are. PEM. */
export interface NbdIdentity {
  readonly key: string
  readonly cert: string
}

/** By what a server's certificate is accepted. */
export type NbdTrust =
  /** It is exactly this one (PEM), or has the same public key: what `VDI.get_nbd_info` returned. */
  | { readonly kind: 'certificate'; readonly pem: string; readonly client?: NbdIdentity }
  /** It was signed by this authority (PEM, one or more) for this host name. */
  | { readonly kind: 'authority'; readonly ca: string; readonly subject: string; readonly client?: NbdIdentity }

/**
 * TLS over a socket on which STARTTLS was acknowledged. Resolves only when the server's certificate is the trusted one:
 * until then not a byte of NBD has gone through.
 * @throws NbdError NBD_CERTIFICATE (another certificate), NBD_TLS (no handshake)
 */
export async function secureClient(plain: net.Socket, trust: NbdTrust): Promise<tls.TLSSocket> {
  const accept = trust.kind === 'certificate' ? pinned(trust.pem) : issued(trust.subject)
  const socket = tls.connect({
    socket: plain,
    minVersion: 'TLSv1.2',
    // The certificate is judged below, by `accept`, in one place for both kinds of trust.
    rejectUnauthorized: false,
    checkServerIdentity:
      trust.kind === 'certificate' ? () => undefined : (_host, peer) => nameMismatch(trust.subject, peer),
    ...(trust.kind === 'authority' && { ca: trust.ca, servername: net.isIP(trust.subject) === 0 ? trust.subject : '' }),
    ...trust.client,
  })
  try {
    await handshake(socket)
    accept(socket)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

function handshake(socket: tls.TLSSocket): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const closed = (cause?: Error) =>
    reject(new NbdError('NBD_DISCONNECTED', 'the server closed the connection during the TLS handshake', { cause }))
  const failed = (error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNRESET' || error.code === 'EPIPE') closed(error)
    else reject(new NbdError('NBD_TLS', `the TLS handshake failed: ${reasonOf(error)}`, { cause: error }))
  }
  socket.once('secureConnect', resolve).once('error', failed).once('close', closed)
  return promise.finally(() => socket.off('secureConnect', resolve).off('error', failed).off('close', closed))
}

/** Accepts the pinned certificate, or one with the same public key: a renewed certificate often keeps its key. */
function pinned(pem: string): (socket: tls.TLSSocket) => void {
  const wanted = parseCertificate(pem)
  return (socket) => {
    const shown = socket.getPeerX509Certificate()
    if (shown === undefined) throw new NbdError('NBD_CERTIFICATE', 'the server showed no certificate')
    if (shown.raw.equals(wanted.raw) || publicKeyOf(shown).equals(publicKeyOf(wanted))) return
    throw new NbdError(
      'NBD_CERTIFICATE',
      `the server's certificate has the SHA-256 fingerprint ${fingerprint(shown)}, the trusted one has ` +
        `${fingerprint(wanted)}. If the server was given a new certificate, fetch it again over a trusted way ` +
        '(VDI.get_nbd_info) and connect with that; otherwise somebody may be listening in',
    )
  }
}

/** Accepts what the chosen authority signed for the subject; `checkServerIdentity` has put in its word as well. */
function issued(subject: string): (socket: tls.TLSSocket) => void {
  return (socket) => {
    if (socket.authorized) return
    // Typed as Error, but Node sets OpenSSL's code, a string, for a chain it does not trust.
    const reason: unknown = socket.authorizationError
    throw new NbdError(
      'NBD_CERTIFICATE',
      `the server's certificate is not one for ${subject} by the given authority (${reason instanceof Error ? reason.message : String(reason)}). ` +
        'Check the authority, the name and the date, or trust the certificate itself',
    )
  }
}

function nameMismatch(subject: string, peer: tls.PeerCertificate): Error | undefined {
  return tls.checkServerIdentity(subject, peer)
}

function parseCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (error) {
    throw new NbdError('NBD_CERTIFICATE', 'the certificate to trust is not a certificate in PEM', { cause: error })
  }
}

const publicKeyOf = (certificate: X509Certificate): Buffer =>
  certificate.publicKey.export({ type: 'spki', format: 'der' })

const fingerprint = (certificate: X509Certificate): string =>
  createHash('sha256')
    .update(certificate.raw)
    .digest('hex')
    .toUpperCase()
    .replace(/..(?=.)/g, '$&:')
