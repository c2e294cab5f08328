import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { reconcile } from './reconcile.ts'
import { Operations } from './calls/operations.ts'
import { Sessions } from './calls/sessions.ts'
import { Tasks } from './calls/tasks.ts'
import { derivedFields } from './classes/derived.ts'
import { stopVm } from './classes/vm-life.ts'
import { EventQueues } from './classes/event-queue.ts'
import { Holds } from './classes/hold.ts'
import { labControl } from './control/control.ts'
import type { LabControl, LabHostInfo, LabInfo } from './control/interface.ts'
import { serveControl } from './control/server.ts'
import { Database } from './database/database.ts'
import { Faults } from './faults/faults.ts'
import { foundPool, refreshHosts, setAddresses } from './founding/pool.ts'
import { openGuestExports } from './guest/exports.ts'
import { openFronts, type Fronts } from './host/fronts.ts'
import { hostIdentities, Hosts } from './host/host.ts'
import { RunningTransfers } from './http/running.ts'
import { lockDirectory } from './lockfile.ts'
import { ConnectionLog } from './nbd/connections.ts'
import { ReadLog } from './nbd/reads.ts'
import { openMachines } from './machine/machines.ts'
import { labDefaults, type LabOptions, type LabSettings } from './options.ts'
import { theHost, type Pool } from './pool.ts'
import { openStorage } from './storage/index.ts'

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
  /** All hosts in the order in which they joined; the fields above are those of the coordinator at the start. */
  readonly hosts: readonly LabHostInfo[]
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
    const pool = await openPool(stack, options)
    pool.faults.plan(options.faults)
    const logs = { reads: new ReadLog(), connections: new ConnectionLog() }
    const fronts = stack.use(await openFronts({ pool, ...logs, onError }))
    pool.nbdPort = fronts.nbdPort
    if (options.addressWithPort) setAddresses(pool.db, pool.hosts.list(), fronts.httpsPort)
    const info = describe(pool, fronts)
    const control = labControl({ pool, ...logs, info, fronts })
    pool.faults.power.connect(control, onError)
    stack.defer(() => pool.faults.power.end())
    stack.use(await serveControl(directory, control))
    const stop = onceOnly(() => stack.disposeAsync())
    return {
      ...info,
      httpUrl: fronts.httpPort === undefined ? undefined : `http://${options.address}:${fronts.httpPort}`,
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

function describe(pool: Pool, { httpsPort, nbdPort }: Fronts): LabInfo {
  const hosts = pool.hosts.list().map(({ ref, hostname, address, certificate }) => ({
    uuid: pool.db.get('host', ref).uuid,
    hostname,
    url: `https://${address}:${httpsPort}`,
    certificate: certificate.cert,
    fingerprint: certificate.fingerprint,
    nbdAddress: { host: address, port: nbdPort },
  }))
  const { uuid } = pool.db.get('host', theHost(pool))
  const coordinator = hosts.find((host) => host.uuid === uuid)
  if (coordinator === undefined) throw new Error('the coordinator is no host of the pool')
  const { url, certificate, fingerprint, nbdAddress } = coordinator
  return { url, certificate, fingerprint, nbdAddress, hosts, username: pool.options.username, pid: process.pid }
}

/** The database with the pool's objects, and what is known of its hosts. */
async function openDatabase(stack: AsyncDisposableStack, options: LabOptions): Promise<{ db: Database; hosts: Hosts }> {
  const { directory, random } = options
  const db = new Database({ directory, newUuid: () => random.uuid(), derive: derivedFields })
  stack.defer(() => db.close())
  const identities = await hostIdentities(options, db.all('host').length || options.hosts)
  foundPool(db, options, identities)
  const hosts = db.all('host').flatMap(([ref], position) => {
    const identity = identities[position]
    return identity === undefined ? [] : [{ ...identity, ref }]
  })
  refreshHosts(db, hosts)
  return { db, hosts: new Hosts(hosts) }
}

/** The machines of an earlier process ended with it. */
function haltAll(pool: Pool): void {
  for (const [vm, { power_state, is_control_domain }] of pool.db.all('VM')) {
    if (!is_control_domain && (power_state === 'Running' || power_state === 'Paused')) stopVm(pool, vm)
  }
}

/** The pool without its servers. What it opens is closed with the stack. */
export async function openPool(stack: AsyncDisposableStack, options: LabOptions): Promise<Pool> {
  const { directory, clock } = options
  const { db, hosts } = await openDatabase(stack, options)
  const disks = stack.use(await openStorage({ directory: join(directory, 'storage') }))
  await reconcile(db, disks)
  const faults = new Faults(() => pool)
  const storage = faults.storage(disks)
  const guests = stack.use(await openGuestExports({ storage, directory: join(directory, 'guests') }))
  const machines = options.machines === 'none' ? undefined : stack.use(await openMachines(directory, () => pool))
  const closing = new AbortController()
  const host = () => theHost({ db })
  const tasks = new Tasks(db, clock, host)
  const pool: Pool = {
    db,
    storage,
    guests,
    options,
    hosts,
    machines,
    sessions: new Sessions(db, options, host),
    tasks,
    operations: new Operations({ db, tasks, options }),
    eventQueues: new EventQueues(),
    holds: new Holds(),
    transfers: new RunningTransfers(),
    faults,
    nbdPort: options.nbdPort,
    closing: closing.signal,
  }
  if (machines !== undefined) haltAll(pool)
  const collecting = setInterval(() => {
    pool.tasks.collect()
    pool.sessions.collect(pool.tasks.owners())
    pool.eventQueues.keep((session) => pool.sessions.isValid(session))
  }, COLLECT_MS).unref()
  // disposed in reverse order, after the fronts: nothing changes the database any more then
  stack.defer(() => pool.operations.idle())
  stack.defer(() => pool.holds.settled())
  stack.defer(() => pool.transfers.settled())
  stack.defer(() => {
    clearInterval(collecting)
    closing.abort(new Error('the lab stops'))
  })
  return pool
}
