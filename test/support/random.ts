/** Numbers by chance from a seed: the same seed gives the same numbers on every machine. */
export interface Random {
  /** A whole number from 0 to `limit` - 1. */
  int(limit: number): number
  /** True in so many of a hundred cases. */
  chance(percent: number): boolean
  /** One of the list. @throws RangeError when it is empty */
  pick<Item>(items: readonly Item[]): Item
  /** One of the list, or undefined when it is empty. */
  maybe<Item>(items: readonly Item[]): Item | undefined
  bytes(length: number): Uint8Array
  /** Another row of numbers, which does not move when this one is asked for more. */
  fork(name: string | number): Random
}

/** SFC32 by Chris Doty-Humphrey, public domain: 128 bits of state, fast, and good enough for anything but secrets. */
export function seeded(seed: number | string): Random {
  let [a, b, c, d] = [hash(`${seed}:a`), hash(`${seed}:b`), hash(`${seed}:c`), 1]
  const next = (): number => {
    const sum = (a + b + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + sum
    return sum >>> 0
  }
  for (let round = 0; round < 12; round++) next()
  const int = (limit: number): number => Math.floor((next() / 2 ** 32) * limit)
  const maybe = <Item>(items: readonly Item[]): Item | undefined => items[int(items.length)]
  return {
    int,
    chance: (percent) => int(100) < percent,
    maybe,
    pick(items) {
      if (items.length === 0) throw new RangeError('nothing to pick from')
      return maybe(items) as (typeof items)[number]
    },
    bytes(length) {
      const made = new Uint8Array(length)
      for (let at = 0; at < length; at++) made[at] = next() >>> 13
      return made
    },
    fork: (name) => seeded(`${seed}/${name}`),
  }
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193)
  return value >>> 0
}
