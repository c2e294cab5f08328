import { expect, test } from 'vitest'
import { cuts, drive, hex } from '../test/drive.ts'
import { ParserRun, type Parser } from './parser.ts'

function* sample(): Parser<number[]> {
  const into = new Uint8Array(3)
  const nothing = yield 0
  const head = [...(yield 2)]
  yield { into: new Uint8Array(), spare: 0 }
  yield { into, spare: 0 }
  return [nothing.length, ...head, ...into, ...(yield 1)]
}

test('a parser gets exactly what it asks for, however the bytes are split', () => {
  for (const chunks of cuts(hex('010203040506'))) {
    expect(drive(sample(), chunks)).toEqual({ value: [0, 1, 2, 3, 4, 5, 6], rest: 0 })
  }
})

test('bytes behind the end of a parser are left alone', () => {
  expect(drive(sample(), [hex('0102030405060708')]).rest).toBe(2)
})

test('bytes may be written straight to their place, and beyond it as far as there is room', () => {
  const memory = new Uint8Array(8)
  const run = new ParserRun(
    (function* (): Parser<number[]> {
      const data = yield { into: memory.subarray(0, 4), spare: 4 }
      return [...data, ...(yield 2)]
    })(),
  )
  expect(run.window(5)).toBeUndefined()
  const first = run.window(4)
  expect(first?.length).toBe(8)
  first?.set([1, 2, 3])
  expect(run.wrote(first ?? memory, 3)).toBe(3)
  const second = run.window(1)
  expect(second?.length).toBe(5)
  second?.set([4, 5, 6, 7])
  expect(run.wrote(second ?? memory, 4)).toBe(3)
  expect(run.result).toEqual({ value: [1, 2, 3, 4, 5, 6] })
})
