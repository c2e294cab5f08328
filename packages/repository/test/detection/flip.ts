import assert from 'node:assert/strict'
import { memoryBackend, openRepository, RepositoryError, type Repository } from '../../src/index.ts'
import { expectWhole } from '../support/points.ts'
import { seededRandom, type Random } from '../support/random.ts'
import { kinds, options, PASSWORD, type Kind, type Subject } from './subject.ts'

/** How often each kind is met: the small ones as well, which a place at random in all bytes would hardly ever hit. */
const weights = {
  config: 1,
  key: 2,
  lock: 1,
  snapshot: 3,
  index: 3,
  'data blob': 5,
  'tree blob': 3,
  'pack header': 3,
  'length of a pack header': 1,
} as const satisfies Record<Kind, number>

/** What became of one flipped bit. */
export interface Flip {
  readonly kind: Kind
  readonly path: string
  readonly byte: number
  readonly bit: number
  /** Who found it and named the file. */
  readonly found: 'open' | 'check'
  /** Of all points, how many were given back right; the others ended in an error. */
  readonly right: number
  readonly refused: number
}

/**
 * Flips one bit; the seed says which. Then a fresh open or its check must find it and name the file, and each point that a fresh open reads
 * must be right or a typed error. The subject is not changed.
 * @throws AssertionError with kind, place and seed
 */
export async function flipBit(subject: Subject, seed: number): Promise<Flip> {
  const random = seededRandom(seed)
  const kind = kindOf(random)
  const { path, offset, length } = random.pick(subject.places[kind])
  const byte = offset + random.below(length)
  const bit = random.below(8)
  const bytes = Uint8Array.from(subject.files.get(path) ?? [])
  bytes[byte] = (bytes[byte] ?? 0) ^ (1 << bit)
  const files = new Map(subject.files).set(path, bytes)
  try {
    const found = await find(files, path)
    return { kind, path, byte, bit, found, ...(await restoreAll(files, subject)) }
  } catch (cause) {
    throw new assert.AssertionError({
      message: `seed ${seed}, bit ${bit} of byte ${byte} of ${path} (${kind}): ${(cause as Error).message}`,
    })
  }
}

function kindOf(random: Random): Kind {
  const total = kinds.reduce((sum, kind) => sum + weights[kind], 0)
  let left = random.below(total)
  for (const kind of kinds) if ((left -= weights[kind]) < 0) return kind
  throw new RangeError('weights do not add up')
}

type Files = Map<string, Uint8Array>

const open = (files: Files): Promise<Repository> => openRepository(memoryBackend(files), PASSWORD, options)

async function find(files: Files, path: string): Promise<Flip['found']> {
  let repository: Repository
  try {
    repository = await open(files)
  } catch (error) {
    assert(error instanceof RepositoryError, `open threw what is no RepositoryError: ${String(error)}`)
    assert.equal(error.file, path, `open named another file: ${error.message}`)
    return 'open'
  }
  await using opened = repository
  const { errors } = await opened.check({ readData: true })
  const named = errors.map(({ file }) => file)
  assert(named.includes(path), `check did not name it, but ${named.length === 0 ? 'nothing' : named.join(', ')}`)
  return 'check'
}

/** Reads every disk, each point for itself: a bit may harm one and not another. */
async function restoreAll(files: Files, { points }: Subject): Promise<{ right: number; refused: number }> {
  let right = 0
  let refused = 0
  const attempt = async (work: () => Promise<void>): Promise<boolean> => {
    try {
      await work()
      return true
    } catch (error) {
      if (error instanceof RepositoryError) return false
      throw error // wrong bytes, or an error without a type
    }
  }
  const isOpen = await attempt(async () => {
    await using repository = await open(files)
    for (const point of points) {
      if (await attempt(() => expectWhole(repository, point))) right++
      else refused++
    }
  })
  return isOpen ? { right, refused } : { right: 0, refused: points.length }
}
