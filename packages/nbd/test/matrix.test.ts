import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, copyFile, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openFileExport, serveNbd, type NbdServer, type NbdServerOptions } from '../src/index.ts'
import { makeCertificates, type Certificates } from './certificates.ts'
import { only } from './memory-export.ts'

// Our server met by every program that reads NBD, over every way that the program knows: docs/nbd.md has the table.

const MiB = 1 << 20
const FILES: Readonly<Record<string, Buffer>> = {
  'hello.txt': Buffer.from('hello\n'),
  'deep/er/data.bin': Buffer.alloc(3 * MiB, 'tidemark '),
}

let directory: string
let image: string
let disk: Awaited<ReturnType<typeof openFileExport>>
let pki: Certificates
let stranger: Certificates
/** Directories of certificates without the client's, and with a client's of another authority. */
let nameless: string
let impostor: string

beforeAll(async () => {
  ;[pki, stranger] = await Promise.all([makeCertificates(), makeCertificates()])
  directory = await mkdtemp(join(tmpdir(), 'tidemark-nbd-matrix-'))
  const tree = join(directory, 'tree')
  for (const [name, data] of Object.entries(FILES)) {
    await mkdir(join(tree, name, '..'), { recursive: true })
    await writeFile(join(tree, name), data)
  }
  image = join(directory, 'disk.img')
  await writeFile(image, '')
  await truncate(image, 8 * MiB)
  await run('mkfs.ext4', '-q', '-d', tree, image)
  await appendFile(image, Buffer.alloc(MiB, 0x5a))
  disk = await openFileExport(image, { readOnly: true })
  ;[nameless, impostor] = [join(directory, 'nameless'), join(directory, 'impostor')]
  for (const path of [nameless, impostor]) {
    await mkdir(path)
    await copyFile(join(pki.directory, 'ca-cert.pem'), join(path, 'ca-cert.pem'))
  }
  for (const file of ['client-cert.pem', 'client-key.pem']) {
    await copyFile(join(stranger.directory, file), join(impostor, file))
  }
})
afterAll(async () => {
  await disk[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
  await Promise.all([pki[Symbol.asyncDispose](), stranger[Symbol.asyncDispose]()])
})

/** Runs a program to its end. Answers what it printed; rejects with what it complained about. */
async function run(program: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, { timeout: 20_000 })
  return stdout
}

/** How a program gets to the disk. */
interface Way {
  readonly server: NbdServer
  /** Of certificates, for ways over TLS. */
  readonly trust?: string
}

type WayName = 'TCP' | 'Unix socket' | 'TLS' | 'TLS with client certificate'
const exports = () => only('disk', disk)
const tcp = { listen: { host: '127.0.0.1', port: 0 } }

const open: Record<WayName, () => Promise<NbdServer>> = {
  TCP: () => serveNbd({ ...tcp, exports: exports() }),
  'Unix socket': () => serveNbd({ listen: { path: join(directory, 'nbd.sock') }, exports: exports() }),
  TLS: () => serveTls({}),
  'TLS with client certificate': () => serveTls({ clientCa: pki.ca }),
}
const serveTls = (more: Partial<NonNullable<NbdServerOptions['tls']>>) =>
  serveNbd({ ...tcp, exports: exports(), tls: { ...pki.server, mode: 'required', ...more } })

const portOf = ({ address }: NbdServer): number => ('port' in address ? address.port : 0)

/** As libnbd writes it, and QEMU where there is no TLS. */
function uri({ server, trust }: Way): string {
  if (trust !== undefined) return `nbds://localhost:${portOf(server)}/disk?tls-certificates=${trust}`
  const { address } = server
  return 'path' in address ? `nbd+unix:///disk?socket=${address.path}` : `nbd://127.0.0.1:${address.port}/disk`
}

/** QEMU takes credentials as an object, never in a URI. */
function qemuImage(way: Way): string[] {
  const { server, trust } = way
  if (trust === undefined) return ['-f', 'raw', uri(way)]
  const credentials = `tls-creds-x509,id=tls0,dir=${trust},endpoint=client`
  const at = `driver=nbd,host=localhost,port=${portOf(server)},export=disk,tls-creds=tls0`
  return ['--object', credentials, '--image-opts', at]
}

interface Program {
  readonly ways: readonly WayName[]
  /** Meets the server and checks what it got. Rejects when the program is turned away. */
  meet(way: Way): Promise<void>
}

const everyWay: readonly WayName[] = ['TCP', 'Unix socket', 'TLS', 'TLS with client certificate']

const programs: Record<string, Program> = {
  nbdinfo: {
    ways: everyWay,
    async meet(way) {
      expect(await run('nbdinfo', '--size', uri(way))).toBe(`${9 * MiB}\n`)
    },
  },
  nbdcopy: {
    ways: everyWay,
    async meet(way) {
      const target = join(directory, 'nbdcopy.raw')
      await run('nbdcopy', uri(way), target)
      await expectSame(target)
    },
  },
  'qemu-img': {
    ways: everyWay,
    async meet(way) {
      const target = join(directory, 'qemu.raw')
      await run('qemu-img', 'convert', ...qemuImage(way), '-O', 'raw', target)
      await expectSame(target)
    },
  },
  'qemu-io': {
    ways: everyWay,
    async meet(way) {
      const printed = await run('qemu-io', '-r', '-c', 'read -P 0x5a 8M 1M', ...qemuImage(way))
      expect(printed).toMatch(/read 1048576\/1048576 bytes/)
    },
  },
  'nbd-client -l': {
    ways: ['TCP', 'TLS', 'TLS with client certificate'], // it lists servers on TCP alone
    async meet({ server, trust }) {
      const file = (name: string): string => join(trust ?? '', name)
      const authority = ['-cacertfile', file('ca-cert.pem'), '-tlshostname', 'localhost']
      const own = trust === nameless ? [] : ['-certfile', file('client-cert.pem'), '-keyfile', file('client-key.pem')]
      const tls = trust === undefined ? [] : [...authority, ...own, '-enable-tls']
      const printed = await run('nbd-client', '-l', 'localhost', String(portOf(server)), ...tls)
      expect(printed).toMatch(/^disk$/m)
    },
  },
  'nbdfuse + mount': {
    ways: everyWay,
    async meet(way) {
      await using mounted = await mount(way)
      for (const [name, data] of Object.entries(FILES)) {
        expect(Buffer.compare(await readFile(join(mounted.path, name)), data), name).toBe(0)
      }
    },
  },
}

async function expectSame(path: string): Promise<void> {
  expect((await readFile(path)).equals(await readFile(image))).toBe(true)
}

/** The disk as a file through nbdfuse, and its file system mounted from there by the kernel. */
async function mount({ server, trust }: Way): Promise<AsyncDisposable & { readonly path: string }> {
  const [fuse, path] = [join(directory, 'fuse'), join(directory, 'mounted')]
  await mkdir(fuse, { recursive: true })
  await mkdir(path, { recursive: true })
  // nbdfuse takes no certificates, and as root libnbd then trusts every server: nbdkit's client carries them for it.
  const carried = ['hostname=localhost', `port=${portOf(server)}`, 'export=disk', 'tls=require']
  const source =
    trust === undefined
      ? [uri({ server })]
      : ['[', 'nbdkit', '-r', '--exit-with-parent', 'nbd', ...carried, `tls-certificates=${trust}`, ']']
  const daemon = spawn('nbdfuse', ['--readonly', join(fuse, 'disk.img'), ...source], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let complaint = ''
  daemon.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()))
  const gone = once(daemon, 'exit')
  while ((await readdir(fuse)).length === 0) {
    if (daemon.exitCode !== null) throw new Error(`nbdfuse ended: ${complaint}`)
    await sleep(20)
  }
  await run('mount', '-o', 'ro,loop,noload', join(fuse, 'disk.img'), path)
  return {
    path,
    async [Symbol.asyncDispose]() {
      await run('umount', path)
      await run('fusermount3', '-u', fuse)
      await gone
    },
  }
}

const SERVED = 'it was served'

/** What no program says of a certificate: it was called in a wrong way. */
const MISUSED = /usage|unrecognized|not allowed|invalid option|no such file or directory: /i

describe.each(Object.entries(programs))('%s', (_, program) => {
  test.each(program.ways)('reads our server over %s', async (name) => {
    await using server = await open[name]()
    await program.meet(name.startsWith('TLS') ? { server, trust: pki.directory } : { server })
  })

  test('is refused, or refuses, with every wrong certificate', async () => {
    await using server = await open['TLS with client certificate']()
    const wrong = {
      'the authority is another one': stranger.directory,
      'no certificate of the client': nameless,
      'a certificate of the client by another authority': impostor,
    }
    for (const [what, trust] of Object.entries(wrong)) {
      const complaint = await program.meet({ server, trust }).then(
        () => SERVED,
        (error: Error & { readonly stderr?: string }) => error.stderr ?? error.message,
      )
      expect(complaint, what).not.toBe(SERVED)
      expect(complaint, what).not.toMatch(MISUSED)
    }
    await expect.poll(() => server.connections).toBe(0)
  })
})
