import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { reconcile } from './reconcile.ts'
import { Locks } from './calls/locks.ts'
import { Sessions } from './calls/sessions.ts'
import { Tasks } from './calls/tasks.ts'
import { Holds } from './classes/hold.ts'
import { labControl } from './control/control.ts'
import { Faults } from './control/faults.ts'
import type { LabControl, LabInfo } from './control/interface.ts'
import { serveControl } from './control/server.ts'
import { Database } from './database/database.ts'
import { foundPool, refreshHost } from './founding.ts'
import { openGuestExports } from './guest/exports.ts'
import { openWebFront } from './http/server.ts'
import { lockDirectory } from './lockfile.ts'
import { openNbdFront } from './nbd/front.ts'
import { labDefaults, type LabOptions, type LabSettings } from './options.ts'
import { theHost, type Pool } from './pool.ts'
import { openStorage } from './storage/index.ts'
import { hostCertificate, type HostCertificate } from './tls/certificate.ts'

/** A running pool. */
export interface Lab extends AsyncDisposable {
  /** `https://address:port` */
  readonly url: string
  /** Plain HTTP, where it was asked for. */
  readonly httpUrl: string | undefined
  /** PEM. */
  readonly certificate: string
  /** SHA-256, `AA:BB:…`. */
  readonly fingerprint: string
  readonly nbdAddress: { readonly host: string; readonly port: number }
  readonly username: string
  readonly password: string
  readonly directory: string
  readonly control: LabControl
  /** Ends all connections, and gives the directory back. */
  stop(): Promise<void>
}

/**
 * Starts a XenAPI pool on the state of a directory, which is made when missing. A pool whose process was killed opens
 * again with everything that it had acknowledged.
 * @param settings `onError` is told what went wrong on a connection; nobody by default
 * @throws LabError LAB_IN_USE, LAB_DATABASE_DAMAGED, LAB_STORAGE_DAMAGED; the system's error when a port is taken
 */
export async function startLab(settings: LabSettings & { readonly onError?: (error: Error) => void }): Promise<Lab> {
  const { onError = () => undefined, ...given } = settings
  const options: LabOptions = { ...labDefaults, ...given, directory: resolve(given.directory) }
  const { directory } = options
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const stack = new AsyncDisposableStack()
  try {
    stack.use(await lockDirectory(directory))
    const { hostname, address, clock } = options
    const certificate = await hostCertificate(directory, { hostname, address, now: clock.now() })
    const pool = await openPool(stack, options, certificate)
    const nbd = stack.use(await openNbdFront(pool, onError))
    pool.nbdPort = nbd.port
    const web = stack.use(await openWebFront(pool, onError))
    refreshHost(pool, options, options.addressWithPort ? `${address}:${web.httpsPort}` : address)
    const info: LabInfo = {
      url: `https://${address}:${web.httpsPort}`,
      certificate: certificate.cert,
      fingerprint: certificate.fingerprint,
      nbdAddress: { host: nbd.host, port: nbd.port },
      username: options.username,
      pid: process.pid,
    }
    const control = labControl({ pool, reads: nbd.reads, info })
    stack.use(await serveControl(directory, control))
    const stop = onceOnly(() => stack.disposeAsync())
    return {
      ...info,
      httpUrl: web.httpPort === undefined ? undefined : `http://${address}:${web.httpPort}`,
      password: options.password,
      directory,
      control,
      stop,
      [Symbol.asyncDispose]: stop,
    }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

const onceOnly = (work: () => Promise<void>): (() => Promise<void>) => {
  let running: Promise<void> | undefined
  return () => (running ??= work())
}

/** How often old tasks and sessions are looked for. xapi: every 30 s */
const COLLECT_MS = 30_000

async function openPool(stack: AsyncDisposableStack, options: LabOptions, certificate: HostCertificate): Promise<Pool> {
  const { directory, clock, random } = options
  const db = new Database({ directory, newUuid: () => random.uuid() })
  stack.defer(() => db.close())
  const storage = stack.use(await openStorage({ directory: join(directory, 'storage') }))
  foundPool({ db, options, certificate })
  refreshHost({ db }, options, options.address)
  await reconcile(db, storage)
  const guests = stack.use(await openGuestExports({ storage, directory: join(directory, 'guests') }))
  const closing = new AbortController()
  const host = () => theHost({ db })
  const pool: Pool = {
    db,
    storage,
    guests,
    options,
    certificate,
    sessions: new Sessions(db, options, host),
    tasks: new Tasks(db, clock, host),
    locks: new Locks(),
    holds: new Holds(),
    faults: new Faults(),
    nbdPort: options.nbdPort,
    closing: closing.signal,
  }
  const collecting = setInterval(() => {
    pool.tasks.collect()
    pool.sessions.collect()
  }, COLLECT_MS).unref()
  // disposed in reverse order, after the fronts: nothing changes the database any more then
  stack.defer(() => pool.locks.idle())
  stack.defer(() => pool.holds.settled())
  stack.defer(() => {
    clearInterval(collecting)
    closing.abort(new Error('the lab stops'))
  })
  return pool
}
