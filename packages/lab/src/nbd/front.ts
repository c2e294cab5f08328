import net from 'node:net'
import { bytes, complement, extent, endOf } from '@tidemark/blocks'
import { serveNbd, type NbdExport, type NbdExtent, type NbdFaults } from '@tidemark/nbd'
import { purposesOf } from '../classes/network.ts'
import type { Pool } from '../pool.ts'
import { ReadLog } from './reads.ts'

/** The pool's NBD server: snapshots and disks, read-only, for whoever is logged in. */
export interface NbdFront extends AsyncDisposable {
  readonly host: string
  readonly port: number
  readonly reads: ReadLog
}

/** With TLS, in the clear, or turning everybody away: the purposes of the pool's networks decide. */
type Mode = 'nbd' | 'insecure_nbd' | 'closed'

const modeOf = (pool: Pool): Mode => {
  const [purpose, ...more] = purposesOf(pool)
  return purpose === undefined || more.length > 0 ? 'closed' : purpose
}

interface Listening extends AsyncDisposable {
  readonly port: number
}

/** Starts the server. When the purposes change, it starts anew on the same port, and connections end. */
export async function openNbdFront(pool: Pool, onError: (error: Error) => void): Promise<NbdFront> {
  const reads = new ReadLog()
  let mode = modeOf(pool)
  let server = await listen(pool, reads, { mode, port: pool.options.nbdPort, onError })
  const { port } = server
  let changing = Promise.resolve()
  let stopped = false

  const followPurposes = async (): Promise<void> => {
    const wanted = modeOf(pool)
    if (wanted === mode || stopped) return
    mode = wanted
    await server[Symbol.asyncDispose]()
    server = await listen(pool, reads, { mode, port, onError })
  }
  const watch = (): void => {
    if (stopped) return
    pool.db.onChange(watch)
    if (modeOf(pool) !== mode) changing = changing.then(followPurposes).catch(onError)
  }
  pool.db.onChange(watch)

  return {
    host: pool.options.address,
    port,
    reads,
    async [Symbol.asyncDispose]() {
      stopped = true
      await changing
      await server[Symbol.asyncDispose]()
    },
  }
}

interface ListenOptions {
  readonly mode: Mode
  readonly port: number
  readonly onError: (error: Error) => void
}

async function listen(pool: Pool, reads: ReadLog, { mode, port, onError }: ListenOptions): Promise<Listening> {
  const { options, certificate } = pool
  if (mode === 'closed') return turnAway(options.address, port)
  const server = await serveNbd({
    listen: { host: options.address, port },
    exports: { open: (name, signal) => openExport(pool, reads, name, signal) },
    personality: options.nbdPersonality,
    faults: cuttingFaults(pool),
    onError,
    ...(mode === 'nbd' ? { tls: { key: certificate.key, cert: certificate.cert, mode: 'required' as const } } : {}),
  })
  const { address } = server
  return {
    port: 'port' in address ? address.port : port,
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
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/** Cuts a connection once it has read as much as a fault asks for. */
function cuttingFaults({ faults }: Pool): NbdFaults {
  const read = new Map<number, number>()
  return {
    beforeReply({ connection, type, length }) {
      if (type !== 'READ') return 'pass'
      const total = (read.get(connection) ?? 0) + length
      read.set(connection, total)
      return faults.cutsNbdAt(total) ? 'close' : 'pass'
    },
  }
}

/** Names are `/<vdi uuid>?session_id=<session ref>`; the session is looked at here and never again. */
async function openExport(
  pool: Pool,
  reads: ReadLog,
  name: string,
  signal: AbortSignal,
): Promise<NbdExport | undefined> {
  const { db, storage, sessions } = pool
  const [, uuid = '', query = ''] = /^\/?([^?]+)\?(.*)$/.exec(name) ?? []
  const session = new URLSearchParams(query).get('session_id')
  const vdi = db.findByUuid('VDI', uuid)
  if (vdi === undefined || session === null || !sessions.isValid(session) || signal.aborted) return undefined
  if (db.get('VDI', vdi).type === 'cbt_metadata' || !storage.has(uuid)) return undefined
  const release = pool.holds.hold(pool, vdi, 'RO')
  return {
    size: storage.sizeOf(uuid),
    readOnly: true,
    async read(offset, length) {
      const data = await storage.read(uuid, offset, length)
      reads.add(uuid, offset, length)
      return data
    },
    extents: (offset, length) => extentsOf(pool, uuid, offset, length),
    async close() {
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
