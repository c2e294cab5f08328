/** What went wrong while handling units, bitmaps or extents. Stable, to branch on. */
export type BlocksErrorCode =
  /** A number that is no length or offset: negative, fractional or above 2^53. */
  | 'BLOCKS_UNIT'
  /** Text that is no base64, or a bitmap whose length does not fit the disk. */
  | 'BLOCKS_BITMAP'
  /** An extent that ends past its disk. */
  | 'BLOCKS_RANGE'

/** The one error class of this package. */
export class BlocksError extends Error {
  override readonly name = 'BlocksError'
  readonly code: BlocksErrorCode

  constructor(code: BlocksErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
