import { damaged, ENTRY, HEADER, HEADER_V2, Incompatible, L1_MAX, MAGIC, unsupported, viewOf } from './format.ts'
import type { Pieces } from '../streams/pieces.ts'

/** What a reader needs of a header. Offsets and sizes are bytes. */
export interface Qcow2Header {
  readonly version: 2 | 3
  readonly size: number
  readonly clusterSize: number
  readonly l1Entries: number
  readonly l1Offset: number
}

/** @throws LabError LAB_QCOW2_DAMAGED, LAB_QCOW2_UNSUPPORTED; StreamCut */
export async function readHeader(input: Pieces): Promise<Qcow2Header> {
  const view = viewOf(await input.take(HEADER_V2))
  const version = view.getUint32(HEADER.version)
  if (view.getUint32(HEADER.magic) !== MAGIC) throw damaged('it does not begin as one')
  if (version !== 2 && version !== 3) throw unsupported(`version ${version}`)
  const clusterBits = view.getUint32(HEADER.clusterBits)
  if (clusterBits < 9 || clusterBits > 21) throw damaged(`clusters of 2^${clusterBits} bytes`)
  if (view.getBigUint64(HEADER.backingOffset) !== 0n) throw unsupported('it needs a backing file')
  if (view.getUint32(HEADER.encryption) !== 0) throw unsupported('it is encrypted')
  if (version === 3) checkFeatures(viewOf(await input.take(8)).getBigUint64(0))
  const header = {
    version,
    size: safe(view.getBigUint64(HEADER.size), 'a size'),
    clusterSize: 2 ** clusterBits,
    l1Entries: view.getUint32(HEADER.l1Entries),
    l1Offset: safe(view.getBigUint64(HEADER.l1Offset), 'the offset of the L1 table'),
  } as const
  checkL1(header)
  return header
}

function checkFeatures(features: bigint): void {
  const known = Incompatible.dirty | Incompatible.compression
  if ((features & BigInt(Incompatible.corrupt)) !== 0n) throw damaged('it is marked as corrupt')
  if ((features & ~BigInt(known)) !== 0n) throw unsupported(`features 0x${features.toString(16)}`)
}

/** Clusters of a disk are counted in 32 bits. */
const CLUSTERS_MAX = 2 ** 32 - 2

/** The table is neither shorter than the disk needs, nor longer than QEMU takes. */
function checkL1({ size, clusterSize, l1Entries, l1Offset }: Qcow2Header): void {
  const perTable = clusterSize / ENTRY
  if (size / clusterSize > CLUSTERS_MAX) throw unsupported(`${size} bytes in clusters of ${clusterSize}`)
  const needed = Math.ceil(size / clusterSize / perTable)
  if (l1Entries < needed || l1Entries * ENTRY > L1_MAX) throw damaged(`an L1 table of ${l1Entries} entries`)
  if (l1Offset % clusterSize !== 0 || (l1Offset === 0 && needed > 0)) throw damaged(`an L1 table at ${l1Offset}`)
}

function safe(value: bigint, what: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw damaged(`${what} of ${value}`)
  return Number(value)
}
