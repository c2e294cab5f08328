import { createHash } from 'node:crypto'
import { CBT_BLOCK, extent } from '@tidemark/blocks'
import { NbdError, openNbd, readRuns, type NbdClient, type NbdTarget } from '@tidemark/nbd'
import type { VdiRef } from '@tidemark/xenapi'
import type { Operations, Played } from './operations.ts'
import { Finding, type OwnDisk, type Player } from './player.ts'
import { Shadow } from './shadow.ts'

const GRAIN = 2 * 1024 * 1024

/** Somebody uses the disk. */
const BUSY = ['VDI_IN_USE'] as const
/** The change logs do not lead from the one to the other. */
const NO_LOG = ['SR_BACKEND_FAILURE_459', 'SR_BACKEND_FAILURE_460'] as const

/** What a player does with its disks. */
export const diskOperations: Operations = {
  'guest writes': { weight: 14, plausible: [], play: write },
  'read over NBD': { weight: 8, plausible: [], play: readOverNbd },
  'VDI.create': { weight: 3, plausible: [], play: create },
  'VDI.snapshot': { weight: 6, plausible: [], play: snapshot },
  'VDI.clone': { weight: 3, plausible: [], play: clone },
  'VDI.copy': { weight: 2, plausible: BUSY, play: copy },
  'VDI.resize': { weight: 2, plausible: BUSY, play: resize },
  'VDI.destroy': { weight: 7, plausible: BUSY, play: destroy },
  'VDI.enable_cbt': { weight: 4, plausible: [], play: enableCbt },
  'VDI.disable_cbt': { weight: 1, plausible: [], play: disableCbt },
  'VDI.data_destroy': { weight: 4, plausible: [...BUSY, 'VDI_NO_CBT_METADATA'], play: dataDestroy },
  'VDI.list_changed_blocks': { weight: 12, plausible: [...BUSY, ...NO_LOG], play: listChangedBlocks },
  'VDI.checksum': { weight: 1, plausible: BUSY, play: checksum },
}

/** A stretch of the disk, mostly short. */
export function stretch({ random }: Player, { shadow }: OwnDisk): { readonly first: number; readonly count: number } {
  const first = random.int(shadow.count)
  return { first, count: Math.min(1 + random.int(random.chance(20) ? 32 : 3), shadow.count - first) }
}

async function write(player: Player): Promise<Played> {
  const disk = player.random.maybe(player.ofKind('disk'))
  if (disk === undefined) return 'skipped'
  const { first, count } = stretch(player, disk)
  await player.control.writeDisk(disk.uuid, first * CBT_BLOCK, disk.shadow.write(first, count))
  return 'done'
}

/** The place for readers is small: 16 connections for each host. Who gets none comes back later. */
async function readOverNbd(player: Player): Promise<Played> {
  const disk = player.random.maybe(player.ofKind('disk', 'snapshot'))
  if (disk === undefined) return 'skipped'
  const info = player.random.maybe(await player.session.VDI.get_nbd_info(disk.ref))
  if (info === undefined) throw new Finding('no host offers the disk over NBD')
  const { address, port, exportname, cert } = info
  const target = { address: { host: address, port }, exportName: exportname }
  await using client = await opened({ ...target, tls: { kind: 'certificate', pem: cert } })
  if (client === undefined) return 'skipped'
  if (client.size !== disk.shadow.size) throw new Finding(`NBD has ${client.size} bytes of ${disk.shadow.size}`)
  const runs = Array.from({ length: 1 + player.random.int(4) }, () => stretch(player, disk))
  runs.sort((a, b) => a.first - b.first)
  for (const { first, count } of runs) {
    for await (const { offset, data } of readRuns(client, [extent(first * CBT_BLOCK, count * CBT_BLOCK)])) {
      expectContent(disk, offset / CBT_BLOCK, data, 'NBD')
    }
  }
  return 'done'
}

/** Who is one connection too many, or whose session ended, is turned away without a word. */
async function opened(target: NbdTarget): Promise<NbdClient | undefined> {
  try {
    return await openNbd(target, { alignment: 512, connectTimeoutMs: 120_000, requestTimeoutMs: 300_000 })
  } catch (error) {
    if (error instanceof NbdError && ['NBD_DISCONNECTED', 'NBD_EXPORT'].includes(error.code)) return undefined
    throw error
  }
}

/** @throws Finding when the disk does not hold what was written to it */
export function expectContent({ uuid, kind, shadow }: OwnDisk, first: number, data: Uint8Array, way: string): void {
  const wrong = shadow.mismatch(first, data)
  if (wrong !== undefined) throw new Finding(`${way}: block ${wrong} of the ${kind} ${uuid} is not what was written`)
}

async function create(player: Player): Promise<Played> {
  if (isFull(player)) return 'skipped'
  const size = GRAIN * (1 + player.random.int(3)) - player.random.int(GRAIN)
  const rest = { type: 'user', sharable: false, read_only: false, other_config: {} } as const
  const record = { name_label: player.name, SR: await player.storage(), virtual_size: size, ...rest }
  const vdi = await player.calls().VDI.create(record)
  await player.adopt(vdi, 'disk', new Shadow(Math.ceil(size / GRAIN) * GRAIN))
  return 'done'
}

/** Players stay near the number of disks they began with. */
export const isFull = ({ disks, options }: Player): boolean => disks.size >= options.vms * options.disks * 1.3 + 8
const isCrowded = ({ disks, options }: Player): boolean => disks.size > options.vms * options.disks

async function snapshot(player: Player): Promise<Played> {
  const disk = player.random.maybe(player.ofKind('disk'))
  if (disk === undefined || isFull(player)) return 'skipped'
  const made = await player.calls().VDI.snapshot(disk.ref)
  await player.adopt(made, 'snapshot', disk.shadow.copy(), disk.ref)
  return 'done'
}

async function clone(player: Player): Promise<Played> {
  const disk = player.random.maybe(player.ofKind('disk', 'snapshot'))
  if (disk === undefined || isFull(player)) return 'skipped'
  await player.adopt(await player.calls().VDI.clone(disk.ref), 'disk', disk.shadow.copy())
  return 'done'
}

async function copy(player: Player): Promise<Played> {
  const disk = player.random.maybe(player.ofKind('disk', 'snapshot'))
  if (disk === undefined || isFull(player)) return 'skipped'
  const made = await player.calls().VDI.copy(disk.ref, await player.storage())
  await player.adopt(made, 'disk', disk.shadow.copy())
  return 'done'
}

async function resize(player: Player): Promise<Played> {
  const disk = player.random.maybe(player.ofKind('disk').filter(({ shadow }) => shadow.size < 8 * GRAIN))
  if (disk === undefined) return 'skipped'
  const size = disk.shadow.size + GRAIN
  await player.calls().VDI.resize(disk.ref, size)
  disk.shadow.grow(size)
  return 'done'
}

async function destroy(player: Player): Promise<Played> {
  const disk = player.random.maybe([...player.disks.values()])
  if (disk === undefined || !isCrowded(player)) return 'skipped'
  await player.calls().VDI.destroy(disk.ref)
  player.disks.delete(disk.ref)
  return 'done'
}

async function enableCbt(player: Player): Promise<Played> {
  const disk = player.random.maybe(player.ofKind('disk'))
  if (disk === undefined) return 'skipped'
  await player.calls().VDI.enable_cbt(disk.ref)
  return 'done'
}

async function disableCbt(player: Player): Promise<Played> {
  const disk = player.random.maybe(player.ofKind('disk'))
  if (disk === undefined) return 'skipped'
  await player.calls().VDI.disable_cbt(disk.ref)
  return 'done'
}

async function dataDestroy(player: Player): Promise<Played> {
  const { session } = player
  const disk = player.random.maybe(player.ofKind('snapshot'))
  if (disk === undefined) return 'skipped'
  // the disks of a VM snapshot wait for seconds, and then refuse; once in a while that is tried as well
  if (player.random.chance(90) && (await session.VDI.get_VBDs(disk.ref)).length > 0) return 'skipped'
  if (player.random.chance(90) && !(await session.VDI.get_cbt_enabled(disk.ref))) return 'skipped'
  await player.calls().VDI.data_destroy(disk.ref)
  disk.kind = 'metadata'
  return 'done'
}

/** What is asked of two snapshots, or of a snapshot and the disk itself, must cover all that was written between. */
async function listChangedBlocks(player: Player): Promise<Played> {
  const frozen = player.ofKind('snapshot', 'metadata')
  const from = player.random.maybe(frozen)
  if (from?.of === undefined) return 'skipped'
  const origin = from.of
  const later = player.random.chance(85) ? frozen.slice(frozen.indexOf(from) + 1) : frozen
  const to = player.random.maybe([...later, ...player.ofKind('disk')].filter(related(origin)))
  if (to === undefined) return 'skipped'
  const base64 = await player.calls().VDI.list_changed_blocks(from.ref, to.ref)
  const missing = to.shadow.unmarked(from.shadow, base64)
  if (missing !== undefined) {
    throw new Finding(`block ${missing} changed between ${from.uuid} and ${to.uuid}, and the bitmap leaves it out`)
  }
  return 'done'
}

const related =
  (origin: VdiRef) =>
  ({ ref, of }: OwnDisk): boolean =>
    ref === origin || of === origin

async function checksum(player: Player): Promise<Played> {
  const disk = player.random.maybe(player.ofKind('disk', 'snapshot').filter(({ shadow }) => shadow.isKnown))
  if (disk === undefined) return 'skipped'
  const md5 = createHash('md5').update(disk.shadow.read(0, disk.shadow.count)).digest('hex')
  const found = await player.session.call('VDI.checksum', [disk.ref])
  if (found !== md5) throw new Finding(`the checksum of ${disk.uuid} is ${String(found)}, not ${md5}`)
  return 'done'
}
