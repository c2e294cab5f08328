import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { CliError } from './error.ts'
import { fileProofs, proved, type Proof } from './proofs.ts'

test('the newest of each step is remembered by point, and a line that a crash cut short costs no other', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-proofs-'))
  try {
    const path = join(directory, 'state', 'proofs', 'repository')
    let day = 20
    const log = fileProofs(path, () => new Date(Date.UTC(2026, 10, day++)))
    expect(await log.all()).toEqual(new Map())
    await log.note('a', { step: 'booted', passed: true, detail: 'up after 41.0 s' })
    await log.note('a', { step: 'hashed', passed: true, detail: '1.00 GiB' })
    await appendFile(path, '{"point":"a","step":"hash') // a crash leaves no end of line either
    await log.note('b', { step: 'hashed', passed: true, detail: '2.00 GiB' })
    await log.note('a', { step: 'hashed', passed: false, detail: 'a pack is damaged' })
    expect(await log.all()).toEqual(
      new Map([
        [
          'a',
          [
            { step: 'hashed', at: '2026-11-23T00:00:00.000Z', passed: false, detail: 'a pack is damaged' },
            { step: 'booted', at: '2026-11-20T00:00:00.000Z', passed: true, detail: 'up after 41.0 s' },
          ],
        ],
        ['b', [{ step: 'hashed', at: '2026-11-22T00:00:00.000Z', passed: true, detail: '2.00 GiB' }]],
      ]),
    )
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})

test('damage is a finding about the point; a pool that is away, or Ctrl-C, is none', async () => {
  const noted: Omit<Proof, 'at'>[] = []
  const note = async (proof: Omit<Proof, 'at'>) => void noted.push(proof)
  const failing = (error: Error) =>
    proved(
      note,
      'hashed',
      async () => {
        throw error
      },
      String,
    )
  await expect(
    failing(Object.assign(new Error('pack ab12 is damaged'), { code: 'REPOSITORY_DAMAGED' })),
  ).rejects.toThrow()
  await expect(failing(new CliError('CLI_PASSWORD', 'no password'))).rejects.toThrow()
  expect(
    await proved(
      note,
      'booted',
      async () => 41,
      (seconds) => `up after ${seconds} s`,
    ),
  ).toBe(41)
  expect(noted).toEqual([
    { step: 'hashed', passed: false, detail: 'pack ab12 is damaged' },
    { step: 'booted', passed: true, detail: 'up after 41 s' },
  ])
})
