import { randomBytes } from 'node:crypto'

/** Degree of restic's chunker polynomials. */
const DEGREE = 53

/**
 * A random irreducible polynomial over GF(2) of degree 53, in hex. We never chunk with it, but every restic command
 * refuses a repository without one. restic-format.md §1.
 */
export function randomPolynomial(random: (length: number) => Uint8Array = randomBytes): string {
  for (;;) {
    const bits = BigInt(`0x${Buffer.from(random(8)).toString('hex')}`)
    const candidate = (bits & ((1n << BigInt(DEGREE)) - 1n)) | (1n << BigInt(DEGREE)) | 1n
    if (isIrreducible(candidate)) return candidate.toString(16)
  }
}

/** Ben-Or's test: f of degree n is irreducible when gcd(f, x^(2^i) - x) is 1 for i = 1 … n/2. */
export function isIrreducible(polynomial: bigint): boolean {
  const half = Math.floor((bitLength(polynomial) - 1) / 2)
  let power = 2n // x^(2^i) mod f, beginning with x
  for (let i = 1; i <= half; i++) {
    power = remainder(square(power), polynomial)
    if (gcd(polynomial, power ^ 2n) !== 1n) return false
  }
  return true
}

function square(value: bigint): bigint {
  let result = 0n
  for (let bit = 0n; value >> bit > 0n; bit++) if (((value >> bit) & 1n) === 1n) result |= 1n << (2n * bit)
  return result
}

function remainder(value: bigint, divisor: bigint): bigint {
  const length = bitLength(divisor)
  let rest = value
  for (let over = bitLength(rest) - length; over >= 0; over = bitLength(rest) - length) rest ^= divisor << BigInt(over)
  return rest
}

function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b]
  while (y !== 0n) [x, y] = [y, remainder(x, y)]
  return x
}

const bitLength = (value: bigint): number => (value === 0n ? 0 : value.toString(2).length)
