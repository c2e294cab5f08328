import { expect, test } from 'vitest'
import { release } from './garbage.ts'

test('memory of a buffer that has it alone is given back, however small it is', () => {
  for (const size of [100, 64 << 10, 3 << 20]) {
    const { buffer } = new Uint8Array(size)
    release(new Uint8Array(buffer))
    expect(buffer.byteLength).toBe(0)
  }
})

test('a part of large memory takes all of it along: what compressors cut from their output', () => {
  const whole = new Uint8Array(1 << 20)
  release(whole.subarray(0, 300))
  expect(whole.length).toBe(0)
})

test('memory that small buffers share stays', () => {
  const [one, other] = [Buffer.from('one'), Buffer.from('other')]
  expect(one.buffer, 'Node takes both from its pool').toBe(other.buffer)
  release(one)
  expect(other.toString()).toBe('other')
})
