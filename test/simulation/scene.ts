import { cp, mkdtemp, rm } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { labDefaults, startLab, type Lab, type LabSettings } from '@tidemark/lab'
import { initRepository, memoryBackend, type MemoryBackend, type RepositoryOptions } from '@tidemark/repository'
import { login, type Session } from '@tidemark/xenapi'
import { seeded, type Random } from '../support/random.ts'
import { SimClock } from './clock.ts'
import { SimLedger } from './ledger.ts'
import { Machines } from './machines.ts'
import { Oracle } from './oracle.ts'

const PASSWORD = 'simulation'

/** What all seeds share, since it costs a key derivation and a pair of keys: a certificate and an empty repository. */
export interface Foundation extends AsyncDisposable {
  readonly directory: string
  readonly files: ReadonlyMap<string, Uint8Array>
}

export async function layFoundation(): Promise<Foundation> {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-simulation-'))
  const lab = await startLab({ ...usual, directory: join(directory, 'lab') })
  await lab.stop()
  for (const name of ['database', 'storage']) await rm(join(directory, 'lab', name), { recursive: true, force: true })
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
  login(): Promise<Session>
}

export async function openScene(seed: number, length: Length, foundation: Foundation): Promise<Scene> {
  const random = seeded(`simulation ${seed}`)
  const clock = new SimClock()
  const stack = new AsyncDisposableStack()
  try {
    const directory = await mkdtemp(join(foundation.directory, 'seed-'))
    stack.defer(() => rm(directory, { recursive: true, force: true }))
    await cp(join(foundation.directory, 'lab'), directory, { recursive: true })
    const lab = stack.use(await startLab({ ...usual, ...drawPool(random), directory, clock, random: uuids(seed) }))
    const enter = () => enterPool(lab)
    const admin = stack.use(await enter())
    const store = memoryBackend(new Map(foundation.files))
    const machines = new Machines(lab, admin)
    const scene = { seed, length, random, clock, lab, admin, machines, store, password: PASSWORD, login: enter }
    const memory = { oracle: new Oracle(), ledger: new SimLedger(), trace: [], fired: new Map<string, number>() }
    const options = repositoryOptions(clock)
    const held = stack.move()
    return { ...scene, ...memory, options, [Symbol.asyncDispose]: () => held.disposeAsync() }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

const enterPool = ({ httpUrl = '' }: Lab): Promise<Session> =>
  login(
    { url: httpUrl, trust: { kind: 'plain' } },
    { username: labDefaults.username, password: PASSWORD },
    { callTimeoutMs: 5000, stallTimeoutMs: 2000, outageMs: 3000, patienceMs: 200 },
  )

const drawPool = (random: Random): Partial<LabSettings> => ({
  storages: [
    { name: 'local', type: 'ext' },
    { name: 'san', type: random.pick(['lvmoiscsi', 'nfs'] as const) },
  ],
  tracking: !random.chance(5),
})

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
