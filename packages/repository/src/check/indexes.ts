import { BlobIndex } from '../blob-index.ts'
import { dropped } from '../garbage.ts'
import { addIndexFile, loadBlobIndex } from '../index-cache/load.ts'
import { MemoryIndex } from '../memory-index.ts'
import { loadUnpacked } from '../unpacked.ts'
import { attempt, type Check } from './context.ts'
import { PackTable } from './pack-table.ts'

/**
 * Verifies every index file, cached or not, and tells what they say. With a cache the index is read from there, and takes no
 * memory for each blob; not when a file is damaged: the sound ones are then read into memory.
 */
export async function checkIndexes(check: Check): Promise<{ index: BlobIndex; packs: PackTable }> {
  const packs = new PackTable()
  const memory = check.cache === undefined ? new MemoryIndex() : undefined
  const sound: string[] = []
  let files = 0
  for await (const { name } of check.backend.list('index', check.signal)) {
    files++
    await attempt(check, 'INDEX_DAMAGED', `index/${name}`, async () => {
      const json = await loadIndexFile(check, name)
      addIndexFile(packs, name, json)
      if (memory !== undefined) addIndexFile(memory, name, json)
      sound.push(name)
    })
  }
  if (memory !== undefined) return { index: new BlobIndex([], memory), packs }
  const index = files === sound.length ? await loadBlobIndex(check, check.signal) : await loadSound(check, sound)
  return { index, packs }
}

async function loadSound(check: Check, names: readonly string[]): Promise<BlobIndex> {
  const memory = new MemoryIndex()
  for (const name of names) addIndexFile(memory, name, await loadIndexFile(check, name))
  return new BlobIndex([], memory)
}

async function loadIndexFile({ backend, sealer, signal }: Check, name: string): Promise<Uint8Array> {
  const json = await loadUnpacked(backend, sealer, { type: 'index', name }, signal)
  dropped(json.length * 2)
  return json
}
