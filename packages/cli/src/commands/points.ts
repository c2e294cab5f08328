import { changedExtents, countMarked } from '@tidemark/blocks'
import {
  choosePoint,
  isPointOf,
  listPoints,
  openPoint,
  suspectsOf,
  vmNameOf,
  vmOf,
  type OpenPoint,
  type RestorePoint,
} from '@tidemark/engine'
import type { Repository } from '@tidemark/repository'
import { openRepo, type GlobalOptions, type RepositoryOptions } from '../connect.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'
import { table } from '../output/table.ts'
import { moment, shortId, size } from '../output/units.ts'
import type { Proof } from '../proofs.ts'
import { proofsOfThisMachine } from '../state.ts'
import { soundNear, SUSPECT_WARNING, type FoundPoint } from './suspect.ts'

export async function points(
  global: GlobalOptions,
  out: Out,
  vm: string | undefined,
  args: RepositoryOptions,
): Promise<ExitCode> {
  await using repository = await openRepo(global, args)
  const all = await listPoints(repository, {}, global.signal)
  const found = vm === undefined ? all : all.filter((point) => isPointOf(point, vm))
  const suspects = suspectsOf(all)
  const proofs = await proofsOfThisMachine(repository.id).all()
  const rows = found.map((point) => [
    shortId(point.id),
    moment(point.snapshot.time),
    vmNameOf(point),
    added(point.snapshot.summary?.dataAddedPacked),
    provedText(proofs.get(point.id) ?? []),
    [...(suspects.has(point.id) ? ['SUSPECT'] : []), ...ownTags(point)].join(','),
  ])
  const listed = found.map((point) => ({
    id: point.id,
    snapshot: point.snapshot.id,
    time: point.snapshot.time.toISOString(),
    vm: { uuid: vmOf(point) ?? null, name: vmNameOf(point) },
    stored: point.snapshot.summary?.dataAddedPacked ?? null,
    tags: tagsOf(point),
    suspect: suspects.has(point.id),
    proofs: proofs.get(point.id) ?? [],
  }))
  const text =
    rows.length === 0 ? 'no restore points' : table(['point', 'time', 'VM', '>stored', 'proved', 'tags'], rows)
  out.result({ points: listed }, text)
  return exitCodes.done
}

const tagsOf = ({ snapshot }: RestorePoint): readonly string[] => snapshot.tags ?? []

/** Without those that say what a point is. */
const ownTags = (point: RestorePoint): readonly string[] =>
  tagsOf(point).filter((tag) => tag !== 'tidemark' && !tag.startsWith('vm-') && !tag.startsWith('suspect'))

/** What is wrong, or the dearest proof there is. */
function provedText(proofs: readonly Proof[]): string {
  const shown = proofs.findLast(({ passed }) => !passed) ?? proofs.at(-1)
  if (shown === undefined) return ''
  return `${shown.passed ? '' : 'NOT '}${shown.step} ${moment(new Date(shown.at)).slice(0, 10)}`
}

const added = (bytes: number | undefined): string => (bytes === undefined ? '' : size(bytes))

export async function show(
  global: GlobalOptions,
  out: Out,
  selector: string,
  args: RepositoryOptions,
): Promise<ExitCode> {
  await using repository = await openRepo(global, args)
  const point = await findPoint(repository, selector, global.signal)
  const maps = await changeMaps(point, global.signal)
  const proofs = (await proofsOfThisMachine(repository.id).all()).get(point.id) ?? []
  out.result(
    {
      id: point.id,
      snapshot: point.snapshot.id,
      suspect: point.suspect,
      proofs,
      record: point.record,
      changed: Object.fromEntries(maps.ranges),
    },
    showText(point, maps.lines, proofs),
  )
  return exitCodes.done
}

/** Finds a point and reads its record. The order matters: snapshots first, then the index. */
export async function findPoint(repository: Repository, selector: string, signal: AbortSignal): Promise<FoundPoint> {
  const all = await listPoints(repository, {}, signal)
  await repository.loadIndex(signal)
  const point = choosePoint(all, selector)
  const suspects = suspectsOf(all)
  const opened = await openPoint(repository, point, signal)
  return { ...opened, suspect: suspects.has(point.id), sound: soundNear(all, suspects, point) }
}

const proofLine = ({ step, at, passed, detail }: Proof): string =>
  `${passed ? step.padEnd(9) : `NOT ${step}`} ${moment(new Date(at))}: ${detail}`

function showText(point: FoundPoint, maps: ReadonlyMap<string, string>, proofs: readonly Proof[]): string {
  const { record, snapshot, id } = point
  const rows = record.disks.map(({ position, name, size: bytes, action, source, bytes: counted }) => [
    String(position),
    name,
    size(bytes),
    `${action} over ${source}`,
    size(counted.changed),
    size(counted.read),
    size(counted.new),
    size(counted.stored),
  ])
  const lines = record.disks.flatMap(({ position, reason, vdi }) => [
    `disk ${position}: ${reason}`,
    ...(maps.has(vdi) ? [`  changed [${maps.get(vdi)}]`] : []),
  ])
  return [
    ...(point.suspect ? [`SUSPECT   ${SUSPECT_WARNING}`] : []),
    `point     ${id}`,
    `restic    ${snapshot.id.slice(0, 8)}  tags ${tagsOf(point).join(',')}`,
    `VM        ${record.vm.name} (${record.vm.uuid}), ${record.vm.powerState.toLowerCase()}`,
    `pool      ${record.pool.name} (${record.pool.uuid})`,
    `taken     ${moment(new Date(record.takenAt))} by ${record.tool}`,
    ...proofs.map(proofLine),
    '',
    table(['>disk', 'name', '>size', 'run', '>changed', '>read', '>new', '>stored'], rows),
    '',
    ...lines,
  ].join('\n')
}

/** Cells of the change map; each stands for an equal part of the disk. */
const CELLS = 60
const SHADES = [' ', '.', ':', '+', '#'] as const

async function changeMaps(point: OpenPoint, signal: AbortSignal) {
  const lines = new Map<string, string>()
  const ranges = new Map<string, readonly { offset: number; length: number }[]>()
  for (const record of point.record.disks) {
    const disk = point.parts.disks.find(({ vdiUuid }) => vdiUuid === record.vdi)
    const bitmap = await disk?.bitmap(signal)
    if (bitmap === undefined) continue
    ranges.set(record.vdi, changedExtents(bitmap, record.size))
    lines.set(record.vdi, changeMap(bitmap))
  }
  return { lines, ranges }
}

/** How full of changes each part of the disk is: blank for none, `#` for more than three quarters. */
export function changeMap(bitmap: Uint8Array): string {
  const cells = Math.min(CELLS, Math.max(1, bitmap.length))
  return Array.from({ length: cells }, (_, cell) => {
    const from = Math.floor((cell * bitmap.length) / cells)
    const to = Math.max(from + 1, Math.floor(((cell + 1) * bitmap.length) / cells))
    const share = countMarked(bitmap.subarray(from, to)) / ((to - from) * 8)
    return SHADES[share === 0 ? 0 : Math.min(4, 1 + Math.floor(share * 4))] ?? ' '
  }).join('')
}
