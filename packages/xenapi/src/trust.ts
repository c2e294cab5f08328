import { createHash } from 'node:crypto'
import { XenApiError } from './error.ts'

/** Why we believe that the server is the pool it claims to be. There is no way to accept just any certificate. */
export type PoolTrust =
  /** Its certificate has this SHA-256 fingerprint: 64 hexadecimal digits, colons and case do not matter. */
  | { readonly kind: 'fingerprint'; readonly sha256: string }
  /** Its certificate is signed by one of these authorities (PEM) and names the host. */
  | { readonly kind: 'authority'; readonly ca: string }
  /** As `authority`, with the authorities of the system. */
  | { readonly kind: 'system' }
  /** No TLS at all. For `http://` addresses only, and only when said explicitly. */
  | { readonly kind: 'plain' }

/** A host, and how we know it. */
export interface PoolMember {
  /** `https://host[:port]`; a path is ignored. */
  readonly url: string
  readonly trust: PoolTrust
}

/** Where a pool is, and how we know it. */
export interface PoolAddress extends PoolMember {
  /**
   * Its other hosts: any of them may be the coordinator tomorrow, or be the one that sees a disk. Each has a certificate of
   * its own. One that is not named here must prove itself as the first does.
   */
  readonly members?: readonly PoolMember[] | undefined
}

/**
 * The origin of an address, checked against its trust.
 * @throws XenApiError XENAPI_UNREACHABLE for text that is no such URL, XENAPI_CERTIFICATE when trust and scheme do not fit
 */
export function originOf({ url, trust }: PoolMember): URL {
  const parsed = URL.parse(url)
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    throw new XenApiError('XENAPI_UNREACHABLE', `'${url}' is no address of a pool: https://host[:port] is needed`)
  }
  if (parsed.username !== '' || parsed.password !== '') {
    throw new XenApiError('XENAPI_UNREACHABLE', 'the address of a pool holds no user name or password')
  }
  if ((parsed.protocol === 'http:') !== (trust.kind === 'plain')) {
    throw new XenApiError(
      'XENAPI_CERTIFICATE',
      `${parsed.origin}: http:// needs the trust 'plain', said explicitly, and https:// any other; this is '${trust.kind}'`,
    )
  }
  if (trust.kind === 'fingerprint') plainFingerprint(trust.sha256)
  return new URL(parsed.origin)
}

/** The fingerprint of a certificate in DER form: `AA:BB:…`, 32 bytes. */
export const fingerprintOf = (der: Uint8Array): string => shown(createHash('sha256').update(der).digest('hex'))

/** @throws XenApiError XENAPI_CERTIFICATE when `expected` is no SHA-256 fingerprint */
export const isSameFingerprint = (expected: string, actual: string): boolean =>
  plainFingerprint(expected) === plainFingerprint(actual)

function plainFingerprint(text: string): string {
  const plain = text.replaceAll(/[:\s]/g, '').toLowerCase()
  if (/^[0-9a-f]{64}$/.test(plain)) return plain
  throw new XenApiError(
    'XENAPI_CERTIFICATE',
    `'${text.slice(0, 100)}' is no SHA-256 fingerprint: 64 hexadecimal digits are needed`,
  )
}

const shown = (hex: string): string => (hex.toUpperCase().match(/../g) ?? []).join(':')
