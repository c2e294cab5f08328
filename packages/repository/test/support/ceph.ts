import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface S3User {
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** A real S3 service, in memory. */
export interface S3Server extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly endpoint: string
  /** `https://127.0.0.1:<port>`, when it has a certificate. */
  readonly secureEndpoint: string
  /** Makes a user, who may make buckets. */
  user(name: string): Promise<S3User>
}

/**
 * Ceph's radosgw with one monitor and one store of objects in memory, all on 127.0.0.1, up in three seconds. There is no manager: nothing
 * that is stored needs one.
 * @param tls PEM files
 */
export async function startCeph(tls?: { readonly certificate: string; readonly key: string }): Promise<S3Server> {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-ceph-'))
  const [v2, v1, port, securePort] = await freePorts(4)
  const endpoint = `http://127.0.0.1:${port}`
  for (const name of ['mon', 'osd', 'rgw', 'run', 'log']) await mkdir(join(directory, name))
  const fsid = randomUUID()
  const secure =
    tls === undefined
      ? ''
      : ` ssl_endpoint=127.0.0.1:${securePort} ssl_certificate=${tls.certificate} ssl_private_key=${tls.key}`
  const frontend = `beast endpoint=127.0.0.1:${port}${secure}`
  const monitor = `[v2:127.0.0.1:${v2},v1:127.0.0.1:${v1}]`
  await writeFile(join(directory, 'ceph.conf'), configuration(directory, fsid, monitor, frontend))
  const conf = ['-c', join(directory, 'ceph.conf')]
  const asRoot = ['--setuser', 'root', '--setgroup', 'root']
  const daemons: ChildProcess[] = []
  const daemon = (program: string, args: readonly string[]) => {
    daemons.push(spawn(program, ['-f', ...conf, ...args], { stdio: 'ignore' }))
  }
  const stop = async () => {
    for (const child of daemons.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
    await rm(directory, { recursive: true, force: true })
  }
  const admin = (...args: string[]) => run('ceph', [...conf, '--connect-timeout', '20', ...args])
  try {
    await makeKeys(join(directory, 'keyring'))
    const map = join(directory, 'monmap')
    await run('monmaptool', ['--create', '--fsid', fsid, '--addv', 'a', monitor, map])
    const keyring = ['--keyring', join(directory, 'keyring')]
    await run('ceph-mon', [...conf, '--mkfs', '-i', 'a', '--monmap', map, ...keyring, ...asRoot])
    daemon('ceph-mon', ['-i', 'a', ...asRoot])
    const osd = randomUUID()
    await admin('osd', 'new', osd)
    await run('ceph-osd', [...conf, '-i', '0', '--mkfs', '--osd-uuid', osd, ...asRoot])
    daemon('ceph-osd', ['-i', '0', ...asRoot])
    await until('the store of objects', async () => (await admin('osd', 'stat')).stdout.includes('1 up'))
    daemon('radosgw', ['-n', 'client.rgw', ...asRoot])
    await until('the S3 service', async () => (await fetch(endpoint)).ok)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    endpoint,
    secureEndpoint: `https://127.0.0.1:${securePort}`,
    async user(name) {
      const keys = { accessKeyId: `AK${name}`, secretAccessKey: `secret-of-${name}` }
      const given = [`--uid=${name}`, `--display-name=${name}`, `--access-key=${keys.accessKeyId}`]
      await run('radosgw-admin', [
        ...conf,
        '-n',
        'client.rgw',
        'user',
        'create',
        ...given,
        `--secret-key=${keys.secretAccessKey}`,
      ])
      return keys
    },
    [Symbol.asyncDispose]: stop,
  }
}

/** Ports that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

async function makeKeys(keyring: string): Promise<void> {
  const all = ['--cap', 'mon', 'allow *', '--cap', 'osd', 'allow *', '--cap', 'mgr', 'allow *']
  const make = (...args: string[]) => run('ceph-authtool', [...args])
  await make('--create-keyring', keyring, '--gen-key', '-n', 'mon.', '--cap', 'mon', 'allow *')
  await make(keyring, '--gen-key', '-n', 'client.admin', ...all)
  await make(keyring, '--gen-key', '-n', 'client.rgw', ...all)
  await make(keyring, '--gen-key', '-n', 'osd.0', '--cap', 'mon', 'allow profile osd', '--cap', 'osd', 'allow *')
}

async function until(what: string, isThere: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await isThere().catch(() => false)) return
    await sleep(150)
  }
  throw new Error(`${what} did not start`)
}

const configuration = (directory: string, fsid: string, monitor: string, frontend: string): string => `[global]
fsid = ${fsid}
mon host = ${monitor}
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
auth cluster required = cephx
auth service required = cephx
auth client required = cephx
auth allow insecure global id reclaim = false
keyring = ${directory}/keyring
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 2000
mon data avail crit = 1
mon data avail warn = 2
paxos propose interval = 0.05
paxos min wait = 0.01
run dir = ${directory}/run
log file = ${directory}/log/$name.log
admin socket = ${directory}/run/$name.$pid.asok
pid file = ${directory}/run/$name.pid
[mon]
mon data = ${directory}/mon
[osd]
osd data = ${directory}/osd
osd objectstore = memstore
memstore device bytes = 1073741824
[client.rgw]
rgw frontends = ${frontend}
rgw data = ${directory}/rgw
rgw s3 auth use sts = false
`
