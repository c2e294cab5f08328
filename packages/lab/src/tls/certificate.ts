import 'reflect-metadata'
import { createPrivateKey, generateKeyPair, randomBytes, webcrypto, X509Certificate } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'

/** The certificate by which clients know the host, over HTTPS and NBD alike. */
export interface HostCertificate {
  /** PEM. */
  readonly key: string
  readonly cert: string
  /** SHA-256 of the certificate, `AA:BB:…`. */
  readonly fingerprint: string
  /** The name to verify: the first DNS name of its SAN. */
  readonly subject: string
  readonly validFrom: Date
  readonly validTo: Date
}

const TEN_YEARS_MS = 10 * 365 * 86_400_000

/**
 * Reads the certificate of a host, or makes it at the first start.
 * @param name of the two files in the directory, without their endings
 */
export async function hostCertificate(
  directory: string,
  name: string,
  identity: { readonly hostname: string; readonly address: string; readonly now: Date },
): Promise<HostCertificate> {
  const paths = { key: join(directory, `${name}.key`), cert: join(directory, `${name}.pem`) }
  const stored = await readBoth(paths)
  if (stored !== undefined) return describe(stored.key, stored.cert)
  const { key, cert } = await selfSigned(identity)
  // the certificate last: when it is there, so is its key
  for (const [path, text] of [
    [paths.key, key],
    [paths.cert, cert],
  ] as const) {
    await writeFile(`${path}.new`, text, { mode: 0o600 })
    await rename(`${path}.new`, path)
  }
  return describe(key, cert)
}

async function readBoth(paths: { key: string; cert: string }): Promise<{ key: string; cert: string } | undefined> {
  try {
    const cert = await readFile(paths.cert, 'utf8')
    return { cert, key: await readFile(paths.key, 'utf8') }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function describe(key: string, cert: string): HostCertificate {
  const parsed = new X509Certificate(cert)
  const [, subject = ''] = /DNS:([^,]+)/.exec(parsed.subjectAltName ?? '') ?? []
  const [validFrom, validTo] = [parsed.validFromDate, parsed.validToDate]
  return { key, cert, fingerprint: parsed.fingerprint256, subject, validFrom, validTo }
}

/** RSA, because xapi's NBD server offers ECDHE-RSA only. Self-signed, and its own authority. */
export async function selfSigned(identity: { hostname: string; address: string; now: Date }): Promise<{
  key: string
  cert: string
}> {
  const { hostname, address, now } = identity
  const pair = await promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  })
  const keys = await importKeys(pair)
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: `01${randomBytes(15).toString('hex')}`,
    name: `CN=${hostname}`,
    notBefore: new Date(now.getTime() - 86_400_000),
    notAfter: new Date(now.getTime() + TEN_YEARS_MS),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(
        KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment | KeyUsageFlags.keyCertSign,
        true,
      ),
      new SubjectAlternativeNameExtension(
        [...new Set([hostname, 'localhost', '127.0.0.1', '::1', address])].map((value) => ({
          type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const),
          value,
        })),
      ),
      await SubjectKeyIdentifierExtension.create(keys.publicKey, false),
    ],
  })
  const key = createPrivateKey({ key: pair.privateKey, type: 'pkcs8', format: 'der' })
  return { key: key.export({ type: 'pkcs8', format: 'pem' }).toString(), cert: `${certificate.toString('pem')}\n` }
}

const ALGORITHM = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const

/** As the generator wants them. */
type Keys = Parameters<typeof X509CertificateGenerator.createSelfSigned>[0]['keys']

async function importKeys(pair: { publicKey: Buffer; privateKey: Buffer }): Promise<Keys> {
  const [publicKey, privateKey] = await Promise.all([
    webcrypto.subtle.importKey('spki', pair.publicKey, ALGORITHM, true, ['verify']),
    webcrypto.subtle.importKey('pkcs8', pair.privateKey, ALGORITHM, true, ['sign']),
  ])
  const keys: unknown = { publicKey, privateKey }
  return keys as Keys
}
