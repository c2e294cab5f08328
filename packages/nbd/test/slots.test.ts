import { expect, test } from 'vitest'
import { openNbd, serveNbd } from '../src/index.ts'
import { memoryExport, only, patterned } from './memory-export.ts'

const bytes = patterned(64 * 1024)
const serve = () =>
  serveNbd({
    listen: { host: '127.0.0.1', port: 0 },
    exports: only('disk', memoryExport(bytes, { readOnly: true })),
  })

test('all clients of one process together keep to the connections that a host may have', async () => {
  await using server = await serve()
  const target = { address: server.address, exportName: 'disk' }
  const options = { connections: 3, hostConnections: 4 }
  const first = await openNbd(target, options)
  const second = await openNbd(target, options)
  expect([first.connections, second.connections, server.connections]).toEqual([3, 1, 4])
  let isOpen = false
  const third = openNbd(target, options).then((client) => {
    isOpen = true
    return client
  })
  await second.read(0, 512)
  expect(isOpen).toBe(false)
  await second[Symbol.asyncDispose]()
  const opened = await third
  expect(server.connections).toBeLessThanOrEqual(4)
  expect(Buffer.from(await opened.read(0, 512)).equals(bytes.subarray(0, 512))).toBe(true)
  await opened[Symbol.asyncDispose]()
  await first[Symbol.asyncDispose]()
})

test('where one host is full, another is used; a client that waits can be stopped', async () => {
  await using full = await serve()
  await using other = await serve()
  const targets = [full, other].map(({ address }) => ({ address, exportName: 'disk' }))
  const options = { hostConnections: 1 }
  await using _first = await openNbd(async () => targets, options)
  await using _second = await openNbd(async () => targets, options)
  expect([full.connections, other.connections]).toEqual([1, 1])
  const stop = new AbortController()
  const waiting = openNbd(async () => targets, options, stop.signal)
  stop.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
})
