import { KiB } from '@tidemark/blocks'
import {
  addKey,
  initRepository,
  memoryBackend,
  openRepository,
  type MemoryBackend,
  type Repository,
} from '../../src/index.ts'
import { readPackHeader } from '../../src/format/pack.ts'
import { backUpRandomly, type KnownPoint } from '../support/points.ts'
import { seededRandom } from '../support/random.ts'

export const PASSWORD = 'detect'
const SIZE = 192 * KiB
export const options = { kdf: { N: 64, r: 8, p: 1 }, workers: 0, packSize: 64 * KiB } as const

/** What a flipped bit may be in. */
export const kinds = [
  'config',
  'key',
  'lock',
  'snapshot',
  'index',
  'data blob',
  'tree blob',
  'pack header',
  'length of a pack header',
] as const

export type Kind = (typeof kinds)[number]

/** A stretch of a file, in bytes. */
export interface Place {
  readonly path: string
  readonly offset: number
  readonly length: number
}

/** A repository as it is on its storage, its points, and what lies where. */
export interface Subject {
  readonly files: ReadonlyMap<string, Uint8Array>
  readonly points: readonly KnownPoint[]
  readonly places: Readonly<Record<Kind, readonly Place[]>>
}

/** Three disks with two points each, two keys, and the lock of a program that still runs elsewhere. */
export async function makeSubject(seed: number): Promise<Subject> {
  const store = memoryBackend()
  await using repository = await initRepository(store, PASSWORD, options)
  const random = seededRandom(seed)
  const points: KnownPoint[] = []
  for (let day = 0; day < 6; day++) {
    const vm = `vm${day % 3}`
    const parent = points.findLast((point) => point.vm === vm)
    points.push(await backUpRandomly(repository, random, { vm, day, size: SIZE, parent }))
  }
  await addKey(repository, 'another password')
  await leaveLock(store)
  return { files: new Map(store.files), points, places: placesOf(store.files, repository) }
}

/** A shared lock that its holder does not take away. */
async function leaveLock(store: MemoryBackend): Promise<void> {
  const kept = { ...store, remove: async () => {} }
  const elsewhere = {
    ...options,
    hostname: 'elsewhere',
    clock: { now: () => new Date(), sleep: async () => {}, every: () => () => {} },
  }
  await using repository = await openRepository(kept, PASSWORD, elsewhere)
  await using _lock = await repository.lock('shared')
}

function placesOf(files: ReadonlyMap<string, Uint8Array>, { sealer }: Repository): Subject['places'] {
  const places: Record<Kind, Place[]> = {
    config: [],
    key: [],
    lock: [],
    snapshot: [],
    index: [],
    'data blob': [],
    'tree blob': [],
    'pack header': [],
    'length of a pack header': [],
  }
  const whole: Readonly<Record<string, Kind>> = {
    config: 'config',
    keys: 'key',
    locks: 'lock',
    snapshots: 'snapshot',
    index: 'index',
  }
  for (const [path, bytes] of files) {
    const kind = whole[path.split('/')[0] ?? '']
    if (kind !== undefined) {
      places[kind].push({ path, offset: 0, length: bytes.length })
      continue
    }
    let end = 0
    for (const { type, offset, length } of readPackHeader(bytes, sealer)) {
      places[`${type} blob`].push({ path, offset, length })
      end = offset + length
    }
    places['pack header'].push({ path, offset: end, length: bytes.length - 4 - end })
    places['length of a pack header'].push({ path, offset: bytes.length - 4, length: 4 })
  }
  return places
}
