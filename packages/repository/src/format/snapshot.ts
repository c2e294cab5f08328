import { RepositoryError } from '../error.ts'
import { blobId, snapshotId, type BlobId, type SnapshotId } from '../id.ts'
import { goJson, goTime, parseJson } from './go-json.ts'

/** Numbers of the run that made a snapshot; `restic snapshots` shows sizes from them. Since restic 0.17. */
export interface SnapshotSummary {
  readonly backupStart: Date
  readonly backupEnd: Date
  readonly filesNew: number
  readonly filesChanged: number
  readonly filesUnmodified: number
  readonly dirsNew: number
  readonly dirsChanged: number
  readonly dirsUnmodified: number
  readonly dataBlobs: number
  readonly treeBlobs: number
  /** Bytes of new blobs before compression. */
  readonly dataAdded: number
  /** Bytes of new blobs as stored. */
  readonly dataAddedPacked: number
  readonly totalFilesProcessed: number
  readonly totalBytesProcessed: number
}

/** What a snapshot file says. restic-format.md §8. */
export interface NewSnapshot {
  readonly time: Date
  /** The same as a file has it that another program wrote: nanoseconds and an offset, which restic's keep rules go by. */
  readonly timeText?: string
  /** The snapshot compared with; informational. */
  readonly parent?: SnapshotId
  readonly tree: BlobId
  readonly paths: readonly string[]
  readonly hostname?: string
  readonly username?: string
  readonly excludes?: readonly string[]
  readonly tags?: readonly string[]
  /** ID before its metadata was changed. Points are found by `original ?? id`. */
  readonly original?: SnapshotId
  readonly programVersion?: string
  readonly summary?: SnapshotSummary
}

export interface Snapshot extends NewSnapshot {
  readonly id: SnapshotId
}

const summaryKeys = {
  filesNew: 'files_new',
  filesChanged: 'files_changed',
  filesUnmodified: 'files_unmodified',
  dirsNew: 'dirs_new',
  dirsChanged: 'dirs_changed',
  dirsUnmodified: 'dirs_unmodified',
  dataBlobs: 'data_blobs',
  treeBlobs: 'tree_blobs',
  dataAdded: 'data_added',
  dataAddedPacked: 'data_added_packed',
  totalFilesProcessed: 'total_files_processed',
  totalBytesProcessed: 'total_bytes_processed',
} as const satisfies Record<Exclude<keyof SnapshotSummary, 'backupStart' | 'backupEnd'>, string>

/** JSON of a snapshot file, keys in restic's order. restic-format.md §8. */
export function encodeSnapshot(snapshot: NewSnapshot): Uint8Array {
  const { time, timeText, parent, tree, paths, hostname, username, excludes, tags, original, programVersion, summary } =
    snapshot
  return Buffer.from(
    goJson({
      time: timeText ?? goTime(time),
      parent,
      tree,
      paths,
      hostname: hostname === '' ? undefined : hostname,
      username: username === '' ? undefined : username,
      excludes: excludes?.length === 0 ? undefined : excludes,
      tags: tags?.length === 0 ? undefined : tags,
      original,
      program_version: programVersion,
      summary: summary === undefined ? undefined : encodeSummary(summary),
    }),
  )
}

/** Keys in restic's order: also of what it writes and we do not read. */
const KEYS = [
  'time',
  'parent',
  'tree',
  'paths',
  'hostname',
  'username',
  'uid',
  'gid',
  'excludes',
  'tags',
  'original',
  'program_version',
  'summary',
]

/** What can be changed of a snapshot file. */
export interface SnapshotChange {
  readonly tags?: readonly string[]
  readonly original?: SnapshotId
  readonly tree?: BlobId
  /** Takes the name of the parent out: in another repository it means nothing. */
  readonly withoutParent?: true
}

/** JSON of the same snapshot with a change: everything else stays as it is written, fields of other programs too. */
export function rewriteSnapshot(json: Uint8Array, { tags, original, tree, withoutParent }: SnapshotChange): Uint8Array {
  const value = parseJson(Buffer.from(json).toString()) as Record<string, unknown>
  if (tags !== undefined) value['tags'] = tags.length === 0 ? undefined : tags
  if (original !== undefined) value['original'] = original
  if (tree !== undefined) value['tree'] = tree
  if (withoutParent) value['parent'] = undefined
  const keys = [...KEYS, ...Object.keys(value).filter((key) => !KEYS.includes(key))]
  return Buffer.from(goJson(Object.fromEntries(keys.map((key) => [key, value[key]]))))
}

/** @throws RepositoryError REPOSITORY_DAMAGED when a required field is missing */
export function decodeSnapshot(json: Uint8Array, id: SnapshotId): Snapshot {
  try {
    return decode(JSON.parse(Buffer.from(json).toString()) as Record<string, unknown>, id)
  } catch (cause) {
    const file = `snapshots/${id}`
    throw new RepositoryError('REPOSITORY_DAMAGED', `${file} is no snapshot: ${(cause as Error).message}`, {
      cause,
      file,
    })
  }
}

function decode(value: Record<string, unknown>, id: SnapshotId): Snapshot {
  const { time, parent, tree, paths, hostname, username, excludes, tags, original, summary } = value
  const version = value['program_version']
  return {
    id,
    ...timeOf(time),
    tree: blobId(String(tree)),
    paths: textsOf(paths) ?? [],
    ...(isText(parent) && { parent: snapshotId(parent) }),
    ...(isText(hostname) && { hostname }),
    ...(isText(username) && { username }),
    ...defined('excludes', textsOf(excludes)),
    ...defined('tags', textsOf(tags)),
    ...(isText(original) && { original: snapshotId(original) }),
    ...(isText(version) && { programVersion: version }),
    ...(typeof summary === 'object' && summary !== null && { summary: decodeSummary({ ...summary }) }),
  }
}

function encodeSummary(summary: SnapshotSummary): Record<string, unknown> {
  const encoded: Record<string, unknown> = {
    backup_start: goTime(summary.backupStart),
    backup_end: goTime(summary.backupEnd),
  }
  for (const [ours, theirs] of summaryEntries) encoded[theirs] = summary[ours]
  return encoded
}

function decodeSummary(value: Record<string, unknown>): SnapshotSummary {
  const numbers = summaryEntries.map(([ours, theirs]) => {
    const number = value[theirs]
    return [ours, typeof number === 'number' ? number : 0]
  })
  return {
    backupStart: dateOf(value['backup_start']),
    backupEnd: dateOf(value['backup_end']),
    ...(Object.fromEntries(numbers) as Omit<SnapshotSummary, 'backupStart' | 'backupEnd'>),
  }
}

const summaryEntries = Object.entries(summaryKeys) as [keyof typeof summaryKeys, string][]

/** Go writes up to nine digits of a second and any offset; a Date keeps milliseconds. */
function dateOf(value: unknown): Date {
  const date = new Date(String(value))
  if (Number.isNaN(date.getTime())) throw new Error(`'${String(value)}' is no time`)
  return date
}

function timeOf(value: unknown): Pick<Snapshot, 'time' | 'timeText'> {
  const time = dateOf(value)
  return value === goTime(time) ? { time } : { time, timeText: String(value) }
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

const textsOf = (value: unknown): string[] | undefined =>
  Array.isArray(value) ? value.filter((each): each is string => typeof each === 'string') : undefined

const defined = <Key extends string, Value>(key: Key, value: Value | undefined) =>
  (value === undefined ? {} : { [key]: value }) as { [K in Key]?: Value }
