import { RepositoryError } from '../error.ts'
import { decodeIndex, type IndexedPack } from '../format/index-file.ts'
import { packSize } from '../format/pack.ts'
import type { BlobType } from '../id.ts'
import type { Repository } from '../repository.ts'
import { damaged, loadUnpacked } from '../unpacked.ts'
import { ADVICE, UNUSED, USED, type Marks } from './mark.ts'

/** What is in a pack, by the indexes. */
export interface PackTally {
  type: BlobType | 'mixed'
  usedBlobs: number
  unusedBlobs: number
  /** Of `unusedBlobs`, those that are used and stored elsewhere as well. */
  duplicateBlobs: number
  /** Bytes, the pack's header included. */
  usedBytes: number
  unusedBytes: number
  hasRaw: boolean
  /** Number of the last pass that came here: a pack that two indexes name counts once. */
  pass: number
}

export interface Tallies {
  readonly packs: Map<string, PackTally>
  /** Names of all index files, in the order of every pass. */
  readonly indexes: readonly string[]
  readonly blobs: { used: number; duplicate: number; unused: number }
  readonly bytes: { used: number; duplicate: number; unused: number }
  passes: number
}

/** A pack as an index file names it. */
export interface PackInIndex extends IndexedPack {
  readonly tally: PackTally | undefined
}

/**
 * Reads what the indexes say about each pack. Memory: one entry a pack and one index file; a blob takes none.
 * @throws RepositoryError REPOSITORY_DAMAGED, naming the index file
 */
export async function tallyPacks(repository: Repository, marks: Marks, signal: AbortSignal): Promise<Tallies> {
  const indexes: string[] = []
  for await (const { name } of repository.backend.list('index', signal)) indexes.push(name)
  const tallies: Tallies = {
    packs: new Map(),
    indexes,
    blobs: { used: 0, duplicate: 0, unused: 0 },
    bytes: { used: 0, duplicate: 0, unused: 0 },
    passes: 0,
  }
  await countCopies(repository, tallies, marks, signal)
  await addPacks(repository, tallies, marks, signal)
  if (tallies.blobs.duplicate > 0) await chooseCopies(repository, tallies, marks, signal)
  return tallies
}

/** Each pack once, file by file. */
export async function* packsOf(
  repository: Repository,
  tallies: Tallies,
  signal: AbortSignal,
): AsyncGenerator<{ readonly name: string; readonly packs: readonly PackInIndex[]; readonly isRepeated: boolean }> {
  const pass = ++tallies.passes
  for (const name of tallies.indexes) {
    const packs: PackInIndex[] = []
    let isRepeated = false
    for (const each of await readIndex(repository, name, signal)) {
      const tally = tallies.packs.get(each.pack)
      if (tally?.pass === pass) isRepeated = true
      else packs.push({ ...each, tally })
      if (tally !== undefined) tally.pass = pass
    }
    yield { name, packs, isRepeated }
  }
}

async function readIndex(repository: Repository, name: string, signal: AbortSignal): Promise<IndexedPack[]> {
  const json = await loadUnpacked(repository.backend, repository.sealer, { type: 'index', name }, signal)
  try {
    return [...decodeIndex(json)]
  } catch (cause) {
    throw damaged(`index/${name}`, (cause as Error).message, cause)
  }
}

/** Makes the tallies' entries, and counts in `marks` in how many packs each used blob is, up to 254. */
async function countCopies(repository: Repository, tallies: Tallies, marks: Marks, signal: AbortSignal): Promise<void> {
  const index = repository.blobs.index()
  const pass = ++tallies.passes
  for (const name of tallies.indexes) {
    for (const { pack, blobs } of await readIndex(repository, name, signal)) {
      if (tallies.packs.has(pack)) continue
      tallies.packs.set(pack, emptyTally(blobs, pass))
      for (const blob of blobs) {
        const entry = index.find(blob.type, blob.id)
        const mark = marks[entry] ?? UNUSED
        if (mark !== UNUSED && mark < 255) marks[entry] = mark + 1
      }
    }
  }
  if (marks.includes(USED)) {
    const what = 'a pack is split over several indexes, or indexes changed meanwhile'
    throw new RepositoryError('REPOSITORY_DAMAGED', `the indexes do not agree: ${what}; ${ADVICE}`)
  }
}

function emptyTally(blobs: IndexedPack['blobs'], pass: number): PackTally {
  const types = new Set(blobs.map(({ type }) => type))
  const [first = 'data'] = types
  return {
    type: types.size > 1 ? 'mixed' : first,
    usedBlobs: 0,
    unusedBlobs: 0,
    duplicateBlobs: 0,
    usedBytes: packSize(blobs) - blobs.reduce((sum, { length }) => sum + length, 0),
    unusedBytes: 0,
    hasRaw: blobs.some(({ uncompressedLength }) => uncompressedLength === 0),
    pass,
  }
}

async function addPacks(repository: Repository, tallies: Tallies, marks: Marks, signal: AbortSignal): Promise<void> {
  const index = repository.blobs.index()
  for await (const { packs } of packsOf(repository, tallies, signal)) {
    for (const { blobs, tally } of packs) {
      if (tally === undefined) continue
      for (const { type, id, length } of blobs) {
        const mark = marks[index.find(type, id)] ?? UNUSED
        const kind = mark === UNUSED ? 'unused' : mark === USED + 1 ? 'used' : 'duplicate'
        tallies.blobs[kind]++
        tallies.bytes[kind] += length
        if (kind === 'duplicate') tally.duplicateBlobs++
        if (kind === 'used') use(tally, length)
        else leave(tally, length)
      }
    }
  }
}

/**
 * Of a blob stored several times one copy is used: in a pack that has other used blobs, or has only such copies (an interrupted prune made it), or the
 * last one there is. Afterwards every used blob has the mark of one copy.
 */
async function chooseCopies(
  repository: Repository,
  tallies: Tallies,
  marks: Marks,
  signal: AbortSignal,
): Promise<void> {
  const index = repository.blobs.index()
  for await (const { packs } of packsOf(repository, tallies, signal)) {
    for (const { blobs, tally } of packs) {
      if (tally === undefined) continue
      for (const { type, id, length } of blobs) {
        const entry = index.find(type, id)
        const mark = marks[entry] ?? UNUSED
        if (mark === UNUSED || mark === USED + 1) continue // chosen before, or stored once
        const isChosen = tally.usedBlobs > 0 || tally.duplicateBlobs === tally.unusedBlobs || mark === USED
        if (!isChosen) {
          marks[entry] = mark === USED + 2 ? USED : mark - 1 // one is left: its mark must not be that of a blob stored once
          continue
        }
        marks[entry] = USED + 1
        use(tally, length)
        tally.unusedBlobs--
        tally.unusedBytes -= length
        tallies.blobs.used++
        tallies.blobs.duplicate--
        tallies.bytes.used += length
        tallies.bytes.duplicate -= length
      }
    }
  }
}

function use(tally: PackTally, length: number): void {
  tally.usedBlobs++
  tally.usedBytes += length
}

function leave(tally: PackTally, length: number): void {
  tally.unusedBlobs++
  tally.unusedBytes += length
}
