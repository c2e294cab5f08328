import { bytes, decodeBitmap, mergeBitmaps } from '@tidemark/blocks'
import { isFailure, NULL_REF, type Session, type VdiRecord, type VdiRef } from '@tidemark/xenapi'
import { apiClasses, parseType, type ApiType } from '@tidemark/xenapi/codec'

type Row = Readonly<Record<string, unknown>>
/** Every object of a pool: class, reference, record. */
export type Pool = ReadonlyMap<string, ReadonlyMap<string, Row>>

/** What `get_all_records` of every class answers. */
export async function wholePool(session: Session): Promise<Pool> {
  const methods = (await session.call('system.listMethods', [])) as string[]
  const classes = methods.flatMap((method) => /^(\w+)\.get_all_records$/.exec(method)?.[1] ?? [])
  const pool = new Map<string, ReadonlyMap<string, Row>>()
  for (const name of classes) {
    const records = (await session.call(`${name}.get_all_records`, [])) as Readonly<Record<string, Row>>
    pool.set(name, new Map(Object.entries(records)))
  }
  return pool
}

/** Says in sentences what is wrong with the objects of a pool at rest, as any client may see it. */
export function flaws(pool: Pool): readonly string[] {
  return [
    ...danglingReferences(pool),
    ...halfRelations(pool),
    ...doubleUuids(pool),
    ...badVbds(pool),
    ...badPower(pool),
  ]
}

/** What a snapshot was taken of may be gone; in xapi as well its field names it on. */
const OUTLIVING: ReadonlySet<string> = new Set(['VDI.snapshot_of', 'VM.snapshot_of', 'VM.affinity'])

/** Every reference leads to an object of its class. */
function danglingReferences(pool: Pool): string[] {
  return [...pool].flatMap(([name, rows]) =>
    Object.entries(apiClasses[name]?.fields ?? {})
      .filter(([field]) => !OUTLIVING.has(`${name}.${field}`))
      .flatMap(([field, { type }]) =>
        [...rows].flatMap(([ref, row]) =>
          referencesIn(parseType(type), row[field])
            .filter(({ to, ref: target }) => target !== NULL_REF && target !== '' && pool.get(to)?.has(target) !== true)
            .map(({ to, ref: target }) => `${name} ${ref}: ${field} is ${target}, which is no ${to}`),
        ),
      ),
  )
}

interface Reference {
  readonly to: string
  readonly ref: string
}

function referencesIn(type: ApiType, value: unknown): Reference[] {
  if (type.kind === 'ref') return [{ to: type.class, ref: String(value) }]
  if (type.kind === 'set') return Array.isArray(value) ? value.flatMap((each) => referencesIn(type.of, each)) : []
  if (type.kind !== 'map') return []
  return Object.entries(value ?? {}).flatMap(([key, each]) => [
    ...referencesIn(type.key, key),
    ...referencesIn(type.value, each),
  ])
}

/** A reference in the one class, and the list that must hold it in the other. */
const RELATIONS = [
  ['VBD', 'VM', 'VM', 'VBDs'],
  ['VBD', 'VDI', 'VDI', 'VBDs'],
  ['VIF', 'VM', 'VM', 'VIFs'],
  ['VIF', 'network', 'network', 'VIFs'],
  ['VTPM', 'VM', 'VM', 'VTPMs'],
  ['VDI', 'SR', 'SR', 'VDIs'],
  ['VDI', 'snapshot_of', 'VDI', 'snapshots'],
  ['VM', 'snapshot_of', 'VM', 'snapshots'],
  ['VM', 'parent', 'VM', 'children'],
  ['VM', 'resident_on', 'host', 'resident_VMs'],
  ['PIF', 'host', 'host', 'PIFs'],
  ['PIF', 'network', 'network', 'PIFs'],
  ['PBD', 'host', 'host', 'PBDs'],
  ['PBD', 'SR', 'SR', 'PBDs'],
] as const

/** What points somewhere is listed there, and what is listed points back. */
function halfRelations(pool: Pool): string[] {
  return RELATIONS.flatMap(([from, field, to, list]) => {
    const pairs = (name: string, each: string): [string, unknown][] =>
      [...(pool.get(name) ?? [])].map(([ref, row]) => [ref, row[each]])
    const pointing = pairs(from, field).map(([ref, target]) => `${ref} ${String(target)}`)
    const listed = pairs(to, list).flatMap(([ref, refs]) => (refs as string[]).map((each) => `${each} ${ref}`))
    const [points, lists] = [new Set(pointing), new Set(listed)]
    const known = new Set(pool.get(to)?.keys())
    return [
      ...[...points]
        .filter((pair) => known.has(pair.slice(pair.indexOf(' ') + 1)) && !lists.has(pair))
        .map((pair) => `${from}.${field} and ${to}.${list} disagree about ${pair}: it is not listed`),
      ...[...lists]
        .filter((pair) => !points.has(pair))
        .map((pair) => `${from}.${field} and ${to}.${list} disagree about ${pair}: it does not point back`),
      ...(points.size + lists.size > 0 && listed.length !== lists.size ? [`${to}.${list} lists something twice`] : []),
    ]
  })
}

function doubleUuids(pool: Pool): string[] {
  return [...pool].flatMap(([name, rows]) => {
    const seen = new Set<unknown>()
    return [...rows].flatMap(([ref, { uuid }]) => {
      const isDouble = uuid !== undefined && uuid !== '' && seen.has(uuid)
      seen.add(uuid)
      return isDouble ? [`${name} ${ref}: its uuid is another's as well`] : []
    })
  })
}

/** Every VBD has its disk; who is attached is on a VM that runs; a disk has one writer, and a log without disk none at all. */
function badVbds(pool: Pool): string[] {
  const [vms, vdis] = [pool.get('VM') ?? new Map<string, Row>(), pool.get('VDI') ?? new Map<string, Row>()]
  const writers = new Map<string, string>()
  return [...(pool.get('VBD') ?? [])].flatMap(([ref, vbd]) => {
    const [vdi, vm] = [String(vbd['VDI']), String(vbd['VM'])]
    const power = String(vms.get(vm)?.['power_state'])
    const bad: string[] = []
    if (vbd['type'] === 'Disk' && (vdi === NULL_REF || vbd['empty'] === true)) bad.push(`VBD ${ref} has no disk`)
    if (vdis.get(vdi)?.['type'] === 'cbt_metadata') bad.push(`VBD ${ref} has a disk without data, ${vdi}`)
    if (vbd['currently_attached'] !== true) return bad
    if (power === 'Halted') bad.push(`VBD ${ref} is attached, and its VM ${vm} is halted`)
    if (power === 'Suspended') return bad // attached in name only: another VM may use the disk meanwhile
    if (vbd['mode'] !== 'RW' || vdis.get(vdi)?.['sharable'] === true || vdi === NULL_REF) return bad
    const other = writers.get(vdi)
    if (other !== undefined && other !== vm) bad.push(`${vdi} is written to by the VMs ${other} and ${vm}`)
    writers.set(vdi, vm)
    return bad
  })
}

/** A VM is somewhere exactly while it runs. */
function badPower(pool: Pool): string[] {
  return [...(pool.get('VM') ?? [])].flatMap(([ref, { power_state, resident_on, is_a_snapshot }]) => {
    const isUp = power_state === 'Running' || power_state === 'Paused'
    if (isUp && resident_on === NULL_REF) return [`VM ${ref} is ${power_state}, and on no host`]
    if (power_state === 'Halted' && resident_on !== NULL_REF) return [`VM ${ref} is halted, and on a host`]
    return isUp && is_a_snapshot === true ? [`VM ${ref} is a snapshot, and runs`] : []
  })
}

/** Nothing may be under way in a pool at rest. */
export function leftovers(pool: Pool, allowedTasks: ReadonlySet<string> = new Set()): readonly string[] {
  const vms = pool.get('VM') ?? new Map<string, Row>()
  const pending = [...(pool.get('task') ?? [])].filter(
    ([ref, row]) => row['status'] === 'pending' && !allowedTasks.has(ref),
  )
  const held = [...(pool.get('VBD') ?? [])].filter(
    ([, vbd]) => vms.get(String(vbd['VM']))?.['is_control_domain'] === true,
  )
  const busy = [...pool].flatMap(([name, rows]) =>
    [...rows]
      .filter(([, row]) => name !== 'task' && Object.keys(row['current_operations'] ?? {}).length > 0)
      .map(([ref, row]) => `${name} ${ref} is still at ${JSON.stringify(row['current_operations'])}`),
  )
  return [
    ...pending.map(([ref, row]) => `task ${ref}, ${String(row['name_label'])}, is pending`),
    ...held.map(([ref, row]) => `VBD ${ref} of a control domain holds ${String(row['VDI'])}`),
    ...busy,
  ]
}

/**
 * Tracking chains are lines: of three snapshots of a disk, in the order of their times, where the first leads to the last it leads
 * over the middle one, and what changed is the sum of both ways.
 * @param most how many disks are looked at
 */
export async function crookedChains(session: Session, pool: Pool, most: number): Promise<readonly string[]> {
  const vdis = [...(pool.get('VDI') ?? [])] as unknown as [VdiRef, VdiRecord][]
  const families = Map.groupBy(
    vdis.filter(([, vdi]) => vdi.is_a_snapshot && vdi.cbt_enabled && vdi.snapshot_of !== NULL_REF),
    ([, vdi]) => vdi.snapshot_of,
  )
  const bad: string[] = []
  const long = [...families.values()].filter((family) => family.length > 2).slice(0, most)
  for (const family of long) {
    const line = family.toSorted(([, a], [, b]) => a.snapshot_time.getTime() - b.snapshot_time.getTime()).slice(0, 6)
    for (const [at, [c, last]] of line.entries()) {
      for (const [earlier, [a]] of line.slice(0, Math.max(0, at - 1)).entries()) {
        const [b] = line[earlier + 1] ?? [c]
        const [ab, bc, ac] = [await diff(session, a, b), await diff(session, b, c), await diff(session, a, c)]
        if (ac === undefined) continue
        if (ab === undefined || bc === undefined) bad.push(`${a} leads to ${c}, but not over ${b}, which is between`)
        else if (!isSum(ab, bc, ac, last.virtual_size))
          bad.push(`${a} to ${c} is not what changed on the way over ${b}`)
      }
    }
  }
  return bad
}

const isSum = (ab: string, bc: string, ac: string, size: number): boolean => {
  const sum = mergeBitmaps([ab, bc].map((base64) => Buffer.from(base64, 'base64')))
  return Buffer.from(sum).equals(decodeBitmap(ac, bytes(size)))
}

/** undefined: no log leads from the one to the other. */
async function diff(session: Session, from: VdiRef, to: VdiRef): Promise<string | undefined> {
  try {
    return await session.VDI.list_changed_blocks(from, to)
  } catch (error) {
    const none = ['SR_BACKEND_FAILURE_459', 'SR_BACKEND_FAILURE_460', 'VDI_IN_USE']
    if (none.some((code) => isFailure(error, code))) return undefined
    throw error
  }
}
