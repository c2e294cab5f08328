import type { Fired } from './planned.ts'

/** A lie about what changed, in base64. */
export function spoilBitmap({ action, chance }: Fired<'bitmap'>, bitmap: Uint8Array): string {
  switch (action.action) {
    case 'omit':
      return base64(withoutBlocks(bitmap, action.blocks, chance))
    case 'all':
      return base64(new Uint8Array(bitmap.length).fill(0xff))
    case 'truncate':
      return base64(bitmap.subarray(0, Math.min(action.after, bitmap.length - 1)))
    case 'garble':
      return `!${base64(bitmap).slice(1)}`
    default:
      return action satisfies never
  }
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

/** Some changed blocks, as chance will have it, look unchanged. The first block is in the most significant bit. */
function withoutBlocks(bitmap: Uint8Array, count: number, chance: () => number): Uint8Array {
  const lie = bitmap.slice()
  const changed = [...lie.keys()].flatMap((at) =>
    Array.from({ length: 8 }, (_, bit) => ({ at, mask: 0x80 >> bit })).filter(
      ({ mask }) => ((lie[at] ?? 0) & mask) !== 0,
    ),
  )
  for (let left = count; left > 0 && changed.length > 0; left--) {
    const [omitted] = changed.splice(Math.floor(chance() * changed.length), 1)
    if (omitted !== undefined) lie[omitted.at] = (lie[omitted.at] ?? 0) & ~omitted.mask
  }
  return lie
}
