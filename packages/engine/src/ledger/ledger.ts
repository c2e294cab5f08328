import type { CheckpointEntry } from '../checkpoint/entry.ts'

/** What a run is about, noted when it begins. */
export interface RunHeader {
  readonly kind: 'backup' | 'restore'
  /** UUID of the pool. */
  readonly pool: string
  /** ID of the repository. */
  readonly repository: string
  readonly vm: { readonly uuid: string; readonly name: string }
}

/** A step that leaves something behind, noted before it is taken; what came of it is noted after. */
export type RunStep =
  /**
   * A snapshot of the VM is about to be taken, under a name that nobody else uses. Until `until`, ISO 8601, and for so many tries, the
   * next run may go on with it.
   */
  | {
      readonly step: 'snapshot'
      readonly name: string
      readonly resume?: { readonly until: string; readonly tries: number }
    }
  /** It is there, marked as ours; `takenAt` is ISO 8601, `disks` the UUIDs of live disks that it has. */
  | {
      readonly step: 'snapshot-taken'
      readonly uuid: string
      readonly takenAt: string
      readonly disks: readonly string[]
    }
  /** Another process goes on with the run. */
  | { readonly step: 'resumed'; readonly at: string }
  /** The run ended before its work did, and keeps its snapshot for the next one; `why` in a sentence. */
  | { readonly step: 'cut'; readonly at: string; readonly why: string }
  /** The run is over, and what it made could not be tidied; `why` in a sentence. Until `until`, ISO 8601, more of it may appear. */
  | { readonly step: 'left'; readonly why: string; readonly until?: string }
  /** The restore point exists: what is left is tidying the pool. */
  | { readonly step: 'saved'; readonly point: string }
  /** A disk is about to be made, marked with a text of its own. */
  | { readonly step: 'disk'; readonly mark: string }
  | { readonly step: 'disk-made'; readonly uuid: string }
  /** A disk of the pool, which says so itself, is about to become what it was at a point: a mixture, from here to `overwritten`. */
  | {
      readonly step: 'overwrite'
      readonly disk: string
      readonly name: string
      readonly position: number
      readonly point: string
    }
  | { readonly step: 'overwritten'; readonly disk: string }
  /** A VM is about to be made of exported settings. */
  | { readonly step: 'vm' }
  | { readonly step: 'vm-made'; readonly uuid: string }

/** The journal of one run that is under way. */
export interface Journal {
  /** Names the run, on the pool too. */
  readonly run: string
  /** Whether what is noted here can be read again: if not, a run that is cut tidies what it can. */
  readonly isKept: boolean
  /** Durable when it resolves. */
  note(step: RunStep): Promise<void>
  /** Adds to what the next run needs to go on with this one. Durable when it resolves. */
  checkpoint(entries: readonly CheckpointEntry[]): Promise<void>
  /** The run left nothing behind: its journal goes. */
  end(): Promise<void>
}

/** A run that did not end. */
export interface UnfinishedRun {
  readonly run: string
  readonly header: RunHeader
  readonly steps: readonly RunStep[]
  /** Whether the process that made it still runs, and works on it. */
  readonly isAlive: boolean
}

/**
 * Remembers, on this machine, what runs do to pools, so that one that was killed is found, finished or undone. It is a help and no
 * necessity: marks on the pool and restore points in the repository tell the same, if later.
 */
export interface Ledger {
  begin(header: RunHeader): Promise<Journal>
  unfinished(): Promise<readonly UnfinishedRun[]>
  /** What a run noted by `checkpoint`, as far as it is whole. */
  checkpoints(run: string): Promise<readonly CheckpointEntry[]>
  /** Goes on with a run that is not alive; undefined when another process does so already. */
  resume(run: string): Promise<Journal | undefined>
  /** Forgets a run whose traces are gone. */
  forget(run: string): Promise<void>
}
