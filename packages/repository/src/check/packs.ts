import { filePath } from '../backends/backend.ts'
import { idBytes } from '../id.ts'
import type { Check } from './context.ts'
import type { PackTable } from './pack-table.ts'

/**
 * A pack has exactly the size that its blobs add up to, and all indexes that name it say the same. restic-format.md §5.
 * @returns packs that no index names
 */
export async function checkPackSizes({ backend, report, losses, signal }: Check, packs: PackTable): Promise<string[]> {
  const unused: string[] = []
  for await (const { name, size } of backend.list('data', signal)) {
    const pack = packs.find(idBytes(name))
    if (pack < 0) unused.push(name)
    else {
      packs.found(pack)
      if (size !== packs.size(pack)) {
        report('PACK_SIZE', pathOf(name), `it has ${size} bytes, the indexes say ${packs.size(pack)}`)
      }
    }
  }
  for (let pack = 0; pack < packs.length; pack++) {
    const name = packs.name(pack)
    if (packs.isContradicted(pack)) report('INDEX_DIFFERS', pathOf(name), 'two indexes name different blobs of it')
    if (packs.isStored(pack)) continue
    losses.packs.set(name, report('PACK_MISSING', pathOf(name), 'an index names it, but it does not exist'))
  }
  return unused
}

const pathOf = (name: string): string => filePath({ type: 'data', name })
