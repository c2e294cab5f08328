import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  blobId,
  forget,
  initRepository,
  judge,
  localBackend,
  memoryBackend,
  parseGroupBy,
  parseSpan,
  planForget,
  type ForgetRequest,
  type KeepRules,
  type NewSnapshot,
  type Repository,
  type Snapshot,
} from '../src/index.ts'
import { seededRandom, type Random } from './support/random.ts'

const PASSWORD = 'pw'
const options = { kdf: { N: 1024, r: 8, p: 1 }, workers: 0 } as const
const run = promisify(execFile)
const TREE = blobId('ac08ce34ba4f8123618661bef2425f7028ffb9ac740578a3ee88684d2523fee8')

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-forget-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

const HOUR = 3_600_000
const DAY = 24 * HOUR
const zoneBefore = process.env['TZ']
afterEach(() => setZone(zoneBefore))

function setZone(zone: string | undefined): void {
  if (zone === undefined) delete process.env['TZ']
  else process.env['TZ'] = zone
}

/** RFC 3339 as restic writes it, at an offset, with nanoseconds below the millisecond. */
function timeTextOf(ms: number, offsetMinutes: number, nanoseconds: number): string {
  const wall = new Date(ms + offsetMinutes * 60_000).toISOString().slice(0, 23)
  const sign = offsetMinutes < 0 ? '-' : '+'
  const two = (n: number) => String(n).padStart(2, '0')
  const offset = Math.abs(offsetMinutes)
  const zone = offset === 0 ? 'Z' : `${sign}${two(Math.floor(offset / 60))}:${two(offset % 60)}`
  const fraction = `${wall.slice(20)}${String(nanoseconds).padStart(6, '0')}`.replace(/0+$/, '')
  return `${wall.slice(0, 19)}${fraction === '' ? '' : `.${fraction}`}${zone}`
}

/** Where calendars are odd: the end of ISO years, leap days, both changes to and from summer time, and ends of months. */
const starts = [
  '2020-12-25T00:00:00Z',
  '2015-12-27T20:00:00Z',
  '2024-02-26T12:00:00Z',
  '2023-03-20T00:00:00Z',
  '2023-10-25T00:00:00Z',
  '2022-05-29T00:00:00Z',
  '1999-12-30T00:00:00Z',
]
const steps = [HOUR / 4, HOUR, 5 * HOUR, DAY, 3 * DAY, 8 * DAY, 40 * DAY]

/** One series of points: a host of its own. */
function seriesOf(random: Random, host: string, offsetOf: (ms: number) => number): NewSnapshot[] {
  let ms = Date.parse(random.pick(starts))
  const step = random.pick(steps)
  return Array.from({ length: 1 + random.below(28) }, () => {
    const kind = random.below(10)
    if (kind > 1) ms += Math.floor(step * (0.5 + random.below(1000) / 1000))
    else if (kind === 1) ms += random.below(1000) // within one second, or at the very same moment
    const timeText = timeTextOf(ms, offsetOf(ms), random.below(3) === 0 ? random.below(1_000_000) : 0)
    const tags = ['a', 'b', 'c'].filter(() => random.below(8) === 0)
    return { time: new Date(ms), timeText, tree: TREE, paths: ['/pool/vm'], hostname: host, tags }
  })
}

function spanOf(random: Random): string {
  const parts = ['y', 'm', 'd', 'h'].map((unit) => (random.below(3) === 0 ? `${1 + random.below(14)}${unit}` : ''))
  return parts.join('') || `${1 + random.below(60)}d`
}

const counts = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const
const spans = ['within', 'withinHourly', 'withinDaily', 'withinWeekly', 'withinMonthly', 'withinYearly'] as const

/** Rules, and the same as restic's options. */
function rulesOf(random: Random): { rules: KeepRules; args: string[] } {
  const rules: Record<string, unknown> = {}
  const args: string[] = []
  for (const name of counts) {
    if (random.below(3) !== 0) continue
    rules[name] = 1 + random.below(9)
    args.push(`--keep-${name}`, String(rules[name]))
  }
  for (const name of spans) {
    if (random.below(5) !== 0) continue
    const text = spanOf(random)
    rules[name] = parseSpan(text)
    args.push(`--keep-${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`, text)
  }
  if (random.below(4) === 0) {
    const lists = [random.pick([['a'], ['a', 'b'], ['b', 'c']])]
    rules['tags'] = lists
    for (const list of lists) args.push('--keep-tag', list.join(','))
  }
  if (args.length === 0) return rulesOf(random)
  return { rules, args }
}

interface ResticGroup {
  readonly host: string
  readonly keep: readonly { readonly id: string; readonly time: string; readonly tags?: readonly string[] }[] | null
}

async function resticKeeps(path: string, args: readonly string[], zone: string): Promise<ResticGroup[]> {
  const { stdout } = await run('restic', ['--no-cache', '-r', path, 'forget', '--dry-run', '--json', ...args], {
    env: { ...process.env, RESTIC_PASSWORD: PASSWORD, TZ: zone },
    maxBuffer: 1 << 26,
  })
  const line = stdout.split('\n').find((each) => each.startsWith('['))
  return JSON.parse(line ?? '[]') as ResticGroup[]
}

/** Points of one moment are in no order, for restic neither: which of them is kept is left open, if not by tags. */
const likeness = ({ time, tags = [] }: { time: string; tags?: readonly string[] }): string => `${time} ${tags.join()}`

const SEED = 1
const ROUNDS = 3

describe.each([
  ['UTC', [0, 0, 330]],
  ['Europe/Berlin', [undefined, undefined, 0]],
  ['America/St_Johns', [undefined, undefined, -600]],
] as const)('in the zone %s', (zone, offsets) => {
  test(`the same points are kept as by stock restic, whatever the rules (seed ${SEED})`, async () => {
    setZone(zone)
    expect(new Date('2023-07-01T12:00:00Z').getTimezoneOffset()).toBe(
      zone === 'UTC' ? 0 : zone.startsWith('E') ? -120 : 150,
    )
    const random = seededRandom(SEED)
    const path = join(directory, zone.replace('/', '-'))
    await using repository = await initRepository(localBackend(path), PASSWORD, options)
    for (let host = 0; host < 24; host++) {
      const fixed = random.pick(offsets)
      const offsetOf = (ms: number) => fixed ?? -new Date(ms).getTimezoneOffset()
      const series = seriesOf(random, `host-${host}`, offsetOf)
      const tied = new Map<string, readonly string[]>()
      for (const each of series) {
        const key = each.timeText ?? ''
        if (!tied.has(key)) tied.set(key, each.tags ?? [])
        await repository.saveSnapshot({ ...each, tags: tied.get(key) ?? [] })
      }
    }
    const texts = new Map<string, Snapshot>()
    for await (const snapshot of repository.snapshots()) texts.set(snapshot.id, snapshot)
    for (let round = 0; round < ROUNDS; round++) {
      const { rules, args } = rulesOf(random)
      const theirs = await resticKeeps(path, args, zone)
      const plan = await planForget(repository, {
        rules,
        groupBy: ['host', 'paths'],
        allowRemoveAll: true,
        judging: { keepOldest: false }, // Debian's 0.14 knows no oldest point
      })
      expect(plan.groups).toHaveLength(theirs.length)
      for (const { host, keep } of theirs) {
        const ours = plan.groups.find(({ name }) => name.startsWith(`host ${host},`))
        const kept = ours?.verdicts.filter((verdict) => verdict.keep).map(({ snapshot }) => snapshot) ?? []
        const expected = (keep ?? []).map(({ id }) => texts.get(id)).filter((each) => each !== undefined)
        const text = (each: Snapshot) =>
          likeness({ time: each.timeText ?? each.time.toISOString(), tags: each.tags ?? [] })
        expect({ args, host, kept: kept.map(text).toSorted() }).toEqual({
          args,
          host,
          kept: expected.map(text).toSorted(),
        })
      }
    }
  }, 60_000)
})

const dayOf = (day: number, more: Partial<NewSnapshot> = {}): NewSnapshot => ({
  time: new Date(Date.UTC(2026, 10, day, 10)),
  tree: TREE,
  paths: ['/pool/vm'],
  hostname: 'web1',
  tags: ['tidemark', 'vm-1'],
  ...more,
})

async function repositoryOf(snapshots: readonly NewSnapshot[]): Promise<Repository> {
  const repository = await initRepository(memoryBackend(), PASSWORD, options)
  for (const snapshot of snapshots) await repository.saveSnapshot(snapshot)
  return repository
}

async function daysLeft(repository: Repository): Promise<number[]> {
  const days: number[] = []
  for await (const { time } of repository.snapshots()) days.push(time.getUTCDate())
  return days.toSorted((a, b) => a - b)
}

async function forgetBy(repository: Repository, request: ForgetRequest) {
  await using lock = await repository.lock('exclusive')
  const plan = await planForget(repository, request, lock.signal)
  await forget(repository, plan, lock)
  return plan
}

test('each verdict says by which rules a point is kept, or why each rule lets it go', async () => {
  await using repository = await repositoryOf([1, 2, 3, 4].map((day) => dayOf(day)))
  const { groups, remove } = await forgetBy(repository, { rules: { last: 1, daily: 2 } })
  expect(groups.map(({ name }) => name)).toEqual(['vm 1'])
  expect(groups[0]?.verdicts.map(({ keep, reasons }) => ({ keep, reasons }))).toEqual([
    { keep: true, reasons: ['last snapshot', 'daily snapshot'] },
    { keep: true, reasons: ['daily snapshot'] },
    { keep: false, reasons: ['last snapshot: all 1 are newer', 'daily snapshot: all 2 are newer'] },
    { keep: false, reasons: ['last snapshot: all 1 are newer', 'daily snapshot: all 2 are newer'] },
  ])
  expect(remove).toHaveLength(2)
  expect(await daysLeft(repository)).toEqual([3, 4])
})

test('a plan removes nothing by itself', async () => {
  await using repository = await repositoryOf([1, 2, 3].map((day) => dayOf(day)))
  expect((await planForget(repository, { rules: { last: 1 } })).remove).toHaveLength(2)
  expect(await daysLeft(repository)).toEqual([1, 2, 3])
})

test('the oldest point is kept while a rule has counts left, as by restic since 0.16', () => {
  const snapshots = [0, 1, 2].map((hour) => ({
    ...dayOf(1, { time: new Date(Date.UTC(2026, 10, 1, hour)) }),
    id: TREE as unknown as Snapshot['id'],
  }))
  const kept = (count: number, keepOldest: boolean) =>
    judge(snapshots, { daily: count }, { keepOldest }).filter(({ keep }) => keep)
  expect(kept(2, true).map(({ reasons }) => reasons)).toEqual([['daily snapshot'], ['oldest daily snapshot']])
  expect(kept(1, true)).toHaveLength(1)
  expect(kept(2, false)).toHaveLength(1)
})

test('a VM that was renamed is still one, and two VMs of one name are two', async () => {
  await using repository = await repositoryOf([
    dayOf(1, { hostname: 'before' }),
    dayOf(2, { hostname: 'after' }),
    dayOf(3, { tags: ['vm-2'] }),
  ])
  await forgetBy(repository, { rules: { last: 1 } })
  expect(await daysLeft(repository)).toEqual([2, 3])
})

test('a filter leaves all others alone', async () => {
  await using repository = await repositoryOf([
    dayOf(1),
    dayOf(2),
    dayOf(3, { tags: ['vm-2'] }),
    dayOf(4, { tags: ['vm-2'] }),
  ])
  await forgetBy(repository, { rules: { last: 1 }, filter: { vms: ['2'] } })
  expect(await daysLeft(repository)).toEqual([1, 2, 4])
})

test('without a rule nothing is forgotten, and the last point of a group only when that is allowed', async () => {
  await using repository = await repositoryOf([dayOf(1), dayOf(2)])
  const refusal = (request: ForgetRequest) => planForget(repository, request).catch((error: unknown) => error)
  expect(await refusal({ rules: {} })).toMatchObject({ code: 'REPOSITORY_INPUT' })
  expect(await refusal({ rules: { daily: 0 } })).toMatchObject({ code: 'REPOSITORY_INPUT' })
  expect(await refusal({ rules: { last: -1 } })).toMatchObject({ code: 'REPOSITORY_INPUT' })
  expect(await refusal({ rules: { tags: [['gold']] } })).toMatchObject({ code: 'REPOSITORY_LAST_POINT' })
  expect(await refusal({ rules: {}, allowRemoveAll: true })).toMatchObject({ code: 'REPOSITORY_INPUT' })
  expect(await daysLeft(repository)).toEqual([1, 2])
  await forgetBy(repository, { rules: {}, allowRemoveAll: true, filter: { vms: ['1'] } })
  expect(await daysLeft(repository)).toEqual([])
})

test('points are forgotten by the beginning of their ID, when it is that of one', async () => {
  await using repository = await repositoryOf([dayOf(1), dayOf(2)])
  const refusal = (name: string) => planForget(repository, { snapshots: [name] }).catch((error: unknown) => error)
  expect(await refusal('')).toMatchObject({ code: 'REPOSITORY_INPUT' })
  expect(await refusal('nothing')).toMatchObject({ code: 'REPOSITORY_INPUT' })
  const { id } = await repository.saveSnapshot(dayOf(3)).then((name) => ({ id: name }))
  await forgetBy(repository, { snapshots: [id.slice(0, 12)] })
  expect(await daysLeft(repository)).toEqual([1, 2])
})

test('to forget takes the exclusive lock', async () => {
  await using repository = await repositoryOf([dayOf(1), dayOf(2)])
  await using lock = await repository.lock('shared')
  const plan = await planForget(repository, { rules: { last: 1 } })
  await expect(forget(repository, plan, lock)).rejects.toMatchObject({ code: 'REPOSITORY_INPUT' })
  await expect(repository.lock('exclusive')).rejects.toMatchObject({ code: 'REPOSITORY_LOCKED' })
  expect(await daysLeft(repository)).toEqual([1, 2])
})

test('what cannot be read as a span or a grouping is told', () => {
  expect(parseSpan('1y2m3d4h')).toEqual({ years: 1, months: 2, days: 3, hours: 4 })
  for (const text of ['', '5', 'd', '-1d', '1w', '1d x']) expect(() => parseSpan(text)).toThrow('no span')
  expect(parseGroupBy('host,paths')).toEqual(['host', 'paths'])
  expect(parseGroupBy('')).toEqual([])
  expect(() => parseGroupBy('colour')).toThrow('there are vm, host, paths and tags')
})
