import { expect, test } from 'vitest'
import { login, type VdiRef } from '../src/index.ts'
import { startPool, type PoolOptions } from './pool.ts'

const vdi = 'OpaqueRef:d15c' as VdiRef
const MiB = 1 << 20

/** A pool of which only the import of a disk is of interest, and a session that waits for so long for something to move. */
async function openPlace(http: NonNullable<PoolOptions['http']>, stallTimeoutMs = 300) {
  const pool = await startPool({ http })
  const address = { url: pool.url, trust: { kind: 'plain' } } as const
  const session = await login(address, { username: 'root', password: 'x' }, { stallTimeoutMs })
  const close = async () => {
    await session[Symbol.asyncDispose]()
    await pool[Symbol.asyncDispose]()
  }
  return { pool, session, [Symbol.asyncDispose]: close }
}

async function* bytes(length: number): AsyncGenerator<Uint8Array> {
  for (let left = length; left > 0; left -= MiB) yield Buffer.alloc(Math.min(MiB, left))
}

const late = (sentence: string) =>
  expect.objectContaining({ code: 'XENAPI_TIMEOUT', message: expect.stringContaining(sentence) })

test('an import that the pool stops taking is given up, and its task cancelled', async () => {
  await using place = await openPlace((_request, response) => response.writeHead(200).flushHeaders())
  const length = 256 * MiB // more than sockets hold
  const work = place.session.importRawVdi(vdi, bytes(length), { format: 'raw', length })
  await expect(work).rejects.toEqual(late('took nothing of the upload'))
  expect(place.pool.tasks.cancelled).toHaveLength(1)
})

test('an import that was sent, and of which nothing more is heard, is given up', async () => {
  await using place = await openPlace((request, response) => {
    request.resume()
    response.writeHead(200).flushHeaders()
  })
  const work = place.session.importRawVdi(vdi, bytes(1000), { format: 'raw', length: 1000 })
  await expect(work).rejects.toEqual(late('the task made no progress'))
  expect(place.pool.tasks.cancelled).toHaveLength(1)
})

test('an import whose task makes progress may take as long as it does', async () => {
  let moves = 0
  await using place = await openPlace((request, response, url) => {
    request.resume()
    response.writeHead(200).flushHeaders()
    const task = url.searchParams.get('task_id') ?? ''
    const timer = setInterval(() => {
      Object.assign(place.pool.tasks.records.get(task) ?? {}, { progress: ++moves / 100 })
      if (moves < 75) return place.pool.tasks.wake()
      clearInterval(timer)
      return place.pool.tasks.end(task, { result: '' })
    }, 20)
  }, 1000)
  await place.session.importRawVdi(vdi, bytes(1000), { format: 'raw', length: 1000 })
  expect(moves).toBe(75)
})
