/** Something a server serves. Ranges are checked before a method is called; data never exceed the request limit. */
export interface NbdExport {
  /** Bytes. */
  readonly size: number
  /** Default: true without `write`. */
  readonly readOnly?: boolean
  /** Resolves to exactly `length` bytes. */
  read(offset: number, length: number): Promise<Uint8Array>
  write?(offset: number, data: Uint8Array): Promise<void>
  /** What was written before the call is durable after it. */
  flush?(): Promise<void>
  trim?(offset: number, length: number): Promise<void>
  writeZeroes?(offset: number, length: number): Promise<void>
  /** What is in the range, from its start, without gaps. What is not covered counts as data; too much is cut. */
  extents?(offset: number, length: number): Promise<readonly NbdExtent[]>
  /** Called once, after the peer is gone and every other call has settled. */
  close?(): Promise<void>
}

/** A stretch of an export. */
export interface NbdExtent {
  readonly length: number
  readonly hole: boolean
  readonly zero: boolean
}

/** Finds what a server serves. */
export interface ExportSource {
  /**
   * Called when a client asks for an export by INFO, GO, EXPORT_NAME or a metadata context: once per connection and name.
   * @param signal aborts when the client goes away
   * @returns undefined when there is no such export
   */
  open(name: string, signal: AbortSignal): Promise<NbdExport | undefined>
  /** The names for LIST. Without it LIST is refused. */
  list?(): Promise<readonly string[]>
}

/** Whether an export takes writes. */
export const isWritable = (each: NbdExport): boolean => each.write !== undefined && each.readOnly !== true

/** Cuts extents to exactly `length` bytes; what they do not cover is data. Equal neighbours become one. */
export function fitExtents(extents: readonly NbdExtent[], length: number): NbdExtent[] {
  const fitted: NbdExtent[] = []
  let left = length
  for (const { length, hole, zero } of [...extents, { length: left, hole: false, zero: false }]) {
    const part = Math.min(length, left)
    if (part <= 0) continue
    left -= part
    const last = fitted.at(-1)
    if (last?.hole === hole && last.zero === zero)
      fitted[fitted.length - 1] = { length: last.length + part, hole, zero }
    else fitted.push({ length: part, hole, zero })
  }
  return fitted
}
