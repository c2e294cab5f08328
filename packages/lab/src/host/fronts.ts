import type { HostRef } from '@tidemark/xenapi'
import { LabError } from '../error.ts'
import { openWebFront, type WebFront, type WebPorts } from '../http/server.ts'
import { openNbdFront, type NbdFront } from '../nbd/front.ts'
import type { ConnectionLog } from '../nbd/connections.ts'
import type { ReadLog } from '../nbd/reads.ts'
import { theHost, type Pool } from '../pool.ts'
import type { LabHost } from './host.ts'

interface Ports extends WebPorts {
  readonly nbdPort: number
}

/** The servers of all hosts: the same ports everywhere, each host on its address. */
export interface Fronts extends Ports, AsyncDisposable {
  isUp(host: HostRef): boolean
  /** As if the host lost its power: connections end, and nobody answers any more. */
  stop(host: HostRef): Promise<void>
  start(host: HostRef): Promise<void>
}

/** What all the servers share. */
export interface FrontService {
  readonly pool: Pool
  readonly reads: ReadLog
  readonly connections: ConnectionLog
  readonly onError: (error: Error) => void
}

interface HostFront {
  readonly web: WebFront
  readonly nbd: NbdFront
}

/** A port that is free on the first address may be taken on another one; then other ports are tried. */
const ATTEMPTS = 5

/** @throws LabError LAB_OPTIONS when an address or port cannot be had */
export async function openFronts(service: FrontService): Promise<Fronts> {
  const { httpsPort, httpPort, nbdPort } = service.pool.options
  const wanted = { httpsPort, httpPort, nbdPort }
  const isFree = Object.values(wanted).includes(0)
  for (let attempt = 1; ; attempt++) {
    try {
      return await openAll(service, wanted)
    } catch (error) {
      const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
      if (!isTaken || !isFree || attempt === ATTEMPTS) throw explained(error)
    }
  }
}

function explained(error: unknown): unknown {
  const { code, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number }
  const place = `${address ?? 'the address'} port ${port ?? '?'}`
  if (code === 'EADDRINUSE')
    return new LabError('LAB_OPTIONS', `${place} is taken by another program`, { cause: error })
  if (code === 'EACCES') return new LabError('LAB_OPTIONS', `${place} may only be used by root`, { cause: error })
  if (code === 'EADDRNOTAVAIL') {
    return new LabError('LAB_OPTIONS', `this machine has no address ${address ?? ''}`, { cause: error })
  }
  return error
}

async function openAll(service: FrontService, wanted: Ports): Promise<Fronts> {
  const fronts = new Map<HostRef, HostFront>()
  let ports = wanted
  const stop = async (host: HostRef): Promise<void> => {
    const front = fronts.get(host)
    fronts.delete(host)
    await front?.nbd[Symbol.asyncDispose]()
    await front?.web[Symbol.asyncDispose]()
  }
  const start = async (host: LabHost): Promise<void> => {
    if (fronts.has(host.ref)) return
    const { pool, onError } = service
    const web = await openWebFront({ pool, host, onError }, ports)
    try {
      const nbd = await openNbdFront({ ...service, host }, ports.nbdPort)
      fronts.set(host.ref, { web, nbd })
      ports = { httpsPort: web.httpsPort, httpPort: web.httpPort, nbdPort: nbd.port }
    } catch (error) {
      await web[Symbol.asyncDispose]()
      throw error
    }
  }
  const stopAll = async (): Promise<void> => void (await Promise.all([...fronts.keys()].map(stop)))
  try {
    for (const host of service.pool.hosts.list()) await start(host)
  } catch (error) {
    await stopAll()
    throw error
  }
  const forget = followCoordinator(service.pool, () => {
    for (const { web } of fronts.values()) web.disconnect()
  })
  return {
    ...ports,
    isUp: (host) => fronts.has(host),
    stop,
    start: (host) => start(service.pool.hosts.get(host)),
    async [Symbol.asyncDispose]() {
      forget()
      await stopAll()
    },
  }
}

/** How long the call that appointed a coordinator has to be answered. */
const RESTART_MS = 100

/** When the pool gets another coordinator, all toolstacks start anew: connections to XenAPI end. */
function followCoordinator(pool: Pool, restart: () => void): () => void {
  let coordinator = theHost(pool)
  let timer: NodeJS.Timeout | undefined
  let forget = pool.db.onChange(look)
  return () => {
    forget()
    clearTimeout(timer)
  }

  function look(): void {
    forget = pool.db.onChange(look)
    if (theHost(pool) === coordinator) return
    coordinator = theHost(pool)
    timer = setTimeout(restart, RESTART_MS).unref()
  }
}
