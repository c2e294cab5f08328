import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeCertificates, type Certificates } from '../packages/nbd/test/certificates.ts'
import { playSchedules } from './schedules/play.ts'

// The long version: npm run schedules -- --schedules 2000

let pki: Certificates
beforeAll(async () => void (pki = await makeCertificates()))
afterAll(() => pki[Symbol.asyncDispose]())

test('servers killed, stalled or answering garbage at any byte: the truth or a typed error in time', async () => {
  const first = Number(process.env['SEED'] ?? 1)
  const { failures, ends, fired } = await playSchedules({ first, count: 150 }, pki)
  expect(failures).toEqual([])
  expect(ends['done']).toBeGreaterThan(75)
  for (const kind of [
    'cut',
    'stall',
    'noise',
    'flip',
    'lose',
    'repeat',
    'drop',
    'close',
    'cutAfter',
    'corrupt',
    'errno',
  ]) {
    expect(fired[kind], kind).toBeGreaterThan(0)
  }
})
