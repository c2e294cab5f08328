import { totalLength } from '@tidemark/blocks'
import { EngineError } from '@tidemark/engine'
import { borrowRuns, NbdError, openNbd, serveNbd, type NbdServer, type NbdTarget } from '@tidemark/nbd'
import { gridFor, initRepository, memoryBackend, planContent, readContent, writeContent } from '@tidemark/repository'
import type { Session } from '@tidemark/xenapi'

import { openSource } from '../../packages/engine/src/xen/source.ts'
import { sourceDefaults } from '../../packages/engine/src/xen/source-options.ts'
import type { Certificates } from '../../packages/nbd/test/certificates.ts'
import { memoryExport, only } from '../../packages/nbd/test/memory-export.ts'
import { seeded } from '../support/random.ts'
import { IdleClock } from './idle-clock.ts'
import { faultyProxy, type FaultyProxy } from './proxy.ts'
import { drawSchedule, type Schedule } from './schedule.ts'

/** What became of a schedule. That nothing wrong was read or stored is not told: it throws otherwise. */
export interface ScheduleOutcome {
  /** `done`, or the code of the error that ended it. */
  readonly end: string
  readonly connections: number
  readonly fired: readonly string[]
  /** By the clock of deadlines. */
  readonly tookMs: number
}

interface Scene extends AsyncDisposable {
  readonly schedule: Schedule
  readonly clock: IdleClock
  readonly proxies: readonly FaultyProxy[]
  readonly pki: Certificates
  /** Faults of answers that happened. */
  readonly spoiled: string[]
}

/**
 * Plays the schedule of a seed.
 * @throws Error when a wrong byte was read or stored, when it ended with an error of no type, too late, or never
 */
export async function playSchedule(seed: number, pki: Certificates): Promise<ScheduleOutcome> {
  await using scene = await stage(drawSchedule(seed), pki)
  const { schedule, clock, proxies, spoiled } = scene
  const read = schedule.reader === 'client' ? readByClient : readByEngine
  const end = await inTime(seed, read(scene)).then(
    () => 'done',
    (error: unknown) => {
      if (error instanceof NbdError || error instanceof EngineError) return error.code
      throw new Error(`seed ${seed}: an error of no type`, { cause: error })
    },
  )
  const connections = proxies.reduce((sum, each) => sum + each.connections, 0)
  const { connectTimeoutMs, requestTimeoutMs, connectPatienceMs, reconnectPatienceMs, pauseMs } = schedule.options
  // Every connection can be late at each of its stages and with one request; then nobody waits longer than the patience.
  const bound =
    (connections + 1) * (connectTimeoutMs + 2 * requestTimeoutMs + pauseMs) + connectPatienceMs + reconnectPatienceMs
  if (clock.now() > bound) throw new Error(`seed ${seed}: ended after ${clock.now()} ms, not within ${bound}`)
  return { end, connections, fired: [...proxies.flatMap(({ fired }) => fired), ...spoiled], tookMs: clock.now() }
}

/** Real time after which a schedule counts as hanging. */
const HANG_MS = 60_000

async function inTime(seed: number, work: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`seed ${seed} hangs`)), HANG_MS)
  try {
    await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}

async function stage(schedule: Schedule, pki: Certificates): Promise<Scene> {
  const clock = new IdleClock()
  const servers: NbdServer[] = []
  const proxies: FaultyProxy[] = []
  const spoiled: string[] = []
  for (let host = 0; host < schedule.hosts; host++) {
    const server = await serveNbd({
      listen: { host: '127.0.0.1', port: 0 },
      exports: only('disk', memoryExport(schedule.content, { readOnly: true })),
      personality: schedule.personality,
      ...(schedule.isSecure && { tls: { ...pki.server, mode: 'required' } }),
      faults: {
        beforeReply({ connection, request }) {
          const fault = schedule.replyFault(host, connection, request)
          if (fault !== 'pass') spoiled.push(typeof fault === 'string' ? fault : (Object.keys(fault)[0] ?? ''))
          return fault
        },
      },
    })
    servers.push(server)
    const port = 'port' in server.address ? server.address.port : 0
    const random = seeded(`${schedule.seed}/proxy/${host}`)
    const faultOf = (connection: number) => schedule.streamFault(host, connection)
    proxies.push(await faultyProxy(port, faultOf, random, () => clock.touch()))
  }
  return {
    schedule,
    clock,
    proxies,
    spoiled,
    pki,
    async [Symbol.asyncDispose]() {
      clock.stop()
      await Promise.all(proxies.map((each) => each[Symbol.asyncDispose]()))
      await Promise.all(servers.map((each) => each.stop('now')))
    },
  }
}

async function readByClient({ schedule, clock, proxies, pki }: Scene): Promise<void> {
  const { content, extents, isSecure, options } = schedule
  const targets = proxies.map(({ port }): NbdTarget => ({
    address: { host: '127.0.0.1', port },
    exportName: 'disk',
    ...(isSecure && { tls: { kind: 'certificate', pem: pki.server.cert } }),
  }))
  const client = await openNbd(async () => targets, { ...options, clock })
  try {
    let read = 0
    for await (const { offset, data } of borrowRuns(client, extents)) {
      assertSame(schedule, offset, data, content)
      read += data.length
    }
    if (read !== totalLength(extents)) throw new Error(`seed ${schedule.seed}: ${read} bytes came, not all`)
  } finally {
    await client[Symbol.asyncDispose]()
  }
}

/** As a backup reads a disk: what the pool says of it, the engine's source, and pieces in a repository. */
async function readByEngine({ schedule, clock, proxies, pki }: Scene): Promise<void> {
  const { content, isSecure, options } = schedule
  const infos = proxies.map(({ port }) => ({
    exportname: 'disk',
    address: '127.0.0.1',
    port,
    cert: pki.server.cert,
    subject: 'localhost',
  }))
  const session = {
    VDI: { get_by_uuid: async () => 'OpaqueRef:disk', get_nbd_info: async () => infos },
    network: { get_all_records: async () => ({ one: { purpose: [isSecure ? 'nbd' : 'insecure_nbd'] } }) },
  } as unknown as Session
  await using repository = await initRepository(memoryBackend(), 'secret', { kdf: { N: 1024, r: 8, p: 1 }, workers: 0 })
  const { connections, connectPatienceMs, reconnectPatienceMs } = options
  const patience = { connections, connectPatienceMs, reconnectPatienceMs }
  const settings = {
    ...sourceDefaults,
    ...patience,
    allowInsecureNbd: true,
    nbd: { ...options, thread: 'caller' as const, clock },
  }
  await using source = await openSource(session, 'uuid', 'nbd', settings)
  const plan = planContent(undefined, source.size, 'all', gridFor(source.size))
  const { content: stored } = await writeContent(repository, plan, source.read(plan.reads))
  await repository.flush()
  let end = 0
  for await (const { offset, length, data } of readContent(repository, stored, { holes: 'zeros' })) {
    assertSame(schedule, offset, data === 'zero' ? new Uint8Array(length) : data, content)
    end = offset + length
  }
  if (end !== content.length) throw new Error(`seed ${schedule.seed}: ${end} bytes are stored, not ${content.length}`)
}

function assertSame({ seed }: Schedule, offset: number, data: Uint8Array, content: Uint8Array): void {
  if (Buffer.from(data.buffer, data.byteOffset, data.length).equals(content.subarray(offset, offset + data.length)))
    return
  throw new Error(`seed ${seed}: wrong bytes at ${offset}`)
}
