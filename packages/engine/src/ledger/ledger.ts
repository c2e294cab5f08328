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
  /** A snapshot of the VM is about to be taken, under a name that nobody else uses. */
  | { readonly step: 'snapshot'; readonly name: string }
  /** It is there, marked as ours; `takenAt` is ISO 8601, `disks` the UUIDs of live disks that it has. */
  | {
      readonly step: 'snapshot-taken'
      readonly uuid: string
      readonly takenAt: string
      readonly disks: readonly string[]
    }
  /** The restore point exists: what is left is tidying the pool. */
  | { readonly step: 'saved'; readonly point: string }
  /** A disk is about to be made, marked with a text of its own. */
  | { readonly step: 'disk'; readonly mark: string }
  | { readonly step: 'disk-made'; readonly uuid: string }
  /** A VM is about to be made of exported settings. */
  | { readonly step: 'vm' }
  | { readonly step: 'vm-made'; readonly uuid: string }

/** The journal of one run that is under way. */
export interface Journal {
  /** Names the run, on the pool too. */
  readonly run: string
  /** Durable when it resolves. */
  note(step: RunStep): Promise<void>
  /** The run left nothing behind: its journal goes. */
  end(): Promise<void>
}

/** A run that did not end. */
export interface UnfinishedRun {
  readonly run: string
  readonly header: RunHeader
  readonly steps: readonly RunStep[]
  /** Whether the process that made it still runs. */
  readonly isAlive: boolean
}

/**
 * Remembers, on this machine, what runs do to pools, so that one that was killed is found, finished or undone. It is a help and no
 * necessity: marks on the pool and restore points in the repository tell the same, if later.
 */
export interface Ledger {
  begin(header: RunHeader): Promise<Journal>
  unfinished(): Promise<readonly UnfinishedRun[]>
  /** Forgets a run whose traces are gone. */
  forget(run: string): Promise<void>
}
