import { cp, mkdtemp, rm } from 'node:fs/promises'
import { createHash, randomInt } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { labDefaults, startLab, type Lab, type LabSettings } from '@tidemark/lab'
import { initRepository, memoryBackend, type MemoryBackend, type RepositoryOptions } from '@tidemark/repository'
import { login, type Session } from '@tidemark/xenapi'
import { seeded, type Random } from '../support/random.ts'
import { SimClock } from './clock.ts'
import { calm } from './faults.ts'
import { SimLedger } from './ledger.ts'
import { Machines } from './machines.ts'
import { Oracle } from './oracle.ts'

const PASSWORD = 'simulation'
/** Hosts of the largest pool. */
const HOSTS_MOST = 2

/** What all seeds share, since it costs a key derivation and a pair of keys: a certificate and an empty repository. */
export interface Foundation extends AsyncDisposable {
  readonly directory: string
  readonly files: ReadonlyMap<string, Uint8Array>
}

export async function layFoundation(): Promise<Foundation> {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-simulation-'))
  const lab = await startLab({ ...usual, hosts: HOSTS_MOST, directory: join(directory, 'lab') })
  await lab.stop()
  await rm(join(directory, 'lab', 'database.jsonl')) // each seed founds a pool of its own
  const store = memoryBackend()
  await using _repository = await initRepository(store, PASSWORD, repositoryOptions(new SimClock()))
  return {
    directory,
    files: new Map(store.files),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
}

const usual = {
  password: PASSWORD,
  httpsPort: 0,
  httpPort: 0,
  nbdPort: 0,
  networkPurpose: 'insecure_nbd', // a handshake of TLS costs more than the disks here
  diskGrain: 65_536,
  detachDelayMs: 1,
  dataDestroyWaitMs: 20,
  busyWaitMs: 2000,
  loginDelayMs: 0,
} as const satisfies Partial<LabSettings>

/** One process, so that small packs are saved in the middle of a disk; a key that costs little. */
const repositoryOptions = (clock: SimClock) =>
  ({
    kdf: { N: 1024, r: 8, p: 1 },
    workers: 0,
    packSize: 128 * 1024,
    hostname: 'simulation',
    username: 'simulation',
    pid: 2 ** 22 + 1, // no process has it: what a killed life holds is a dead process's
    clock,
  }) as const satisfies Partial<RepositoryOptions>

/** How much happens in one simulation: `short` has one VM and three steps at most. */
export type Length = 'short' | 'full'

/** Everything there is in one simulation. */
export interface Scene extends AsyncDisposable {
  readonly seed: number
  readonly length: Length
  readonly random: Random
  readonly clock: SimClock
  readonly lab: Lab
  readonly admin: Session
  readonly machines: Machines
  readonly oracle: Oracle
  readonly ledger: SimLedger
  readonly store: MemoryBackend
  readonly password: string
  readonly options: ReturnType<typeof repositoryOptions>
  /** What happened, a line each. */
  readonly trace: string[]
  /** How often each fault happened. */
  readonly fired: Map<string, number>
  /** UUIDs of the storage repositories with disks. */
  readonly storages: readonly string[]
  /** @param callTimeoutMs our patience with one call, and with a task that comes no further */
  login(callTimeoutMs: number): Promise<Session>
}

export async function openScene(seed: number, length: Length, foundation: Foundation): Promise<Scene> {
  const random = seeded(`simulation ${seed}`)
  const clock = new SimClock()
  const stack = new AsyncDisposableStack()
  try {
    const directory = await mkdtemp(join(foundation.directory, 'seed-'))
    stack.defer(() => rm(directory, { recursive: true, force: true }))
    const drawn = drawPool(random)
    await cp(join(foundation.directory, 'lab'), directory, { recursive: true })
    const own = { directory, address: ownAddress(), clock, random: uuids(seed) }
    const lab = stack.use(await startLab({ ...usual, ...drawn, ...own }))
    const enter = (callTimeoutMs: number) => enterPool(lab, callTimeoutMs)
    const admin = stack.use(await enter(calm.callTimeoutMs))
    const storages = Object.values(await admin.SR.get_all_records()).flatMap(({ name_label: name, uuid }) =>
      name === 'local' || name === 'san' ? uuid : [],
    )
    const store = memoryBackend(new Map(foundation.files))
    const machines = new Machines(lab, admin, drawn.tracking)
    const scene = {
      seed,
      length,
      random,
      clock,
      lab,
      admin,
      machines,
      store,
      storages,
      password: PASSWORD,
      login: enter,
    }
    const memory = { oracle: new Oracle(), ledger: new SimLedger(), trace: [], fired: new Map<string, number>() }
    const options = repositoryOptions(clock)
    const held = stack.move()
    return { ...scene, ...memory, options, [Symbol.asyncDispose]: () => held.disposeAsync() }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

/**
 * An address of 127/8 that no other life has, in whatever process: ports that a host leaves while it is away are still free when it comes back.
 * Never from the seed, since others play it too. Its last number leaves room for more hosts.
 */
const ownAddress = (): string => `127.${randomInt(1, 255)}.${randomInt(256)}.${randomInt(1, 120) * 2}`

const enterPool = ({ httpUrl = '', hosts }: Lab, callTimeoutMs: number): Promise<Session> => {
  const trust = { kind: 'plain' } as const
  const members = hosts.map(({ nbdAddress }) => {
    const url = new URL(httpUrl)
    url.hostname = nbdAddress.host
    return { url: url.origin, trust }
  })
  const credentials = { username: labDefaults.username, password: PASSWORD }
  const limits = { callTimeoutMs, stallTimeoutMs: 2000, outageMs: 3000, patienceMs: 200 }
  return login({ url: httpUrl, trust, members }, credentials, limits)
}

/** In a pool of two hosts both see all storage: a transfer is sent from one host to the other over TLS alone, which is not used here. */
function drawPool(random: Random) {
  const hosts = random.chance(40) ? HOSTS_MOST : 1
  const local = { name: 'local', type: hosts === 1 ? 'ext' : 'nfs' } as const
  const san = { name: 'san', type: random.pick(['lvmoiscsi', 'nfs'] as const) } as const
  return {
    hosts,
    storages: random.chance(50) ? [local, san] : [san, local],
    tracking: !random.chance(5),
  } satisfies Partial<LabSettings>
}

/** The same objects have the same UUIDs in every play of a seed, as far as they are made in the same order. */
function uuids(seed: number): { uuid(): string } {
  let made = 0
  return {
    uuid() {
      const hex = createHash('md5').update(`${seed} ${++made}`).digest('hex')
      return [hex.slice(0, 8), hex.slice(8, 12), `4${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20)].join(
        '-',
      )
    },
  }
}
