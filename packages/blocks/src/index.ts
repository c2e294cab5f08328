export {
  bitmapLength,
  changedExtents,
  checkBitmap,
  countMarked,
  decodeBitmap,
  emptyBitmap,
  isMarked,
  mark,
  mergeBitmaps,
  toBitmap,
  type Bitmap,
} from './bitmap.ts'
export { BlocksError, type BlocksErrorCode } from './error.ts'
export {
  clip,
  complement,
  endOf,
  extent,
  intersect,
  normalize,
  subtract,
  totalLength,
  union,
  type Extent,
  type Extents,
} from './extent.ts'
export { forEachBounded, mapInOrder } from './pipeline.ts'
export { planRuns, type RunOptions } from './runs.ts'
export {
  blockCount,
  blockIndex,
  blockOf,
  blockStart,
  bytes,
  CBT_BLOCK,
  GiB,
  KiB,
  MiB,
  TiB,
  type BlockIndex,
  type Bytes,
} from './units.ts'
