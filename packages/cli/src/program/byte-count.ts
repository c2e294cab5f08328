import { InvalidArgumentError } from 'commander'

const UNITS = ['', 'K', 'M', 'G', 'T']

/** Bytes, with restic's letters: K is 1024. */
export function byteCount(text: string): number {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)([KMGT]?)B?$/i.exec(text) ?? []
  if (number === undefined) throw new InvalidArgumentError('a size is a number with K, M, G or T, for instance 500M')
  return Math.floor(Number(number) * 1024 ** UNITS.indexOf(unit.toUpperCase()))
}
