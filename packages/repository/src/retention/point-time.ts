import type { Snapshot } from '../format/snapshot.ts'

/** A span as restic writes it, `1y5m7d2h`: calendar years, months and days, then hours of 3600 seconds. */
export interface Span {
  readonly years: number
  readonly months: number
  readonly days: number
  readonly hours: number
}

/** When a snapshot was made: the moment, and what calendar and clock showed at the offset that its file has. */
export interface PointTime {
  /** Nanoseconds since 1970, UTC. */
  readonly moment: bigint
  /** Milliseconds since 1970 as if the wall clock was UTC: for Date's UTC getters. */
  readonly wallMs: number
  /** Offset from UTC in the file, in minutes. */
  readonly offsetMinutes: number
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const MS_NS = 1_000_000n

/** Restic's buckets are those of the offset stored with the time, not of the reader's zone. */
export function pointTime({ time, timeText }: Pick<Snapshot, 'time' | 'timeText'>): PointTime {
  const ms = time.getTime()
  const [, fraction = '', sign, hours, minutes] = /(?:\.(\d+))?(?:Z|([+-])(\d\d):(\d\d))$/.exec(timeText ?? '') ?? []
  const offset = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * (sign === '-' ? -1 : 1)
  const belowMs = BigInt(fraction.padEnd(9, '0').slice(3, 9))
  return { moment: BigInt(ms) * MS_NS + belowMs, wallMs: ms + offset * 60_000, offsetMinutes: offset }
}

/** The moment a span before: as Go's `AddDate`, which knows no 31st of February and goes on into March. */
export function before(time: PointTime, span: Span): bigint {
  const wall = new Date(time.wallMs)
  const moved = new Date(wall)
  moved.setUTCFullYear(
    wall.getUTCFullYear() - span.years,
    wall.getUTCMonth() - span.months,
    wall.getUTCDate() - span.days,
  )
  const ms = moved.getTime() - offsetAt(time, moved.getTime()) * 60_000 - span.hours * HOUR_MS
  return BigInt(ms) * MS_NS + (time.moment % MS_NS)
}

/**
 * Offset of the time's zone, in minutes, when its wall clock shows `wallMs`. A stored offset that is the one of this machine's zone at that moment stands for
 * the zone, summer time and all; any other stays what it is. Go's `time.Parse` and `time.Date`.
 */
function offsetAt(time: PointTime, wallMs: number): number {
  const localOffset = (ms: number) => -new Date(ms).getTimezoneOffset()
  if (localOffset(Number(time.moment / MS_NS)) !== time.offsetMinutes) return time.offsetMinutes
  return localOffset(wallMs - localOffset(wallMs) * 60_000)
}

/** A number for each hour, day, ISO week, month or year of the wall clock: equal exactly within one. */
export const bucketOf = {
  hour: ({ wallMs }: PointTime) => Math.floor(wallMs / HOUR_MS),
  day: ({ wallMs }: PointTime) => Math.floor(wallMs / DAY_MS),
  week: ({ wallMs }: PointTime) => Math.floor((wallMs / DAY_MS + 3) / 7), // 1970-01-01 was a Thursday; ISO weeks begin on Monday
  month: ({ wallMs }: PointTime) => new Date(wallMs).getUTCFullYear() * 12 + new Date(wallMs).getUTCMonth(),
  year: ({ wallMs }: PointTime) => new Date(wallMs).getUTCFullYear(),
} as const satisfies Record<string, (time: PointTime) => number>
