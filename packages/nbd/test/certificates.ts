import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A directory as libnbd, nbdkit and qemu expect it, and the same in PEM texts. */
export interface Certificates extends AsyncDisposable {
  /** Holds ca-cert.pem, server-cert.pem, server-key.pem, client-cert.pem, client-key.pem. */
  readonly directory: string
  readonly ca: string
  readonly server: { readonly key: string; readonly cert: string }
  readonly client: { readonly key: string; readonly cert: string }
  /** The server's key in another certificate. */
  readonly renewed: string
}

/** Makes an authority, a server certificate for localhost and 127.0.0.1, and a client certificate. Needs `openssl`. */
export async function makeCertificates(): Promise<Certificates> {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-nbd-pki-'))
  const openssl = (...args: string[]) => run('openssl', args, { cwd: directory })
  const newKey = ['-newkey', 'rsa:2048', '-nodes']
  await openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    'ca-key.pem',
    '-out',
    'ca-cert.pem',
    '-days',
    '2',
    '-subj',
    '/CN=ca',
  )
  await writeFile(join(directory, 'server.ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n')
  await writeFile(join(directory, 'client.ext'), 'extendedKeyUsage=clientAuth\n')
  for (const who of ['server', 'client']) {
    await openssl('req', ...newKey, '-keyout', `${who}-key.pem`, '-out', `${who}.csr`, '-subj', `/CN=${who}`)
    const signed = ['-CA', 'ca-cert.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-extfile', `${who}.ext`]
    await openssl('x509', '-req', '-in', `${who}.csr`, ...signed, '-out', `${who}-cert.pem`, '-days', '2')
  }
  await openssl('req', '-x509', '-key', 'server-key.pem', '-out', 'renewed.pem', '-days', '2', '-subj', '/CN=renewed')
  const pem = (name: string) => readFile(join(directory, name), 'utf8')
  return {
    directory,
    ca: await pem('ca-cert.pem'),
    server: { key: await pem('server-key.pem'), cert: await pem('server-cert.pem') },
    client: { key: await pem('client-key.pem'), cert: await pem('client-cert.pem') },
    renewed: await pem('renewed.pem'),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  }
}
