import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { timed } from '../measure.ts'
import { nbdkit, ownServer, peerServer, read, secureUri, type Case, type Stage } from './stage.ts'

// In bytes: what is written, and what is kept in memory. Less than the image, so that nobody waits for the disk.
const LESS_MAX = 1 << 30

/** The same client, on our server and on the peers': read, written, scattered, over TLS, from memory. */
export async function serverCases(stage: Stage): Promise<Case[]> {
  return [...(await readCases(stage)), ...(await writeCases(stage)), ...(await secureCases(stage))]
}

async function readCases(stage: Stage): Promise<Case[]> {
  const { image, size, runs } = stage
  const [own, qemu, kit] = [socket(stage, 'own'), socket(stage, 'qemu'), socket(stage, 'kit')]
  await ownServer('serve.ts', JSON.stringify({ file: image, readOnly: true, listen: { path: own } }))
  await peerServer('qemu-nbd', ['-r', '-t', '-e', '32', '-f', 'raw', '-k', qemu, image], unix(qemu))
  await peerServer('nbdkit', ['-f', '-r', '-U', kit, 'file', image], unix(kit))
  const scattered = (path: string) => () =>
    read({ target: { address: { path }, exportName: '' }, connections: 1, runs })
  const bytes = runs.reduce((sum, { length }) => sum + length, 0)
  const each = (name: string, goal: number, connections: number, peer: string): Case => ({
    name: `server, plain, ${name}`,
    goal,
    bytes: size,
    ours: () => copyOut(unix(own), connections),
    theirs: () => copyOut(unix(peer), connections),
  })
  return [
    each('1 client / qemu-nbd', 1, 1, qemu),
    each('16 connections / qemu-nbd', 1, 16, qemu),
    each('1 client / nbdkit file', 0.8, 1, kit),
    each('16 connections / nbdkit file', 0.8, 16, kit),
    {
      name: 'server, plain, scattered / qemu-nbd',
      goal: 1,
      bytes,
      ours: scattered(own),
      theirs: scattered(qemu),
    },
  ]
}

async function writeCases(stage: Stage): Promise<Case[]> {
  const { work, image, size } = stage
  const bytes = Math.min(size, LESS_MAX)
  const [target, source] = [join(work, 'target.raw'), bytes === size ? image : join(work, 'part.raw')]
  writeFileSync(target, '')
  truncateSync(target, bytes)
  if (source !== image) timed('dd', [`if=${image}`, `of=${source}`, 'bs=1M', `count=${bytes / 2 ** 20}`])
  const named = (name: string): string => socket(stage, name)
  const [own, qemu, kit, memory, peer] = [
    named('own-w'),
    named('qemu-w'),
    named('kit-w'),
    named('own-m'),
    named('kit-m'),
  ] as [string, string, string, string, string]
  await ownServer('serve.ts', JSON.stringify({ file: target, listen: { path: own } }))
  await peerServer('qemu-nbd', ['-t', '-e', '32', '-f', 'raw', '-k', qemu, target], unix(qemu))
  await peerServer('nbdkit', ['-f', '-U', kit, 'file', target], unix(kit))
  await ownServer('serve.ts', JSON.stringify({ file: bytes, listen: { path: memory } }))
  await peerServer('nbdkit', ['-f', '-U', peer, 'memory', String(bytes)], unix(peer))
  const write = (path: string, connections = 1) =>
    timed('nbdcopy', ['--destination-is-zero', `--connections=${connections}`, source, unix(path)])
  const each = (name: string, goal: number, ours: () => number, theirs: () => number): Case => ({
    name: `server, plain, ${name}`,
    goal,
    bytes,
    ours,
    theirs,
  })
  return [
    each(
      'written by 1 client / qemu-nbd',
      1,
      () => write(own),
      () => write(qemu),
    ),
    each(
      'written by 1 client / nbdkit file',
      0.8,
      () => write(own),
      () => write(kit),
    ),
    each(
      'memory written / nbdkit memory',
      0.8,
      () => write(memory),
      () => write(peer),
    ),
    each(
      'memory read / nbdkit memory',
      0.8,
      () => copyOut(unix(memory), 1),
      () => copyOut(unix(peer), 1),
    ),
  ]
}

async function secureCases(stage: Stage): Promise<Case[]> {
  const { image, size, tls } = stage
  const order = {
    file: image,
    readOnly: true,
    listen: { host: '127.0.0.1', port: 0 },
    tls: { key: tls.key, cert: tls.cert, mode: 'required' },
  }
  const { port } = await ownServer('serve.ts', JSON.stringify(order))
  const kit = await nbdkit(stage, true)
  const qemu = 20_000 + Math.floor(Math.random() * 20_000)
  const credentials = `tls-creds-x509,id=tls0,endpoint=server,dir=${tls.directory},verify-peer=no`
  await peerServer(
    'qemu-nbd',
    ['-r', '-t', '-e', '32', '-f', 'raw', '-b', '127.0.0.1', '-p', String(qemu), '--object', credentials].concat([
      '--tls-creds',
      'tls0',
      image,
    ]),
    secureUri(tls, qemu),
  )
  const each = (name: string, goal: number, connections: number, peer: number): Case => ({
    name: `server, TLS, ${name}`,
    goal,
    bytes: size,
    ours: () => copyOut(secureUri(tls, port), connections),
    theirs: () => copyOut(secureUri(tls, peer), connections),
  })
  return [each('1 client / qemu-nbd', 1, 1, qemu), each('1 client / nbdkit file', 0.8, 1, kit)]
}

/** Seconds that nbdcopy takes to read everything. */
const copyOut = (uri: string, connections: number): number =>
  timed('nbdcopy', [`--connections=${connections}`, uri, 'null:'])

const socket = ({ work }: Stage, name: string): string => join(work, `${name}.sock`)

const unix = (path: string): string => `nbd+unix:///?socket=${path}`
