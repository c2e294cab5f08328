/** Something a server serves. Ranges are checked before a method is called; data never exceed the request limit. */
export interface NbdExport {
  /** Bytes. */
  readonly size: number
  /** For people: what `nbdinfo` shows. */
  readonly description?: string
  /** Default: true without `write`. */
  readonly readOnly?: boolean
  /** Resolves to exactly `length` bytes. */
  read(offset: number, length: number): Promise<Uint8Array>
  /** Fills all of `into`, or throws. Without it `read` is asked: this way is faster, because the place is used again. */
  readInto?(into: Uint8Array, offset: number): Promise<void>
  /**
   * Fills all of `into` at once where nothing has to be waited for. False: it did not, and `readInto` or `read` is asked. The
   * whole process stands still meanwhile: for memory, and for what costs less than handing it to another thread.
   */
  readNow?(into: Uint8Array, offset: number): boolean
  /** The data are good until the promise is settled, and not a moment longer. */
  write?(offset: number, data: Uint8Array): Promise<void>
  /** Writes all of it at once where nothing has to be waited for, as `readNow`. False: `write` is asked. */
  writeNow?(offset: number, data: Uint8Array): boolean
  /** What was written before the call is durable after it. */
  flush?(): Promise<void>
  trim?(offset: number, length: number): Promise<void>
  writeZeroes?(offset: number, length: number): Promise<void>
  /** True: `writeZeroes` never writes the zeroes out, and clients may ask for it on that condition. */
  readonly zeroesFast?: boolean
  /** Brings the range closer, for a read that may follow. */
  cache?(offset: number, length: number): Promise<void>
  /**
   * True: what one connection wrote is what all others read, and a flush by one makes the writes of all durable. An export
   * that is never written has it by nature.
   */
  readonly coherent?: boolean
  /** What is in the range, from its start, without gaps. What is not covered counts as data; too much is cut. */
  extents?(offset: number, length: number): Promise<readonly NbdExtent[]> | readonly NbdExtent[]
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
   * @param client who asks, for sources that do not serve everything to everybody
   * @returns undefined when there is no such export, or none that this client may know of
   */
  open(name: string, signal: AbortSignal, client: NbdPeer): Promise<NbdExport | undefined>
  /** The names for LIST, as far as this client may know them. Without it LIST is refused. */
  list?(client: NbdPeer): Promise<readonly string[]>
}

/** What is known of a client. */
export interface NbdPeer {
  /** Undefined at a Unix socket. */
  readonly host: string | undefined
  readonly tls: boolean
  /** The certificate that it showed; only where the server asks for one, and then an authority of the server's signed it. */
  readonly certificate?: { readonly subject: string; readonly fingerprint256: string }
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
