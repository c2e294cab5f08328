import { MiB } from '@tidemark/blocks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { guestWrites, openBench, succeed, type Bench, type Line } from './support/pool.ts'

let bench: Bench
let vdi: string

beforeAll(async () => {
  bench = await openBench()
  const vm = await bench.lab.control.createVm({ name: 'web', disks: [{ size: 16 * MiB }] })
  vdi = vm.disks[0]?.uuid ?? ''
}, 60_000)
afterAll(() => bench[Symbol.asyncDispose]())

/** A guest writes some blocks, and a run finds them. */
async function run(blocks: number, seed: string) {
  await guestWrites(
    bench.lab,
    vdi,
    Array.from({ length: blocks }, (_, i) => i),
    seed,
  )
  return bench.tidemark('backup', 'web', '--unusual-at-least', '1M')
}

test('a run of an unusual size ends with 3, and the points before it are held until somebody says otherwise', async () => {
  for (const seed of ['full', 'a', 'b', 'c', 'd']) expect(await run(1, seed)).toMatchObject({ code: 0 })
  const { code, lines, last } = await run(60, 'all of it')
  expect(code).toBe(3)
  expect(lines).toContainEqual(expect.objectContaining({ type: 'unusual', position: 0, changed: 60 * 65_536 }))
  await run(1, 'as before')
  const forget = (...more: string[]) => bench.tidemark('forget', '--keep-last', '1', ...more)
  const held = await forget('--dry-run')
  expect(held.code).toBe(3)
  expect(held.last).toMatchObject({ removed: [], held: { length: 6 } })
  const reasons = held.last['groups'][0].verdicts.flatMap((verdict: Line) => verdict['reasons'])
  expect(reasons.filter((reason: string) => reason.startsWith('held: '))).toHaveLength(6)
  expect((await forget()).last).toMatchObject({ removed: [] })
  expect((await forget('--dry-run', '--ignore-unusual')).last).toMatchObject({ removed: { length: 6 }, held: [] })
  await succeed(bench.tidemark('tag', last['points'][0].id, '--remove', 'unusual'))
  expect(await forget()).toMatchObject({ code: 0, last: { removed: { length: 6 }, held: [] } })
}, 180_000)
