import { InvalidArgumentError } from 'commander'

export function count(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= 64) return value
  throw new InvalidArgumentError('a number from 1 to 64')
}

export function days(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= 36_500) return value
  throw new InvalidArgumentError('a number of days from 1 to 36500')
}

/** Days of which there may be none. */
export function daysOrNone(text: string): number {
  return text === '0' ? 0 : days(text)
}

export function hostConnections(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= 16) return value
  throw new InvalidArgumentError('a number from 1 to 16: xapi serves no more on a host')
}

export function mebibytes(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= 1024) return value
  throw new InvalidArgumentError('a number of MiB from 1 to 1024')
}

export function minutes(text: string): number {
  const value = Number(text)
  if (text !== '' && value >= 0) return value
  throw new InvalidArgumentError('minutes are a number, 0 or more')
}

export function port(text: string): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 0 && value <= 65_535) return value
  throw new InvalidArgumentError('a port is a number from 0 to 65535')
}

export function rate(text: string): number {
  const value = Number(text)
  if (value > 0 && Number.isFinite(value)) return value
  throw new InvalidArgumentError('a rate is a number of MiB per second, above 0')
}

export function seconds(text: string): number {
  const value = Number(text)
  if (value > 0 && value <= 86_400) return value
  throw new InvalidArgumentError('seconds are a number above 0, up to 86400')
}

export function sizes(text: string, before: readonly number[] = []): readonly number[] {
  const value = Number(text)
  if (Number.isSafeInteger(value) && value > 0) return [...before, value]
  throw new InvalidArgumentError('a size is a whole number of bytes')
}
