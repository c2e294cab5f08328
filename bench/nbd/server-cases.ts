import { join } from 'node:path'
import { timed } from '../measure.ts'
import { nbdkit, ownServer, peerServer, secureUri, type Case, type Stage } from './stage.ts'

/** nbdcopy reading from our server, and from the peers'. */
export async function serverCases(stage: Stage): Promise<Case[]> {
  const { work, image, size, tls } = stage
  const [own, qemu, file] = ['own', 'qemu', 'file'].map((name) => join(work, `${name}.sock`)) as [
    string,
    string,
    string,
  ]
  await ownServer('serve.ts', JSON.stringify({ file: image, listen: { path: own } }))
  const { port } = await ownServer(
    'serve.ts',
    JSON.stringify({
      file: image,
      listen: { host: '127.0.0.1', port: 0 },
      tls: { key: tls.key, cert: tls.ca, mode: 'required' },
    }),
  )
  await peerServer('qemu-nbd', ['-r', '-t', '-e', '32', '-f', 'raw', '-k', qemu, image], unix(qemu))
  await peerServer('nbdkit', ['-f', '-U', file, 'file', image], unix(file))
  const kit = await nbdkit(stage, true)
  const copy = (uri: string, connections = 1) => timed('nbdcopy', [`--connections=${connections}`, uri, 'null:'])
  return [
    {
      name: 'server, plain, 1 client / qemu-nbd',
      goal: 1.0,
      bytes: size,
      ours: () => copy(unix(own)),
      theirs: () => copy(unix(qemu)),
    },
    {
      name: 'server, plain, 16 connections / qemu-nbd',
      goal: 1.0,
      bytes: size,
      ours: () => copy(unix(own), 16),
      theirs: () => copy(unix(qemu), 16),
    },
    {
      name: 'server, plain, 1 client / nbdkit file',
      goal: 0.8,
      bytes: size,
      ours: () => copy(unix(own)),
      theirs: () => copy(unix(file)),
    },
    {
      name: 'server, TLS, 1 client / nbdkit file',
      goal: 0.8,
      bytes: size,
      ours: () => copy(secureUri(tls, port)),
      theirs: () => copy(secureUri(tls, kit)),
    },
  ]
}

const unix = (path: string): string => `nbd+unix:///?socket=${path}`
