import { expect, test } from 'vitest'
import { isIrreducible, randomPolynomial } from './polynomial.ts'

test('the polynomials of the vectors are told apart', () => {
  expect(isIrreducible(0x3da3358b4dc173n)).toBe(true)
  expect(isIrreducible(0x3da3358b4dc171n)).toBe(false)
})

test('small polynomials: x^2+x+1 and x^3+x+1 are irreducible, x^2+1 and x^4+x^2+1 are not', () => {
  expect([0b111n, 0b1011n, 0b101n, 0b10101n].map(isIrreducible)).toEqual([true, true, false, false])
})

test('a random polynomial is irreducible and of degree 53', () => {
  for (let i = 0; i < 5; i++) {
    const polynomial = BigInt(`0x${randomPolynomial()}`)
    expect(polynomial.toString(2)).toHaveLength(54)
    expect(isIrreducible(polynomial)).toBe(true)
  }
})
