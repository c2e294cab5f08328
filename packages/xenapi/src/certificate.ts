import { connectUnproven } from './connect.ts'
import { XenApiError } from './error.ts'
import { fingerprintOf } from './trust.ts'

/** What a server shows of itself, for a person to compare and accept. */
export interface ServerCertificate {
  readonly pem: string
  /** `AA:BB:…`, of the certificate's DER form. */
  readonly sha256: string
  /** Its common name, or the whole subject when there is none. */
  readonly subject: string
  readonly validTo: Date
}

/**
 * Fetches the certificate that a server shows, without believing it and without sending anything.
 * @param url `https://host[:port]`
 * @throws XenApiError XENAPI_UNREACHABLE, XENAPI_CERTIFICATE (no TLS address, or no certificate)
 */
export async function fetchCertificate(url: string, signal?: AbortSignal): Promise<ServerCertificate> {
  const origin = URL.parse(url)
  if (origin?.protocol !== 'https:') throw new XenApiError('XENAPI_CERTIFICATE', `'${url}' is no https:// address`)
  const socket = await connectUnproven(origin, 10_000, signal)
  try {
    const certificate = socket.getPeerX509Certificate()
    if (certificate === undefined) throw new XenApiError('XENAPI_CERTIFICATE', `${origin.host} shows no certificate`)
    return {
      pem: certificate.toString(),
      sha256: fingerprintOf(certificate.raw),
      subject: /^CN=(.*)$/m.exec(certificate.subject ?? '')?.[1] ?? certificate.subject ?? '',
      validTo: new Date(certificate.validTo),
    }
  } finally {
    socket.destroy()
  }
}
