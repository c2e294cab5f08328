import { bytes } from '@tidemark/blocks'
import { expect, test } from 'vitest'
import { openOut } from './out.ts'
import { progressView } from './progress.ts'
import { shareOut } from './shared.ts'
import { table } from './table.ts'
import { duration, size } from './units.ts'

function sink(isTTY = false) {
  const written: string[] = []
  return { written, isTTY, columns: 80, write: (text: string) => written.push(text) }
}

test('sizes keep three digits', () => {
  expect([0, 999, 1000, 1 << 20, 123_456_789, 4 * 1024 ** 4].map(size)).toEqual([
    '0 B',
    '999 B',
    '0.98 KiB',
    '1.00 MiB',
    '118 MiB',
    '4.00 TiB',
  ])
})

test('durations read as people say them', () => {
  expect([900, 61_000, 7_620_000].map(duration)).toEqual(['0.9 s', '1 min 01 s', '2 h 07 min'])
})

test('a table is as wide as its widest cells, numbers to the right', () => {
  expect(
    table(
      ['name', '>n'],
      [
        ['a', '1'],
        ['long one', '100'],
      ],
    ),
  ).toBe('name        n\n--------  ---\na           1\nlong one  100')
})

test('with --json every line is one object and people get nothing', () => {
  const stdout = sink()
  const out = openOut(true, stdout, sink(true))
  out.say('for people')
  out.event({ type: 'stage', stage: 'snapshot' })
  out.live('42%')
  out.result({ points: [] }, 'for people')
  expect(stdout.written).toEqual(['{"type":"stage","stage":"snapshot"}\n', '{"type":"result","points":[]}\n'])
})

test('live text is rewritten in place on a terminal, and absent elsewhere', () => {
  const terminal = sink(true)
  const out = openOut(false, sink(), terminal)
  out.live('one\ntwo')
  out.live('three')
  expect(terminal.written).toEqual(['one\ntwo\n', '\x1b[2A\x1b[0J', 'three\n'])
  const pipe = sink(false)
  openOut(false, sink(), pipe).live('nothing')
  expect(pipe.written).toEqual([])
})

test('progress tells stage, bytes, rate and time left as data, and a line for people when a disk is done', () => {
  const stdout = sink()
  let now = 0
  const progress = { position: 0, name: 'system', total: bytes(1000), new: bytes(10), stored: bytes(5) }
  const json = progressView(openOut(true, stdout, sink()), () => now)
  json.update({ ...progress, stage: 'reading', moved: bytes(0) })
  now = 1000
  json.update({ ...progress, stage: 'reading', moved: bytes(250) })
  expect(JSON.parse(stdout.written[1] ?? '')).toMatchObject({ moved: 250, bytesPerSecond: 250, etaSeconds: 3 })
  const text = sink()
  const people = progressView(openOut(false, text, sink()), () => now)
  people.update({ ...progress, stage: 'reading', moved: bytes(0) })
  now = 3000
  people.update({ ...progress, stage: 'done', moved: bytes(1000) })
  people.update({ ...progress, stage: 'done', moved: bytes(1000) })
  people.update({ ...progress, stage: 'done', moved: bytes(0) })
  expect(text.written).toEqual([
    '  disk 0 done: 0.98 KiB · 10 B new · 5 B stored in 2.0 s, 500 B/s\n',
    '  disk 0 done: 0.98 KiB · 10 B new · 5 B stored in 0.0 s\n',
    '  disk 0 done: nothing to move\n',
  ])
})

test('of several things at once each line, each event and each live line says whose it is', () => {
  const [text, terminal, json] = [sink(), sink(true), sink()]
  const share = shareOut(openOut(false, text, terminal))
  const [web, db] = [share('web', {}), share('db', {})]
  web.say('  disk 0 done\n  disk 1 done')
  web.live('  disk 0 42%')
  db.live('  disk 0 7%')
  expect(text.written).toEqual(['web: disk 0 done\nweb: disk 1 done\n'])
  expect(terminal.written.at(-1)).toBe('web: disk 0 42%\ndb: disk 0 7%\n')
  web.live('')
  expect(terminal.written.at(-1)).toBe('db: disk 0 7%\n')
  const own = shareOut(openOut(true, json, sink()))('web', { vm: { name: 'web' } })
  own.event({ type: 'stage', stage: 'disks' })
  own.event({ type: 'point', vm: 'web' })
  expect(json.written.map((line) => JSON.parse(line))).toEqual([
    { type: 'stage', stage: 'disks', vm: { name: 'web' } },
    { type: 'point', vm: 'web' },
  ])
})
