import { bytes, totalLength, type Bytes } from '@tidemark/blocks'
import { dataExtents } from '@tidemark/repository'
import { EngineError } from '../error.ts'
import type { OpenPoint } from '../points.ts'
import type { Pool, TargetFacts, TargetStorage, VmSettings } from '../pool.ts'
import type { DiskRecord } from '../vm-record.ts'
import { contentOf } from './disks.ts'

/** How a place of the point was found on the pool: as somebody said, the same object, or the only one of its name. */
export type Rule = 'chosen' | 'same' | 'same-name'

/** Something that has a UUID and a name: a network, a storage repository. */
export interface Place {
  readonly uuid: string
  readonly name: string
}

/** Where a disk goes. */
export interface DiskPlacement {
  readonly record: DiskRecord
  readonly storage: TargetStorage
  readonly rule: Rule
  /** Bytes that are not zero. */
  readonly data: Bytes
}

/** What becomes of a network card; one without a network is not made. */
export interface CardPlacement {
  readonly device: string
  /** `will` is the word 'new' for an address that the pool chooses. */
  readonly mac: { readonly was: string; readonly will: string; readonly why: string }
  readonly network: { readonly was: Place; readonly will: Place | undefined; readonly rule: Rule }
}

/** All that a restore as new VM will do. Making one changes nothing. */
export interface NewVmPlan {
  readonly pool: { readonly uuid: string; readonly name: string; readonly isSame: boolean }
  readonly name: { readonly was: string; readonly will: string }
  readonly settings: VmSettings
  readonly disks: readonly DiskPlacement[]
  readonly cards: readonly CardPlacement[]
  /** What an administrator should know, as sentences. */
  readonly notes: readonly string[]
}

export interface Mapping {
  /** Name or UUID of the SR for all disks that `mapStorage` does not name. */
  readonly storage: string | undefined
  /** From an SR of the point to one of the pool, by name or UUID. */
  readonly mapStorage?: ReadonlyMap<string, string>
  /** From a network of the point to one of the pool, by name or UUID; `none` leaves its cards out. */
  readonly mapNetwork?: ReadonlyMap<string, string>
  /** Leaves out all cards. */
  readonly withoutNetworks?: boolean
  /** Whether cards keep their addresses; without it those keep them that no other VM of the pool has. */
  readonly mac?: 'keep' | 'new'
}

/**
 * Plans a restore as new VM: each place by what was chosen, else the same object, else the only one of its name.
 * @throws EngineError ENGINE_TARGET, naming everything that has no place and what there is to choose from
 */
export async function planNewVm(
  pool: Pool,
  point: OpenPoint,
  options: Mapping & { readonly name: string },
  signal?: AbortSignal,
): Promise<NewVmPlan> {
  const { metadata } = point.parts
  if (metadata === undefined) {
    throw new EngineError('ENGINE_TARGET', 'the point holds no VM settings; restore its disks with --new-disk instead')
  }
  const facts = await pool.restore.facts(signal)
  const settings = pool.restore.settingsOf(metadata)
  const problems: string[] = []
  const collect = <Result>(work: () => Result): Result[] => {
    try {
      return [work()]
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      problems.push(error.message)
      return []
    }
  }
  const disks = await placeDisks(point, point.record.disks, facts, options, collect, signal)
  const cards = settings.cards.flatMap((card) => collect(() => placeCard(card, facts, options)))
  problems.push(...shortages(disks))
  if (problems.length > 0) throw new EngineError('ENGINE_TARGET', problems.join('; '))
  const isSame = point.record.pool.uuid === pool.identity.uuid
  return {
    pool: { ...pool.identity, isSame },
    name: { was: settings.name, will: options.name },
    settings,
    disks,
    cards,
    notes: [...notesOn(settings, facts, isSame)],
  }
}

/** Plans new disks without a VM. @throws EngineError ENGINE_TARGET */
export async function planNewDisks(
  pool: Pool,
  point: OpenPoint,
  records: readonly DiskRecord[],
  options: Mapping,
  signal?: AbortSignal,
): Promise<readonly DiskPlacement[]> {
  const facts = await pool.restore.facts(signal)
  const disks = await placeDisks(point, records, facts, options, (work) => [work()], signal)
  const [problem] = shortages(disks)
  if (problem !== undefined) throw new EngineError('ENGINE_TARGET', problem)
  return disks
}

type Collect = <Result>(work: () => Result) => Result[]

async function placeDisks(
  point: OpenPoint,
  records: readonly DiskRecord[],
  { storages }: TargetFacts,
  { storage: forAll, mapStorage = new Map<string, string>() }: Mapping,
  collect: Collect,
  signal: AbortSignal | undefined,
): Promise<readonly DiskPlacement[]> {
  const disks: DiskPlacement[] = []
  for (const record of records) {
    const chosen = mapped(record.storage, mapStorage) ?? forAll
    const wanted = { what: 'storage repository', option: '--sr or --map-sr', was: record.storage, chosen }
    for (const { place, rule } of collect(() => find(storages, wanted))) {
      const data = totalLength(dataExtents(await contentOf(point, record, signal)))
      disks.push({ record, storage: place, rule, data })
    }
  }
  return disks
}

function placeCard(
  { device, mac, network }: VmSettings['cards'][number],
  { networks, macs }: TargetFacts,
  { mapNetwork = new Map<string, string>(), withoutNetworks = false, mac: wish }: Mapping,
): CardPlacement {
  const chosen = withoutNetworks ? 'none' : mapped(network, mapNetwork)
  const wanted = { what: 'network', option: '--map-network', was: network, chosen }
  const { place: will, rule } =
    chosen === 'none' ? { place: undefined, rule: 'chosen' as const } : find(networks, wanted)
  const user = macs.get(mac.toLowerCase())
  const keeps = wish === 'keep' || (wish === undefined && user === undefined)
  const inUse = user === undefined ? 'no other VM here has it' : `'${user}' has it`
  return {
    device,
    mac: { was: mac, will: keeps ? mac : 'new', why: wish === undefined ? inUse : `chosen; ${inUse}` },
    network: { was: network, will, rule },
  }
}

/** What somebody said of a place, by its UUID or its name. */
const mapped = ({ uuid, name }: Place, map: ReadonlyMap<string, string>): string | undefined =>
  map.get(uuid) ?? map.get(name)

interface Wanted {
  readonly what: string
  readonly option: string
  readonly was: Place
  readonly chosen: string | undefined
}

function find<Found extends Place>(
  places: readonly Found[],
  { what, option, was, chosen }: Wanted,
): { readonly place: Found; readonly rule: Rule } {
  const selector = chosen ?? was.uuid
  const exact = places.find(({ uuid }) => uuid === selector)
  if (exact !== undefined) return { place: exact, rule: chosen === undefined ? 'same' : 'chosen' }
  const name = chosen ?? was.name
  const [first, ...others] = places.filter((each) => each.name === name)
  if (first !== undefined && others.length === 0) {
    return { place: first, rule: chosen === undefined ? 'same-name' : 'chosen' }
  }
  const problem = first === undefined ? `is no ${what} here` : `is the name of several of them here (${what})`
  const known = places.map((each) => `${each.name} (${each.uuid})`).join(', ')
  throw new EngineError('ENGINE_TARGET', `'${name}' ${problem}; choose one with ${option}: ${known}`)
}

/** Drivers that take all of a disk's room when it is made. */
const THICK = new Set(['lvm', 'lvmoiscsi', 'lvmohba', 'lvmofcoe'])

function shortages(disks: readonly DiskPlacement[]): readonly string[] {
  const needs = new Map<TargetStorage, number>()
  for (const { storage, record, data } of disks) {
    needs.set(storage, (needs.get(storage) ?? 0) + (THICK.has(storage.type) ? record.size : data))
  }
  return [...needs].flatMap(([{ name, uuid, free }, need]) =>
    free === undefined || need <= free
      ? []
      : [`the disks need ${need} bytes on '${name}' (${uuid}), which has ${free} free: choose another with --sr`],
  )
}

function* notesOn(settings: VmSettings, { hosts, vms }: TargetFacts, isSame: boolean): Generator<string> {
  const { memory, virtualCpus, firmware, hasTpm, isSuspended } = settings
  const mostMemory = Math.max(0, ...hosts.map((host) => host.memory))
  const mostCpus = Math.max(0, ...hosts.map(({ cpus }) => cpus))
  yield 'the new VM is off: it starts afresh, with the CPU features that its host has then'
  if (isSuspended) yield 'it was suspended; what it had in memory is not in the point'
  if (mostMemory > 0 && memory > mostMemory) {
    yield `it has ${memory} bytes of memory, more than any host here (${mostMemory}): it cannot start until that is less`
  }
  if (mostCpus > 0 && virtualCpus > mostCpus) {
    yield `it has ${virtualCpus} virtual CPUs, more than any host here has CPUs (${mostCpus}): it will be slow`
  }
  if (hasTpm) yield 'it has a virtual TPM, whose secrets are not part of exported settings: keep recovery keys at hand'
  if (!isSame && firmware === 'UEFI') yield 'it boots by UEFI: with secure boot, this pool needs its certificates too'
  if (vms.size === 0) yield 'the pool shows no VMs at all: is this the right account?'
}

/** Sum of what the plan sends, in bytes. */
export const dataOf = ({ disks }: Pick<NewVmPlan, 'disks'>): Bytes =>
  bytes(disks.reduce((sum, { data }) => sum + data, 0))
