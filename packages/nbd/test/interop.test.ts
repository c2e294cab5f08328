import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { extent } from '@tidemark/blocks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  listExports,
  openNbd,
  readRuns,
  serveNbd,
  type NbdClient,
  type NbdServer,
  type NbdServerOptions,
  type NbdTarget,
} from '../src/index.ts'
import { makeCertificates, type Certificates } from './certificates.ts'
import { memoryExport, only, patterned } from './memory-export.ts'

// Our client and server share their codecs, so a mistake could hide in both. Here each meets programs of others.

const size = 3 * 1024 * 1024
const bytes = patterned(size)
let directory: string
let image: string
let pki: Certificates
let stranger: Certificates
beforeAll(async () => {
  for (const program of ['nbdinfo', 'nbdcopy', 'nbdkit', 'qemu-img', 'qemu-io', 'qemu-nbd'])
    await assertInstalled(program)
  ;[pki, stranger] = await Promise.all([makeCertificates(), makeCertificates()])
  directory = await mkdtemp(join(tmpdir(), 'tidemark-nbd-interop-'))
  image = join(directory, 'image.raw')
  await writeFile(image, bytes)
})
afterAll(async () => {
  await rm(directory, { recursive: true })
  await Promise.all([pki[Symbol.asyncDispose](), stranger[Symbol.asyncDispose]()])
})

async function assertInstalled(program: string): Promise<void> {
  await promisify(execFile)(program, ['--version']).catch((error: unknown) => {
    throw new Error(`${program} is needed for these tests: install libnbd-bin, nbdkit and qemu-utils`, { cause: error })
  })
}

/** Runs a program to its end. Answers what it printed; rejects with what it complained about. */
async function run(program: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { timeout: 20_000 })
  return stdout
}

const serve = (more: Partial<NbdServerOptions> = {}, content = bytes): Promise<NbdServer> =>
  serveNbd({ listen: { host: '127.0.0.1', port: 0 }, exports: only('disk', memoryExport(content)), ...more })
const serveTls = (more: Partial<NbdServerOptions> = {}) => serve({ tls: { ...pki.server, mode: 'required' }, ...more })

const portOf = ({ address }: NbdServer): number => ('port' in address ? address.port : 0)
const uri = (server: NbdServer) => `nbd://127.0.0.1:${portOf(server)}/disk`
const tlsUri = (server: NbdServer, trust: Certificates = pki) =>
  `nbds://localhost:${portOf(server)}/disk?tls-certificates=${trust.directory}`
const qemuTls = (server: NbdServer, trust: Certificates = pki) => [
  '--object',
  `tls-creds-x509,id=tls0,dir=${trust.directory},endpoint=client`,
  '--image-opts',
  `driver=nbd,host=localhost,port=${portOf(server)},export=disk,tls-creds=tls0`,
]

async function expectSame(path: string): Promise<void> {
  expect((await readFile(path)).equals(bytes)).toBe(true)
}

describe('libnbd reads our server', () => {
  test('nbdinfo sees what the server says of the export', async () => {
    await using server = await serve()
    const { protocol, exports } = JSON.parse(await run('nbdinfo', '--json', uri(server))) as {
      protocol: string
      exports: Record<string, unknown>[]
    }
    expect(protocol).toBe('newstyle-fixed')
    expect(exports).toMatchObject([
      {
        'export-name': 'disk',
        'export-size': size,
        is_read_only: false,
        can_flush: true,
        can_fua: true,
        can_trim: true,
        can_zero: true,
        can_df: true,
        block_size_minimum: 1,
        block_size_preferred: 65_536,
        block_size_maximum: 33_554_432,
        contexts: ['base:allocation'],
      },
    ])
    expect(await run('nbdinfo', '--list', uri(server))).toMatch(/export="disk"/)
  })

  test('nbdinfo sees the holes', async () => {
    await using server = await serve()
    const map = JSON.parse(await run('nbdinfo', '--map', '--json', uri(server))) as {
      offset: number
      length: number
      type: number
    }[]
    expect(map.map(({ type }) => type)).toEqual([0, 3, 0])
    expect(map.reduce((sum, { length }) => sum + length, 0)).toBe(size)
    const hole = map[1]
    expect(bytes.subarray(hole?.offset, (hole?.offset ?? 0) + (hole?.length ?? 0)).every((byte) => byte === 0)).toBe(
      true,
    )
  })

  test.each([
    ['plain', () => serve(), uri],
    ['over TLS', () => serveTls(), tlsUri],
    ['as strict xapi, plain', () => serve({ personality: 'xapi', xapiExtras: false }), uri],
    ['as strict xapi, over TLS', () => serveTls({ personality: 'xapi', xapiExtras: false }), tlsUri],
    ['as xapi with extras, over TLS', () => serveTls({ personality: 'xapi' }), tlsUri],
  ] as const)('nbdcopy copies every byte %s', async (name, start, uriOf) => {
    await using server = await start()
    const target = join(directory, `nbdcopy-${name.replaceAll(/\W/g, '-')}.raw`)
    await run('nbdcopy', uriOf(server), target)
    await expectSame(target)
  })

  test('nbdcopy over a wrong authority, or in the clear, gets nothing', async () => {
    await using server = await serveTls()
    const target = join(directory, 'refused.raw')
    await expect(run('nbdcopy', tlsUri(server, stranger), target)).rejects.toThrow(/certificate/)
    await expect(run('nbdcopy', uri(server), target)).rejects.toThrow(/nbd/)
  })

  test('nbdcopy writes into our server', async () => {
    const written = new Uint8Array(size).fill(0xee)
    await using server = await serve({}, written)
    await run('nbdcopy', '--flush', image, uri(server))
    expect(Buffer.from(written).equals(bytes)).toBe(true)
  })

  test('an unknown export is unknown to nbdinfo too', async () => {
    await using server = await serve()
    await expect(run('nbdinfo', uri(server).replace('disk', 'other'))).rejects.toThrow(/No such file/)
  })
})

describe('qemu reads our server', () => {
  test.each([
    ['plain', () => serve()],
    ['as xapi with extras', () => serve({ personality: 'xapi' })],
  ] as const)('qemu-img info and convert, %s', async (name, start) => {
    await using server = await start()
    const found = JSON.parse(await run('qemu-img', 'info', '--output=json', uri(server))) as Record<string, unknown>
    expect(found).toMatchObject({ 'virtual-size': size })
    const target = join(directory, `qemu-${name.replaceAll(' ', '-')}.raw`)
    await run('qemu-img', 'convert', '-f', 'raw', '-O', 'raw', uri(server), target)
    await expectSame(target)
  })

  test.each([
    ['standard', () => serveTls()],
    ['as xapi with extras', () => serveTls({ personality: 'xapi' })],
  ] as const)('qemu-img convert over TLS, %s, and only with the right authority', async (name, start) => {
    await using server = await start()
    const target = join(directory, `qemu-tls-${name.replaceAll(' ', '-')}.raw`)
    await run('qemu-img', 'convert', ...qemuTls(server), '-O', 'raw', target)
    await expectSame(target)
    await expect(run('qemu-img', 'info', ...qemuTls(server, stranger))).rejects.toThrow(/certificate|TLS/i)
  })

  test('qemu-io writes, zeroes, discards and flushes', async () => {
    const written = new Uint8Array(size).fill(0xee)
    await using server = await serve({}, written)
    const commands = [
      'write -P 1 0 64k',
      'write -z 64k 64k',
      'discard 128k 64k',
      'write -f -P 2 192k 1k',
      'flush',
      'read -P 2 192k 1k',
    ]
    const printed = await run('qemu-io', '-f', 'raw', ...commands.flatMap((each) => ['-c', each]), uri(server))
    expect(printed).not.toMatch(/failed/i)
    const wanted = new Uint8Array(size).fill(0xee).fill(1, 0, 65_536).fill(0, 65_536, 196_608).fill(2, 196_608, 197_632)
    expect(Buffer.from(written).equals(wanted)).toBe(true)
  })
})

describe("our client reads others' servers", () => {
  test('nbdkit, plain, over several connections', async () => {
    await using peer = await nbdkit()
    await expectReads({ address: peer.address, exportName: '' }, { structured: true, contexts: ['base:allocation'] })
    expect(await listExports(peer.address)).toEqual([''])
  })

  test('nbdkit over TLS, by certificate and by authority', async () => {
    await using peer = await nbdkit('--tls=require', `--tls-certificates=${pki.directory}`)
    const target = { address: peer.address, exportName: '' }
    await expectReads({ ...target, tls: { kind: 'certificate', pem: pki.server.cert } }, {})
    await expectReads({ ...target, tls: { kind: 'authority', ca: pki.ca, subject: 'localhost' } }, {})
    const wrong = { kind: 'certificate', pem: stranger.server.cert } as const
    await expect(openNbd({ ...target, tls: wrong })).rejects.toThrow(
      expect.objectContaining({ code: 'NBD_CERTIFICATE' }),
    )
    await expect(openNbd(target)).rejects.toThrow(expect.objectContaining({ code: 'NBD_TLS' }))
  })

  test('nbdkit without TLS is no TLS server', async () => {
    await using peer = await nbdkit()
    const tls = { kind: 'certificate', pem: pki.server.cert } as const
    await expect(openNbd({ address: peer.address, exportName: '', tls })).rejects.toThrow(
      expect.objectContaining({ code: 'NBD_TLS' }),
    )
  })

  test('nbdkit without structured replies, and without GO', async () => {
    await using simple = await nbdkit('--no-sr')
    await expectReads({ address: simple.address, exportName: '' }, { structured: false, contexts: [] })
    await using oldstyle = await nbdkit('--mask-handshake=0')
    await expectReads({ address: oldstyle.address, exportName: '' }, { structured: false, contexts: [] })
  })

  test('nbdkit that fails a request', async () => {
    await using peer = await nbdkit('--filter=error', 'error-pread=ENOMEM', 'error-pread-rate=100%')
    await using client = await openNbd({ address: peer.address, exportName: '' })
    await expect(client.read(0, 512)).rejects.toThrow(expect.objectContaining({ code: 'NBD_IO', errno: 'ENOMEM' }))
  })

  test('qemu-nbd, plain and over TLS', async () => {
    await using plain = await qemuNbd()
    await expectReads({ address: plain.address, exportName: 'disk' }, { structured: true })
    await expect(openNbd({ address: plain.address, exportName: 'other' })).rejects.toThrow(
      expect.objectContaining({ code: 'NBD_EXPORT' }),
    )
    await using secure = await qemuNbd(
      '--object',
      `tls-creds-x509,id=tls0,endpoint=server,dir=${pki.directory},verify-peer=no`,
      '--tls-creds',
      'tls0',
    )
    const tls = { kind: 'certificate', pem: pki.server.cert } as const
    await expectReads({ address: secure.address, exportName: 'disk', tls }, {})
  })

  test('nbdkit takes our writes, zeroes, trims and flushes', async () => {
    await using peer = await start('nbdkit', (socket) => ['-f', '-U', socket, 'memory', '1M'])
    await using client = await openNbd({ address: peer.address, exportName: '' })
    await client.write(0, bytes.subarray(0, 200_000))
    await client.writeZeroes(1000, 1000)
    await client.trim(4096, 4096)
    await client.flush()
    const wanted = Uint8Array.from(bytes.subarray(0, 200_000)).fill(0, 1000, 2000).fill(0, 4096, 8192)
    expect(Buffer.from(await client.read(0, 200_000)).equals(wanted)).toBe(true)
    const status = await client.blockStatus(0, client.size)
    expect(status.at(-1)).toMatchObject({ hole: true, zero: true })
  })
})

async function expectReads(target: NbdTarget, wanted: Partial<NbdClient>): Promise<void> {
  await using client = await openNbd(target, { connections: 2, requestBytes: 100_000 })
  expect(client).toMatchObject({ size, ...wanted })
  const parts: Uint8Array[] = []
  for await (const { data } of readRuns(client, [extent(0, size)])) parts.push(data)
  expect(Buffer.concat(parts).equals(bytes)).toBe(true)
}

interface Peer extends AsyncDisposable {
  readonly address: { readonly path: string }
}

const nbdkit = (...args: string[]): Promise<Peer> => {
  const filters = args.filter((each) => each.startsWith('-'))
  const parameters = args.filter((each) => !each.startsWith('-'))
  return start('nbdkit', (socket) => ['-f', '-U', socket, ...filters, 'file', image, ...parameters])
}

const qemuNbd = (...args: string[]): Promise<Peer> =>
  start('qemu-nbd', (socket) => ['-r', '-t', '-e', '8', '-f', 'raw', '-x', 'disk', '-k', socket, ...args, image])

let started = 0

/** Starts a server on a Unix socket of its own and waits until it listens. */
async function start(program: string, args: (socket: string) => string[]): Promise<Peer> {
  const path = join(directory, `peer-${++started}.sock`)
  const child = spawn(program, args(path), { stdio: ['ignore', 'ignore', 'pipe'] })
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()))
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`${program} ended: ${complaint}`)
    return listens(path)
  })
  return { address: { path }, [Symbol.asyncDispose]: () => stop(child) }
}

/** A socket's file is there a moment before anybody listens at it. */
async function listens(path: string): Promise<boolean> {
  const socket = net.connect(path)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill()
  await gone
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (await holds()) return
    await sleep(20)
  }
  throw new Error('the server did not start')
}
