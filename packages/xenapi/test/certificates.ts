import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { program } from './programs.ts'

export interface KeyPair {
  readonly key: string
  readonly cert: string
}

/** A certificate that signs itself, made by openssl. @param names as in a subjectAltName: `IP:127.0.0.1,DNS:pool.example` */
export async function selfSigned(name: string, names: string): Promise<KeyPair> {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-tls-'))
  try {
    const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30']
    const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${names}`]
    await program('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert])
    return { key: await readFile(key, 'utf8'), cert: await readFile(cert, 'utf8') }
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
