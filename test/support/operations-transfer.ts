import { buffer } from 'node:stream/consumers'
import { CBT_BLOCK } from '@tidemark/blocks'
import { readVhd, VHD_BLOCK, writeVhd } from '@tidemark/xenapi/vhd'
import { expectContent, stretch } from './operations-disk.ts'
import type { Operations, Played } from './operations.ts'
import { Finding, type OwnDisk, type Player } from './player.ts'
import { Shadow } from './shadow.ts'

/** Somebody writes to the disk, or it would be written to by two. */
const BUSY = ['VDI_IN_USE'] as const
/** What the one end sees when the other is gone. */
const BROKEN = ['XENAPI_UNREACHABLE', 'XENAPI_TASK', 'XENAPI_HTTP', 'VDI_IO_ERROR', 'Enough', 'INTERNAL_ERROR'] as const

/** What a player sends and takes by HTTP. */
export const transferOperations: Operations = {
  'export raw': { weight: 3, plausible: [], play: exportRaw },
  'export vhd': { weight: 3, plausible: [], play: exportVhd },
  'export vhd with base': { weight: 2, plausible: [], play: exportDifference },
  'export broken off': { weight: 2, plausible: [], breaks: BROKEN, play: breakExport },
  'import raw': { weight: 3, plausible: BUSY, play: importRaw },
  'import vhd': { weight: 3, plausible: BUSY, play: importVhd },
  'import broken off': { weight: 2, plausible: BUSY, breaks: BROKEN, play: breakImport },
  'export metadata': { weight: 2, plausible: [], play: exportMetadata },
  // a VM that sleeps and has lost what it sleeps in
  'import metadata': { weight: 1, plausible: ['IMPORT_ERROR_FAILED_TO_FIND_OBJECT'], play: importMetadata },
}

const someDisk = (player: Player, ...kinds: readonly OwnDisk['kind'][]): OwnDisk | undefined =>
  player.random.maybe(player.ofKind(...kinds))

async function exportRaw(player: Player): Promise<Played> {
  const disk = someDisk(player, 'disk', 'snapshot')
  if (disk === undefined) return 'skipped'
  await using stream = await player.session.exportRawVdi(disk.ref, { format: 'raw' })
  const all = await buffer(stream.body)
  if (all.length !== disk.shadow.size) throw new Finding(`raw: ${all.length} bytes of ${disk.shadow.size}`)
  expectContent(disk, 0, all, 'raw export')
  return 'done'
}

async function exportVhd(player: Player): Promise<Played> {
  const disk = someDisk(player, 'disk', 'snapshot')
  if (disk === undefined) return 'skipped'
  await using stream = await player.session.exportRawVdi(disk.ref, { format: 'vhd' })
  expectContent(disk, 0, await takeVhd(stream.body, Buffer.alloc(disk.shadow.size)), 'VHD export')
  return 'done'
}

/** Lays the blocks of a VHD over what is there. */
async function takeVhd(body: AsyncIterable<Uint8Array>, under: Buffer): Promise<Buffer> {
  const vhd = await readVhd(body)
  if (vhd.size !== under.length) throw new Finding(`a VHD of ${vhd.size} bytes for a disk of ${under.length}`)
  for await (const { offset, data } of vhd.blocks()) under.set(data, offset)
  return under
}

/** The differences over the base make the disk. */
async function exportDifference(player: Player): Promise<Played> {
  const base = player.random.maybe(player.ofKind('snapshot').filter(({ shadow }) => shadow.isKnown))
  const disk = player.ofKind('disk').find(({ ref }) => ref === base?.of)
  if (base === undefined || disk === undefined) return 'skipped'
  await using stream = await player.session.exportRawVdi(disk.ref, { format: 'vhd', base: base.ref })
  const under = Buffer.alloc(disk.shadow.size)
  under.set(base.shadow.read(0, base.shadow.count))
  expectContent(disk, 0, await takeVhd(stream.body, under), 'VHD export with a base')
  return 'done'
}

/** The client goes away in the middle. */
async function breakExport(player: Player): Promise<Played> {
  const disk = someDisk(player, 'disk', 'snapshot')
  if (disk === undefined) return 'skipped'
  const signal = player.random.chance(50) ? AbortSignal.timeout(1 + player.random.int(30)) : undefined
  try {
    await using stream = await player.session.exportRawVdi(disk.ref, { format: 'raw' }, signal)
    for await (const _ of stream.body) if (player.random.chance(50)) break
  } catch (error) {
    if (error !== signal?.reason) throw error
  }
  await player.released(disk.ref)
  return 'done'
}

/** A new content for the whole disk: some stretches written, zeros between. */
function rewritten(player: Player, disk: OwnDisk): Shadow {
  const after = new Shadow(disk.shadow.size)
  for (let n = 0; n < 3; n++) {
    const { first, count } = stretch(player, disk)
    after.write(first, count)
  }
  return after
}

async function* inPieces(shadow: Shadow): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < shadow.count; at += 16) yield shadow.read(at, Math.min(16, shadow.count - at))
}

async function importRaw(player: Player): Promise<Played> {
  const disk = someDisk(player, 'disk')
  if (disk === undefined) return 'skipped'
  const after = rewritten(player, disk)
  const options = { format: 'raw', length: after.size } as const
  await disk.shadow.replacedBy(after, BUSY, () => player.session.importRawVdi(disk.ref, inPieces(after), options))
  return 'done'
}

const BLOCKS = VHD_BLOCK / CBT_BLOCK

async function importVhd(player: Player): Promise<Played> {
  const disk = someDisk(player, 'disk')
  if (disk === undefined) return 'skipped'
  const { size } = disk.shadow
  const blocks = Array.from({ length: Math.ceil(size / VHD_BLOCK) }, (_, block) => block).filter(() =>
    player.random.chance(50),
  )
  const after = disk.shadow.copy()
  for (const block of blocks) {
    after.zero(block * BLOCKS, BLOCKS)
    after.write(block * BLOCKS + player.random.int(BLOCKS), 1)
  }
  const read = async (block: number) => after.read(block * BLOCKS, Math.min(BLOCKS, after.count - block * BLOCKS))
  const { body, length } = writeVhd({ size, blocks, read })
  await disk.shadow.replacedBy(after, BUSY, () =>
    player.session.importRawVdi(disk.ref, body, { format: 'vhd', length }),
  )
  return 'done'
}

class Enough extends Error {
  override readonly name = 'Enough'
}

/** The client stops in the middle of its body. Nobody knows then what the disk holds. */
async function breakImport(player: Player): Promise<Played> {
  const disk = someDisk(player, 'disk')
  if (disk === undefined) return 'skipped'
  const after = rewritten(player, disk)
  const body = async function* () {
    for await (const piece of inPieces(after)) {
      yield piece
      if (player.random.chance(30)) throw new Enough('the client has had enough')
    }
  }
  const signal = player.random.chance(30) ? AbortSignal.timeout(1 + player.random.int(30)) : undefined
  try {
    const options = { format: 'raw', length: after.size } as const
    await disk.shadow.replacedBy(after, BUSY, () => player.session.importRawVdi(disk.ref, body(), options, signal))
  } catch (error) {
    if (error !== signal?.reason && !(error instanceof Enough)) throw error
  }
  await player.released(disk.ref)
  return 'done'
}

async function exportMetadata(player: Player): Promise<Played> {
  const vm = player.random.maybe([...player.vms])
  if (vm === undefined) return 'skipped'
  const archive = await player.session.exportMetadata(vm, { snapshots: player.random.chance(50) })
  if (!Buffer.from(archive.subarray(0, 7)).equals(Buffer.from('ova.xml'))) throw new Finding('metadata without ova.xml')
  return 'done'
}

/** The VM comes again, beside itself, on the same disks. */
async function importMetadata(player: Player): Promise<Played> {
  const vm = player.random.maybe([...player.vms])
  if (vm === undefined || player.vms.size >= player.options.vms * 2) return 'skipped'
  const archive = await player.session.exportMetadata(vm, { snapshots: false })
  const made = await player.session.importMetadata(archive, { vdiMap: new Map(), force: player.random.chance(50) })
  for (const each of made) player.vms.add(each)
  return made.length === 1 ? 'done' : Promise.reject(new Finding(`${made.length} VMs came out of the metadata of one`))
}
