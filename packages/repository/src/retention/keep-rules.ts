import { RepositoryError } from '../error.ts'
import type { Snapshot } from '../format/snapshot.ts'
import { before, bucketOf, pointTime, type PointTime, type Span } from './point-time.ts'

/** How many to keep: a whole number, 0 for none by this rule, or all there are. */
export type KeepCount = number | 'unlimited'

/** Restic's keep rules. A point is kept when any of them keeps it. */
export interface KeepRules {
  readonly last?: KeepCount
  readonly hourly?: KeepCount
  readonly daily?: KeepCount
  readonly weekly?: KeepCount
  readonly monthly?: KeepCount
  readonly yearly?: KeepCount
  /** All within a span before the newest point. */
  readonly within?: Span
  readonly withinHourly?: Span
  readonly withinDaily?: Span
  readonly withinWeekly?: Span
  readonly withinMonthly?: Span
  readonly withinYearly?: Span
  /** Each member is a list of tags; a point that has all tags of one list is kept. */
  readonly tags?: readonly (readonly string[])[]
}

/** What becomes of a snapshot, and why. */
export interface Verdict {
  readonly snapshot: Snapshot
  readonly keep: boolean
  /** In restic's words for what is kept (`daily snapshot`, `within 14d`); for what goes, which newer point stands for it by each rule, or that the rule is used up. */
  readonly reasons: readonly string[]
}

export interface JudgeOptions {
  /** Points of the future do not count as the newest. */
  readonly now: Date
  /** The oldest point is kept while a rule has counts left: restic since 0.16. */
  readonly keepOldest: boolean
}

const counted = [
  ['last', 'last snapshot', undefined],
  ['hourly', 'hourly snapshot', bucketOf.hour],
  ['daily', 'daily snapshot', bucketOf.day],
  ['weekly', 'weekly snapshot', bucketOf.week],
  ['monthly', 'monthly snapshot', bucketOf.month],
  ['yearly', 'yearly snapshot', bucketOf.year],
] as const

const spanned = [
  ['withinHourly', 'hourly within', bucketOf.hour],
  ['withinDaily', 'daily within', bucketOf.day],
  ['withinWeekly', 'weekly within', bucketOf.week],
  ['withinMonthly', 'monthly within', bucketOf.month],
  ['withinYearly', 'yearly within', bucketOf.year],
] as const

/** What a rule says about one point. */
interface Answer {
  readonly keep: boolean
  readonly reason: string
}

/** A rule at work: asked about points from the newest to the oldest. */
type Rule = (point: Dated, position: number, isOldest: boolean) => Answer

interface Dated {
  readonly snapshot: Snapshot
  readonly time: PointTime
}

/**
 * Judges the snapshots of one group by restic's rules, newest first.
 * @see restic, internal/data/snapshot_policy.go; docs/retention.md
 */
export function judge(
  snapshots: readonly Snapshot[],
  rules: KeepRules,
  options: Partial<JudgeOptions> = {},
): readonly Verdict[] {
  const { now = new Date(), keepOldest = true } = options
  const points = snapshots.map((snapshot) => ({ snapshot, time: pointTime(snapshot) }))
  points.sort((a, b) => (a.time.moment < b.time.moment ? 1 : a.time.moment > b.time.moment ? -1 : 0))
  const asked = rulesAtWork(rules, newestOf(points, now), keepOldest)
  return points.map((point, position) => {
    const answers = asked.map((rule) => rule(point, position, position === points.length - 1))
    const keep = answers.some((answer) => answer.keep)
    const reasons = answers.filter((answer) => answer.keep === keep).map(({ reason }) => reason)
    return { snapshot: point.snapshot, keep, reasons }
  })
}

/** Whether there is no rule at all: that would remove everything. */
export function isEmpty(rules: KeepRules): boolean {
  const hasCount = counted.some(([name]) => (rules[name] ?? 0) !== 0)
  const hasSpan = [rules.within, ...spanned.map(([name]) => rules[name])].some((span) => !isZero(span))
  return !hasCount && !hasSpan && (rules.tags ?? []).length === 0
}

/** @throws RepositoryError REPOSITORY_INPUT */
export function assertRules(rules: KeepRules): void {
  for (const [name] of counted) {
    const count = rules[name] ?? 0
    if (count !== 'unlimited' && !(Number.isSafeInteger(count) && count >= 0))
      throw new RepositoryError('REPOSITORY_INPUT', `keep ${name}: ${count} is neither 'unlimited' nor a whole number`)
  }
}

/**
 * Reads a span: `1y5m7d2h`, any of them left out.
 * @throws RepositoryError REPOSITORY_INPUT
 */
export function parseSpan(text: string): Span {
  const units: Record<string, number> = {}
  const isWhole = /^(\d{1,6}[ymdh])*$/.test(text.trim())
  for (const [, count, unit] of text.matchAll(/(\d+)([ymdh])/g)) units[unit ?? ''] = Number(count)
  if (!isWhole || text.trim() === '')
    throw new RepositoryError('REPOSITORY_INPUT', `'${text}' is no span: 1y5m7d2h, with any of them left out`)
  return { years: units['y'] ?? 0, months: units['m'] ?? 0, days: units['d'] ?? 0, hours: units['h'] ?? 0 }
}

function rulesAtWork(rules: KeepRules, newest: PointTime | undefined, keepOldest: boolean): Rule[] {
  const atWork: Rule[] = (rules.tags ?? []).map((list) => tagRule(list))
  if (rules.within !== undefined && !isZero(rules.within)) atWork.push(withinRule(rules.within, newest))
  for (const [name, reason, bucket] of counted) {
    const count = rules[name] ?? 0
    if (count !== 0) atWork.push(countRule(count, reason, bucket, keepOldest))
  }
  for (const [name, reason, bucket] of spanned) {
    const span = rules[name]
    if (span !== undefined && !isZero(span)) atWork.push(spanRule(span, reason, bucket, newest, keepOldest))
  }
  return atWork
}

function tagRule(list: readonly string[]): Rule {
  const text = `[${list.join(', ')}]`
  return ({ snapshot }) =>
    hasTags(snapshot, list)
      ? { keep: true, reason: `has tags ${text}` }
      : { keep: false, reason: `does not have tags ${text}` }
}

/** All tags of the list; an empty tag stands for a snapshot that has none. */
export function hasTags({ tags = [] }: Snapshot, list: readonly string[]): boolean {
  if (list.includes('') && tags.length === 0) return true
  return list.every((tag) => tags.includes(tag))
}

function withinRule(span: Span, newest: PointTime | undefined): Rule {
  const since = sinceOf(newest, span)
  return ({ time }) =>
    time.moment > since
      ? { keep: true, reason: `within ${spanText(span)}` }
      : { keep: false, reason: `older than ${spanText(span)} before the newest` }
}

function countRule(
  count: KeepCount,
  reason: string,
  bucket: ((time: PointTime) => number) | undefined,
  keepOldest: boolean,
): Rule {
  let left = count === 'unlimited' ? Infinity : count
  let last = Number.NaN
  return ({ time }, position, isOldest) => {
    if (left === 0) return { keep: false, reason: `${reason}: all ${count} are newer` }
    const value = bucket === undefined ? position : bucket(time)
    const isNew = value !== last
    if (!isNew && !(keepOldest && isOldest)) return { keep: false, reason: `${reason}: a newer one stands for it` }
    last = value
    left--
    return { keep: true, reason: isNew ? reason : `oldest ${reason}` }
  }
}

function spanRule(
  span: Span,
  reason: string,
  bucket: (time: PointTime) => number,
  newest: PointTime | undefined,
  keepOldest: boolean,
): Rule {
  const since = sinceOf(newest, span)
  let last = Number.NaN
  return ({ time }, _position, isOldest) => {
    const full = `${reason} ${spanText(span)}`
    if (time.moment <= since) return { keep: false, reason: `${full}: it is older` }
    const value = bucket(time)
    const isNew = value !== last
    if (!isNew && !(keepOldest && isOldest)) return { keep: false, reason: `${full}: a newer one stands for it` }
    last = value
    return { keep: true, reason: isNew ? full : `oldest ${full}` }
  }
}

/** Where all points are in the future there is no newest, and every span reaches them all. */
const sinceOf = (newest: PointTime | undefined, span: Span): bigint =>
  newest === undefined ? -(2n ** 80n) : before(newest, span)

function newestOf(points: readonly Dated[], now: Date): PointTime | undefined {
  const limit = BigInt(now.getTime()) * 1_000_000n
  return points.find(({ time }) => time.moment < limit)?.time
}

const isZero = (span: Span | undefined): boolean =>
  span === undefined || (span.years === 0 && span.months === 0 && span.days === 0 && span.hours === 0)

const spanText = ({ years, months, days, hours }: Span): string =>
  [
    [years, 'y'],
    [months, 'm'],
    [days, 'd'],
    [hours, 'h'],
  ]
    .filter(([count]) => count !== 0)
    .map(([count, unit]) => `${count}${unit}`)
    .join('')
