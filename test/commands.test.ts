import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MiB } from '@tidemark/blocks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { guestWrites, openBench, succeed, type Bench, type Line } from './support/pool.ts'

let bench: Bench
let vdi: string

/** Three points of one VM. */
beforeAll(async () => {
  bench = await openBench()
  const vm = await bench.lab.control.createVm({ name: 'web', disks: [{ name: 'system', size: 4 * MiB }] })
  vdi = vm.disks[0]?.uuid ?? ''
  for (let day = 0; day < 3; day++) {
    await guestWrites(bench.lab, vdi, [day, day + 20], `day ${day}`)
    await succeed(bench.tidemark('backup', 'web'))
  }
}, 90_000)
afterAll(() => bench[Symbol.asyncDispose]())

const ids = async (): Promise<string[]> =>
  ((await succeed(bench.tidemark('points', 'web', '--repo', 'main')))['points'] as { id: string }[]).map(({ id }) => id)

test('a point is listed, searched and dumped', async () => {
  const [first = ''] = await ids()
  const listed = JSON.stringify((await bench.tidemark('ls', first, '-r')).lines)
  expect(listed).toContain(`/web/disks/0-${vdi}/disk.raw`)
  const record = '/web/vm.json'
  expect(listed).toContain(`"${record}"`)
  const found = JSON.stringify((await bench.tidemark('find', 'vm.json')).lines)
  expect(found.split(`"${record}"`)).toHaveLength(4) // in each of three points
  const to = join(bench.directory, 'record')
  await succeed(bench.tidemark('dump', first, record, '--to', to))
  expect(JSON.parse(await readFile(to, 'utf8'))).toMatchObject({ vm: { name: 'web' } })
  expect(await bench.tidemark('dump', first, '/web/none', '--to', to)).toMatchObject({ last: { type: 'error' } })
})

test('tags come and go, and the point keeps its ID', async () => {
  const before = await ids()
  await succeed(bench.tidemark('tag', before[0] ?? '', '--add', 'monthly'))
  const { points } = await succeed(bench.tidemark('points', 'web', '--repo', 'main'))
  expect((points as { tags: string[] }[])[0]?.tags).toContain('monthly')
  expect(await ids()).toEqual(before)
  expect(await bench.tidemark('tag', before[0] ?? '', '--remove', 'tidemark')).toMatchObject({
    code: 2,
    last: { code: 'CLI_USAGE' },
  })
})

test('statistics count what is stored, of all and by VM', async () => {
  const all = await succeed(bench.tidemark('stats'))
  expect(JSON.stringify(all)).toMatch(/"storedBytes":\d{6,}/)
  expect(JSON.stringify(await succeed(bench.tidemark('stats', '--by', 'vm')))).toContain('web')
})

test('points are copied into another repository, and a second time not', async () => {
  const other = join(bench.directory, 'other')
  await succeed(bench.tidemark('repo', 'init', 'other', other, '--password-file', bench.passwordFile))
  const first = await succeed(bench.tidemark('copy', '--to', 'other', '--repo', 'main'))
  expect(first['copied']).toHaveLength(3)
  const again = await succeed(bench.tidemark('copy', '--to', 'other', '--repo', 'main'))
  expect([again['copied'], (again['skipped'] as Line[]).length]).toEqual([[], 3])
  await succeed(bench.tidemark('check', '--read-data', '--repo', 'other'))
})

test('a key is added, opens the repository, and is removed', async () => {
  const file = join(bench.directory, 'second-password')
  await writeFile(file, 'second\n')
  await succeed(bench.tidemark('repo', 'key', 'add', '--repo', 'main', '--new-password-file', file))
  const { keys } = await succeed(bench.tidemark('repo', 'key', 'list', '--repo', 'main'))
  const added = (keys as { name: string; isCurrent: boolean }[]).find(({ isCurrent }) => !isCurrent)
  await succeed(bench.tidemark('repo', 'info', '--repo', 'main', '--repo-password-file', file))
  await succeed(bench.tidemark('repo', 'key', 'remove', added?.name ?? '', '--repo', 'main'))
  const refused = await bench.tidemark('repo', 'info', '--repo', 'main', '--repo-password-file', file)
  expect(refused.last).toMatchObject({ code: 'REPOSITORY_PASSWORD' })
})

test('forget says what would go, then lets it go, and prune frees its space; unlock finds nothing', async () => {
  const before = await ids()
  const dry = await succeed(bench.tidemark('forget', '--keep-last', '1', '--dry-run', '--repo', 'main'))
  expect(dry['removed']).toHaveLength(2)
  expect(await ids()).toEqual(before)
  await succeed(bench.tidemark('forget', '--keep-last', '1', '--repo', 'main'))
  expect(await ids()).toEqual(before.slice(-1))
  const pruned = await succeed(bench.tidemark('prune', '--max-unused', '0', '--repo', 'main'))
  expect((pruned['bytes'] as { freed: number }).freed).toBeGreaterThan(0)
  await succeed(bench.tidemark('unlock', '--repo', 'main'))
  expect(await bench.restic('check', '--read-data')).toContain('no errors were found')
  await succeed(bench.tidemark('repair', 'index', '--repo', 'main'))
  await succeed(bench.tidemark('repair', 'snapshots', '--repo', 'main'))
  expect(await bench.tidemark('forget', '--repo', 'main')).toMatchObject({ last: { type: 'error' } })
})
