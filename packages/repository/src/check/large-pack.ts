import { createHash } from 'node:crypto'
import { RepositoryError } from '../error.ts'
import type { PackedBlob } from '../format/pack.ts'
import { dropped } from '../garbage.ts'
import { loadPackHeader } from '../pack-header.ts'
import { openBlob } from '../sealing/batch.ts'
import { replyAbout, verifyLarge, type VerifyReply } from '../sealing/verify.ts'
import type { Check } from './context.ts'

/** Packs up to this size are loaded whole: the largest that restic makes. Beyond are only lists of disks of many TiB. */
export const WHOLE_MAX = 144 << 20
const PART = 4 << 20

/** As a thread verifies a whole pack, of one that is too large for it, on this thread and in parts. */
export async function verifyInParts(
  { backend, sealer }: Pick<Check, 'backend' | 'sealer'>,
  name: string,
  size: number,
  signal: AbortSignal,
): Promise<VerifyReply> {
  const load = (offset: number, length: number) => backend.load({ type: 'data', name }, { offset, length }, signal)
  const hash = createHash('sha256')
  for (let at = 0; at < size; at += PART) {
    const part = await load(at, Math.min(PART, size - at))
    hash.update(part)
    dropped(part.length)
  }
  const problems = hash.digest('hex') === name ? [] : ['its SHA-256 differs from its name']
  let blobs: PackedBlob[] = []
  try {
    blobs = await loadPackHeader({ backend, sealer }, name, size, signal)
  } catch (error) {
    if (error instanceof RepositoryError) throw error // the storage's
    problems.push((error as Error).message)
  }
  const verify = async (blob: PackedBlob) => {
    const loadPart: typeof load = (offset, length) => load(blob.offset + offset, length)
    if (blob.uncompressedLength > 0) return verifyLarge(blob, loadPart, sealer)
    const plain = openBlob(await loadPart(0, blob.length), 0, blob.id, sealer)
    return typeof plain === 'string' ? plain : undefined
  }
  return replyAbout(blobs, problems, verify)
}
