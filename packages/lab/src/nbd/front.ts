import net from 'node:net'
import { bytes, complement, extent, endOf } from '@tidemark/blocks'
import { serveNbd, type NbdExport, type NbdExtent } from '@tidemark/nbd'
import { purposesOf } from '../classes/network.ts'
import { seesStorage } from '../classes/sr.ts'
import type { LabHost } from '../host/host.ts'
import type { Pool } from '../pool.ts'
import type { ConnectionLog } from './connections.ts'
import type { ReadLog } from './reads.ts'

/** A host's NBD server: snapshots and disks, read-only, for whoever is logged in. */
export interface NbdFront extends AsyncDisposable {
  readonly port: number
}

/** What the server serves, and what it notes. */
export interface NbdService {
  readonly pool: Pool
  readonly host: LabHost
  readonly reads: ReadLog
  readonly connections: ConnectionLog
  readonly onError: (error: Error) => void
}

/** With TLS, in the clear, or turning everybody away: the purposes of the pool's networks decide. */
type Mode = 'nbd' | 'insecure_nbd' | 'closed'

const modeOf = (pool: Pool): Mode => {
  const [purpose, ...more] = purposesOf(pool)
  return purpose === undefined || more.length > 0 ? 'closed' : purpose
}

interface Listening extends AsyncDisposable {
  readonly port: number
  /** Takes no new connections; those that are there go on. The port is free at once. */
  retire(): void
}

/**
 * Starts the server. When the purposes change, it starts anew on the same port for new connections; those that have an
 * export go on, because xapi looks at the purposes when a connection comes and never again.
 */
export async function openNbdFront(service: NbdService, wantedPort: number): Promise<NbdFront> {
  const { pool, onError } = service
  let mode = modeOf(pool)
  let server = await listen(service, mode, wantedPort)
  const { port } = server
  const retired: Listening[] = []
  let changing = Promise.resolve()
  let stopped = false

  const followPurposes = async (): Promise<void> => {
    const wanted = modeOf(pool)
    if (wanted === mode || stopped) return
    mode = wanted
    server.retire()
    retired.push(server)
    server = await listen(service, mode, port)
  }
  const watch = (): void => {
    if (stopped) return
    pool.db.onChange(watch)
    if (modeOf(pool) !== mode) changing = changing.then(followPurposes).catch(onError)
  }
  pool.db.onChange(watch)

  return {
    port,
    async [Symbol.asyncDispose]() {
      stopped = true
      await changing
      await Promise.all([server, ...retired].map((each) => each[Symbol.asyncDispose]()))
    },
  }
}

async function listen(service: NbdService, mode: Mode, port: number): Promise<Listening> {
  const { pool, host, onError } = service
  const { address, certificate } = host
  if (mode === 'closed') return turnAway(address, port)
  const server = await serveNbd({
    listen: { host: address, port },
    exports: { open: (name, signal) => openExport(service, name, signal) },
    personality: pool.options.nbdPersonality,
    faults: pool.faults.nbd(host),
    onError,
    ...(mode === 'nbd' ? { tls: { key: certificate.key, cert: certificate.cert, mode: 'required' as const } } : {}),
  })
  return {
    port: 'port' in server.address ? server.address.port : port,
    retire: () => void server.stop('retire').catch(onError),
    [Symbol.asyncDispose]: () => server.stop('now'),
  }
}

/** Takes connections and closes them without a word, as xapi does when no network is for NBD. */
async function turnAway(host: string, port: number): Promise<Listening> {
  const server = net.createServer((socket) => socket.on('error', () => socket.destroy()).destroy())
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  server.once('error', reject)
  server.listen({ host, port }, resolve)
  await promise
  return {
    port: (server.address() as net.AddressInfo).port,
    retire: () => void server.close(),
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/** Names are `/<vdi uuid>?session_id=<session ref>`; the session is looked at here and never again. */
async function openExport(
  { pool, host, reads, connections }: NbdService,
  name: string,
  signal: AbortSignal,
): Promise<NbdExport | undefined> {
  const { db, storage, sessions } = pool
  const [, uuid = '', query = ''] = /^\/?([^?]+)\?(.*)$/.exec(name) ?? []
  const session = new URLSearchParams(query).get('session_id')
  const vdi = db.findByUuid('VDI', uuid)
  if (vdi === undefined || session === null || !sessions.isValid(session) || signal.aborted) return undefined
  const { type, SR } = db.get('VDI', vdi)
  if (type === 'cbt_metadata' || !storage.has(uuid) || !seesStorage(pool, host.ref, SR)) return undefined
  const release = await pool.holds.hold({ pool, host: host.ref, signal }, vdi, 'RO')
  const end = connections.begin(db.get('host', host.ref).uuid)
  return {
    size: storage.sizeOf(uuid),
    readOnly: true,
    async read(offset, length) {
      const data = await storage.read(uuid, offset, length)
      reads.add(uuid, offset, length)
      return data
    },
    async readInto(into, offset) {
      await storage.readInto(uuid, offset, into)
      reads.add(uuid, offset, into.length)
    },
    extents: (offset, length) => extentsOf(pool, uuid, offset, length),
    async close() {
      end()
      release()
    },
  }
}

async function extentsOf({ storage }: Pool, uuid: string, offset: number, length: number): Promise<NbdExtent[]> {
  const end = offset + length
  const data = await storage.allocatedExtents(uuid, offset, end)
  const holes = complement(data, bytes(end)).flatMap((each) => {
    const from = Math.max(each.offset, offset)
    return from < endOf(each) ? [extent(from, endOf(each) - from)] : []
  })
  return [
    ...data.map((each) => ({ ...each, hole: false, zero: false })),
    ...holes.map((each) => ({ ...each, hole: true, zero: true })),
  ].sort((a, b) => a.offset - b.offset)
}
