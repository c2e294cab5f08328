import { nextFile, TarDamaged } from '../tar/read.ts'
import type { DiskSink } from '../http/sink.ts'
import type { Pieces } from '../streams/pieces.ts'
import { sha1, xxhash64 } from './checksum.ts'
import { inOrder } from './order.ts'

/** One disk that an archive fills. */
export interface ArrivingDisk {
  readonly prefix: string
  /** Bytes that the archive has of it. */
  readonly size: number
  readonly sink: DiskSink
}

export interface ChunkRules {
  /** Whether the checksums behind the chunks must be right. */
  readonly verify: boolean
}

/** A chunk whose checksum is not that of its data. */
export class ChunkDamaged extends Error {}

/** Chunks have 1 MiB; old hosts may have made larger ones. */
const CHUNK_MAX = 16 * 1024 * 1024

/**
 * Takes disks from an archive, in the order of their prefixes. What a gap in the numbers of the chunks leaves out is not
 * written: the disks are new. A chunk without content keeps a connection alive and means nothing. xapi: stream_vdi.ml
 * @returns the checksums of all chunks by the names of their files
 * @throws ChunkDamaged, TarDamaged, StreamCut
 */
export async function takeChunks(
  input: Pieces,
  disks: readonly ArrivingDisk[],
  rules: ChunkRules,
): Promise<ReadonlyMap<string, string>> {
  const archive: Archive = { input, rules, sums: new Map(), xxhash: await xxhash64(), unit: undefined }
  for (const disk of inOrder(disks)) await takeDisk(archive, disk)
  return archive.sums
}

interface Archive {
  readonly input: Pieces
  readonly rules: ChunkRules
  readonly sums: Map<string, string>
  readonly xxhash: (data: Uint8Array) => string
  /** Bytes of the very first chunk, by which gaps are counted. */
  unit: number | undefined
}

async function takeDisk(archive: Archive, { prefix, size, sink }: ArrivingDisk): Promise<void> {
  let [last, offset] = [-1, 0]
  while (offset < size) {
    const { name, data } = await nextFile(archive.input, CHUNK_MAX)
    const unit = (archive.unit ??= data.length)
    const number = numberOf(name, prefix)
    if (number <= last) throw new TarDamaged(`Invalid XVA file: ${name} follows chunk ${last}`)
    offset += (number - last - 1) * unit
    if (offset + data.length > size) throw new TarDamaged(`Invalid XVA file: ${name} lies outside its disk`)
    await checkSum(archive, name, data)
    if (data.length > 0) await sink.write(offset, data)
    offset += data.length
    last = number
    sink.progress(offset / size)
  }
}

function numberOf(name: string, prefix: string): number {
  const [, digits] = name.startsWith(`${prefix}/`) ? (/^(\d{1,12})$/.exec(name.slice(prefix.length + 1)) ?? []) : []
  if (digits === undefined) throw new TarDamaged(`Invalid XVA file: expected a chunk of ${prefix}, got ${name}`)
  return Number(digits)
}

/** The file behind a chunk has its checksum; what kind of one, its name says. */
async function checkSum({ input, rules, sums, xxhash }: Archive, name: string, chunk: Uint8Array): Promise<void> {
  const { name: sumName, data } = await nextFile(input, 1024)
  const sum = sumName.endsWith('.xxhash') ? xxhash(chunk) : sumName.endsWith('.checksum') ? sha1(chunk) : undefined
  if (sum === undefined || sumName.slice(0, sumName.lastIndexOf('.')) !== name) {
    throw new TarDamaged(`Found unsupported checksum file: ${sumName}`)
  }
  const original = Buffer.from(data).toString('latin1')
  sums.set(name, sum)
  if (rules.verify && original !== sum) {
    throw new ChunkDamaged(`Block ${name} checksum failed: original = ${original}; recomputed = ${sum}`)
  }
}
