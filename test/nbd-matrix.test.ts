import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import net, { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { extent } from '@tidemark/blocks'
import { borrowRuns, openNbd, type NbdIdentity, type NbdOptions, type NbdTarget } from '@tidemark/nbd'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loggedIn, testLab } from '../packages/lab/test/harness.ts'
import { makeCertificates, type Certificates } from '../packages/nbd/test/certificates.ts'
import { patterned } from '../packages/nbd/test/memory-export.ts'

// Our client against every server there is: plain, over TLS, and refused.

const size = 4 * 1024 * 1024 // a multiple of 2 MiB, as disks of the lab are
const bytes = patterned(size)
let directory: string
let image: string
let pki: Certificates
let stranger: Certificates
beforeAll(async () => {
  ;[pki, stranger] = await Promise.all([makeCertificates(), makeCertificates()])
  directory = await mkdtemp(join(tmpdir(), 'tidemark-nbd-matrix-'))
  image = join(directory, 'image.raw')
  await writeFile(image, bytes)
})
afterAll(async () => {
  await rm(directory, { recursive: true })
  await Promise.all([pki[Symbol.asyncDispose](), stranger[Symbol.asyncDispose]()])
})

/** A server that shows the image, with the certificate to trust where it speaks TLS. */
interface Peer extends AsyncDisposable {
  readonly target: Omit<NbdTarget, 'tls'>
  readonly certificate: string
  /** What signed it; the lab's certificate is its own authority. */
  readonly authority: string
  /** Who we are, for a server that wants to know. */
  readonly client?: NbdIdentity
}

const peers: Record<string, (isSecure: boolean) => Promise<Peer>> = {
  nbdkit: (isSecure) =>
    started('nbdkit', '', (port) =>
      nbdkitOn(port, ...(isSecure ? ['--tls=require', `--tls-certificates=${pki.directory}`] : []), 'file', image),
    ),
  'qemu-nbd': (isSecure) =>
    started('qemu-nbd', 'disk', (port) =>
      qemuOn(
        port,
        'raw',
        ...(isSecure
          ? [
              '--object',
              `tls-creds-x509,id=tls0,endpoint=server,dir=${pki.directory},verify-peer=no`,
              '--tls-creds',
              'tls0',
            ]
          : []),
        image,
      ),
    ),
  async 'nbd-server'(isSecure) {
    const port = await freePort()
    const config = join(directory, `nbd-server-${port}.conf`)
    const tls = [
      `certfile = ${join(pki.directory, 'server-cert.pem')}`,
      `keyfile = ${join(pki.directory, 'server-key.pem')}`,
      `cacertfile = ${join(pki.directory, 'ca-cert.pem')}`,
      'force_tls = true',
    ]
    const lines = ['[generic]', 'listenaddr = 127.0.0.1', `port = ${port}`, ...(isSecure ? tls : [])]
    await writeFile(config, [...lines, '[disk]', `exportname = ${image}`, 'readonly = true', ''].join('\n'))
    // It goes to the background by itself, and in the foreground it serves one client only.
    const pidFile = join(directory, `nbd-server-${port}.pid`)
    await run('nbd-server', '-C', config, '-p', pidFile)
    await until(() => listens(port))
    return { ...shown(port, 'disk'), client: pki.client, [Symbol.asyncDispose]: () => endDaemon(pidFile, port) }
  },
  async lab(isSecure) {
    const world = await testLab({ networkPurpose: isSecure ? 'nbd' : 'insecure_nbd' })
    const vm = await world.lab.control.createVm({ name: 'vm', disks: [{ size }] })
    const { ref = '', uuid = '' } = vm.disks[0] ?? {}
    await world.lab.control.writeDisk(uuid, 0, bytes)
    const client = await loggedIn(world)
    const [info] = (await client.call('VDI.get_nbd_info', ref)) as { exportname: string; cert: string }[]
    return {
      target: { address: world.lab.nbdAddress, exportName: info?.exportname ?? '' },
      certificate: info?.cert ?? '',
      authority: info?.cert ?? '',
      [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
    }
  },
}

describe.each(Object.entries(peers))('our client and %s', (_, start) => {
  test('in the clear: every byte, over two connections; no TLS where TLS is asked for', async () => {
    await using peer = await start(false)
    await expectWhole(peer.target, { connections: 2 })
    const tls = { kind: 'certificate', pem: peer.certificate } as const
    await expect(openNbd({ ...peer.target, tls })).rejects.toThrow(code('NBD_TLS'))
  })

  test('over TLS: every byte by certificate and by authority; others are refused, and so is clear text', async () => {
    await using peer = await start(true)
    const { target, certificate: pem, authority: ca } = peer
    const who = peer.client === undefined ? {} : { client: peer.client }
    await expectWhole({ ...target, tls: { kind: 'certificate', pem, ...who } }, { connections: 2 })
    await expectWhole({ ...target, tls: { kind: 'authority', ca, subject: 'localhost', ...who } }, { thread: 'own' })
    const wrong = [
      { kind: 'certificate', pem: stranger.server.cert },
      { kind: 'authority', ca: stranger.ca, subject: 'localhost' },
      { kind: 'authority', ca, subject: 'another.example' },
    ] as const
    for (const tls of wrong)
      await expect(openNbd({ ...target, tls: { ...tls, ...who } })).rejects.toThrow(code('NBD_CERTIFICATE'))
    await expect(openNbd(target)).rejects.toThrow(expect.objectContaining({ name: 'NbdError' }))
  })
})

describe('our client and what some servers do', () => {
  test('answers that overtake each other find their requests', async () => {
    const pread = `if [ $4 -eq 0 ]; then sleep 0.5; fi; dd if=${image} bs=4096 skip=$(($4 / 4096)) count=1 status=none`
    await using peer = await started('nbdkit', '', (port) =>
      nbdkitOn(port, 'eval', `get_size=echo ${size}`, `pread=${pread}`, 'thread_model=echo parallel'),
    )
    await using client = await openNbd(peer.target)
    const order: number[] = []
    const reads = [0, 4096, 8192].map(async (offset) => {
      const data = await client.read(offset, 4096)
      order.push(offset)
      expect(Buffer.from(data).equals(bytes.subarray(offset, offset + 4096))).toBe(true)
    })
    await Promise.all(reads)
    expect(order.at(-1)).toBe(0)
  })

  test('tiny limits are kept to', async () => {
    const limits = [
      'blocksize-minimum=4096',
      'blocksize-preferred=8192',
      'blocksize-maximum=16384',
      'blocksize-error-policy=error',
    ]
    await using peer = await started('nbdkit', '', (port) =>
      nbdkitOn(port, '--filter=blocksize-policy', 'file', image, ...limits),
    )
    await using client = await openNbd(peer.target)
    expect(client.blockSize).toEqual({ minimum: 4096, preferred: 8192, maximum: 16_384 })
    expect(Buffer.from(await client.read(5000, 9000)).equals(bytes.subarray(5000, 14_000))).toBe(true)
    await expectWhole(peer.target, {})
  })

  test.each([
    ['nbdkit', () => started('nbdkit', '', (port) => nbdkitOn(port, 'data', '@0x100000 "\\x07"*65536', 'size=4M'))],
    [
      'qemu-nbd with qcow2',
      async () => {
        const qcow2 = join(directory, 'holes.qcow2')
        await run('qemu-img', 'create', '-f', 'qcow2', qcow2, '4M')
        await run('qemu-io', '-f', 'qcow2', '-c', 'write -P 7 1M 64k', qcow2)
        return started('qemu-nbd', 'disk', (port) => qemuOn(port, 'qcow2', qcow2))
      },
    ],
  ] as const)('holes are seen without reading, and read as zeros: %s', async (_, start) => {
    await using peer = await start()
    await using client = await openNbd(peer.target)
    const status = await client.blockStatus(0, client.size)
    const data = status.filter(({ zero }) => !zero)
    expect(data.map(({ offset, length }) => [offset, offset + length])).toEqual([[1 << 20, (1 << 20) + 65_536]])
    const wanted = new Uint8Array(200_000).fill(7, 48_576, 48_576 + 65_536)
    expect(Buffer.from(await client.read(1_000_000, 200_000)).equals(wanted)).toBe(true)
  })
})

const code = (name: string) => expect.objectContaining({ code: name })
const run = (program: string, ...args: string[]) => promisify(execFile)(program, args, { timeout: 20_000 })

async function expectWhole(target: NbdTarget, options: Partial<NbdOptions>): Promise<void> {
  await using client = await openNbd(target, { requestBytes: 100_000, ...options })
  expect(client.size).toBe(size)
  let end = 0
  for await (const { offset, data } of borrowRuns(client, [extent(0, size)])) {
    expect(offset).toBe(end)
    expect(Buffer.from(data).equals(bytes.subarray(offset, offset + data.length))).toBe(true)
    end = offset + data.length
  }
  expect(end).toBe(size)
}

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const nbdkitOn = (port: string, ...more: string[]) => ['-f', '-r', '-i', '127.0.0.1', '-p', port, ...more]
const qemuOn = (port: string, format: string, ...more: string[]) => [
  '-r',
  '-t',
  '-e',
  '8',
  '-f',
  format,
  '-x',
  'disk',
  '-b',
  '127.0.0.1',
  '-p',
  port,
  ...more,
]

/** Starts a server on a free port and waits until it listens. */
async function started(program: string, exportName: string, args: (port: string) => string[]): Promise<Peer> {
  const port = await freePort()
  const child = spawn(program, args(String(port)), { stdio: ['ignore', 'ignore', 'pipe'] })
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()))
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`${program} ended: ${complaint}`)
    return listens(port)
  })
  return {
    ...shown(port, exportName),
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill()
      await gone
    },
  }
}

/** Ends a server that went to the background, by what it wrote down of itself. */
async function endDaemon(pidFile: string, port: number): Promise<void> {
  process.kill(Number(await readFile(pidFile, 'utf8')))
  await until(async () => !(await listens(port)))
}

const shown = (port: number, exportName: string): Omit<Peer, keyof AsyncDisposable> => ({
  target: { address: { host: '127.0.0.1', port }, exportName },
  certificate: pki.server.cert,
  authority: pki.ca,
})

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) {
    if (tries > 500) throw new Error('the server neither listens nor ends')
    await sleep(20)
  }
}

async function listens(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
