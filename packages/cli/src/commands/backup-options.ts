import { bytes } from '@tidemark/blocks'
import { auditDefaults, backupDefaults, unusualDefaults, type BackupOptions, type SourceKind } from '@tidemark/engine'
import type { PoolOptions, RepositoryOptions } from '../connect.ts'
import type { HookArguments } from '../hooks/job.ts'
import { isIncluded, type SelectionArguments } from './vm-selection.ts'

export interface BackupArguments extends PoolOptions, RepositoryOptions, SelectionArguments, HookArguments {
  readonly full?: boolean
  readonly source?: SourceKind
  readonly tag?: readonly string[]
  readonly ignoreSpace?: boolean
  /** Runs within which every unchanged block is compared, or 'off'. */
  readonly audit?: number | 'off'
  /** How many times the usual change is unusual, or 'off'. */
  readonly unusual?: number | 'off'
  /** Bytes; less than so many are never unusual, neither in their number nor in how they compress. */
  readonly unusualAtLeast?: number
  /** False: neither go on with a run that was cut, nor leave one that is cut to the next. */
  readonly resume?: boolean
}

export function optionsOf(args: BackupArguments): BackupOptions {
  return {
    ...backupDefaults,
    full: args.full ?? false,
    source: args.source,
    include: (disk) => isIncluded(disk, args),
    tags: args.tag ?? [],
    ignoreSpace: args.ignoreSpace ?? false,
    audit: auditOf(args),
    unusual: unusualOf(args),
    resume: args.resume === false ? undefined : backupDefaults.resume,
  }
}

const auditOf = ({ audit = auditDefaults.runs }: BackupArguments) =>
  audit === 'off' ? undefined : { ...auditDefaults, runs: audit }

function unusualOf({ unusual: factor = unusualDefaults.factor, unusualAtLeast }: BackupArguments) {
  if (factor === 'off') return undefined
  if (unusualAtLeast === undefined) return { ...unusualDefaults, factor }
  const least = bytes(unusualAtLeast)
  return { factor, atLeast: least, newAtLeast: least }
}
