import { mapInOrder } from '@tidemark/blocks'
import type { Backend } from '../backends/backend.ts'
import { BlobIndex } from '../blob-index.ts'
import type { Sealer } from '../format/crypto.ts'
import { decodeIndex } from '../format/index-file.ts'
import { scanIndex } from '../format/index-scanner.ts'
import { ID_LENGTH } from '../id.ts'
import { isRepositoryError } from '../error.ts'
import { dropped } from '../garbage.ts'
import { MemoryIndex } from '../memory-index.ts'
import { damaged, loadUnpacked } from '../unpacked.ts'
import type { IndexCache } from './index-cache.ts'
import { RunBuilder } from './run.ts'
import { TREE_BIT, type PackSink } from './records.ts'

/** Index files on their way at once: each up to some 10 MB when unpacked. */
const FILES_AHEAD = 3
/** A cache that breaks this often while it is read is not used. */
const ATTEMPTS = 3

export interface IndexSource {
  readonly backend: Backend
  readonly sealer: Sealer
  readonly cache: IndexCache | undefined
}

/**
 * The index of a repository: from the cache what that knows, the rest from the index files.
 * @throws RepositoryError REPOSITORY_DAMAGED, naming the index file; what the backend throws; the signal's reason
 */
export async function loadBlobIndex(source: IndexSource, signal?: AbortSignal): Promise<BlobIndex> {
  const names: string[] = []
  for await (const { name } of source.backend.list('index', signal)) names.push(name)
  for (let attempt = 1; source.cache !== undefined && attempt <= ATTEMPTS; attempt++) {
    try {
      return await loadCached(source, source.cache, names, signal)
    } catch (error) {
      if (!isRepositoryError(error, 'REPOSITORY_CACHE')) throw error
      source.cache.problem(error)
    }
  }
  const memory = new MemoryIndex()
  for await (const { name, json } of load(source, names, signal)) {
    addIndexFile(memory, name, json)
    dropped(json.length * 2)
  }
  return new BlobIndex([], memory)
}

async function loadCached(
  source: IndexSource,
  cache: IndexCache,
  names: readonly string[],
  signal?: AbortSignal,
): Promise<BlobIndex> {
  const memory = new MemoryIndex() // used when the cache takes no more
  const missing = await cache.open(names)
  let run = new RunBuilder()
  for await (const { name, json } of load(source, missing, signal)) {
    run.beginFile(name)
    addIndexFile(run, name, json)
    dropped(json.length * 2)
    if (!run.isFull) continue
    if (!(await cache.add(run))) run.moveTo(memory)
    run = new RunBuilder()
  }
  if (!run.isEmpty && !(await cache.add(run))) run.moveTo(memory)
  await cache.tidy(signal)
  return new BlobIndex(cache.segments(), memory)
}

const load = ({ backend, sealer }: IndexSource, names: readonly string[], signal?: AbortSignal) =>
  mapInOrder(
    names,
    FILES_AHEAD,
    async (name, inner) => ({ name, json: await loadUnpacked(backend, sealer, { type: 'index', name }, inner) }),
    signal,
  )

/** Adds what an index file lists. @throws RepositoryError REPOSITORY_DAMAGED */
export function addIndexFile(sink: PackSink, name: string, json: Uint8Array): void {
  const packs = scanIndex(json)
  let done = 0
  let next = packs.next()
  for (; next.done !== true; next = packs.next(), done++) {
    const { pack, count, ids, fields } = next.value
    const number = sink.packNumber(pack)
    for (let i = 0; i < count; i++) {
      const [offset = 0, length = 0, plain = 0] = [fields[i * 3], fields[i * 3 + 1], fields[i * 3 + 2]]
      sink.add(number, ids, i * ID_LENGTH, offset, length, plain)
    }
  }
  if (!next.value) addParsed(sink, name, json, done)
}

/** An index in a form that the scanner does not know: with white space, other keys, another order. */
function addParsed(sink: PackSink, name: string, json: Uint8Array, done: number): void {
  try {
    let position = 0
    for (const { pack, blobs } of decodeIndex(json)) {
      if (position++ < done) continue
      const number = sink.packNumber(pack)
      for (const { type, id, offset, length, uncompressedLength } of blobs) {
        const plain = type === 'tree' ? uncompressedLength | TREE_BIT : uncompressedLength
        sink.add(number, id, 0, offset, length, plain)
      }
    }
  } catch (cause) {
    throw damaged(`index/${name}`, (cause as Error).message, cause)
  }
}
