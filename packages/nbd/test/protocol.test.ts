import { describe, expect, test } from 'vitest'
import { openNbd, serveNbd, type NbdExport } from '../src/index.ts'
import { memoryExport, only, patterned, type MemoryExport } from './memory-export.ts'
import { answer, option, RawClient, request, textHex } from './raw-client.ts'

// The server byte by byte, where no client of others asks: docs/nbd.md has the table.

const SIZE = 1 << 20
const bytes = patterned(SIZE)
const serve = (disk: NbdExport) => serveNbd({ listen: { host: '127.0.0.1', port: 0 }, exports: only('disk', disk) })
const ok = (cookie: number, data = '') =>
  `67446698 00000000 ${cookie.toString(16).padStart(16, '0')}${data}`.replaceAll(' ', '')
const refused = (cookie: number, errno: number) =>
  `67446698${errno.toString(16).padStart(8, '0')}${cookie.toString(16).padStart(16, '0')}`

const Flag = { FUA: 1, NO_HOLE: 2, DF: 4, REQ_ONE: 8, FAST_ZERO: 16 }
const NAMED = `00000004${textHex('disk')}`

/** A session on one export of memory: its calls are counted. */
async function session(more: Partial<NbdExport> = {}, options: readonly Uint8Array[] = []) {
  const disk: MemoryExport = { ...memoryExport(Uint8Array.from(bytes)), ...more }
  const server = await serve(disk)
  const client = await RawClient.to(server.address)
  await client.read(18)
  client.send('00000003')
  for (const each of options) {
    client.send(each)
    await client.read(20)
  }
  client.send(option(7, `${NAMED}0000`))
  const told = await client.read(20 + 12 + 20 + 14 + 20)
  return {
    disk,
    client,
    /** TransmissionFlag bits. */
    flags: Number.parseInt(told.slice((20 + 10) * 2, (20 + 12) * 2), 16),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

describe('options', () => {
  test('that were withdrawn, or that we do not speak, are unknown, and the handshake goes on', async () => {
    await using server = await serve(memoryExport(bytes))
    await using client = await RawClient.to(server.address)
    await client.read(18)
    client.send('00000003')
    for (const unknown of [4, 11, 99]) {
      client.send(option(unknown))
      expect(await client.read(20)).toBe(answer(unknown, 0x8000_0001))
    }
    client.send(option(2))
    expect(await client.rest()).toBe(answer(2, 1))
  })

  test('contexts may be listed by namespace, and are only granted behind structured replies', async () => {
    await using server = await serve(memoryExport(bytes))
    await using client = await RawClient.to(server.address)
    await client.read(18)
    client.send('00000003')
    const context = textHex('base:allocation')
    client.send(option(9, `${NAMED}00000001 00000005${textHex('base:')}`))
    expect(await client.read(20 + 19 + 20)).toBe(answer(9, 4, `00000000${context}`) + answer(9, 1))
    client.send(option(10, `${NAMED}00000001 0000000f${context}`))
    expect(await client.read(20)).toBe(answer(10, 0x8000_0003))
    client.send(option(8))
    expect(await client.read(20)).toBe(answer(8, 1))
    client.send(option(10, `${NAMED}00000001 00000006${textHex('qemu:x')}`))
    expect(await client.read(20)).toBe(answer(10, 1))
    client.send(option(10, `${NAMED}00000001 0000000f${context}`))
    expect(await client.read(20 + 19 + 20)).toBe(answer(10, 4, `00000001${context}`) + answer(10, 1))
  })

  test('INFO tells name and description to whoever asks for them', async () => {
    await using server = await serve({ ...memoryExport(bytes), description: 'root' })
    await using client = await RawClient.to(server.address)
    await client.read(18)
    client.send('00000003')
    client.send(option(6, `${NAMED}0002 0001 0002`))
    await client.read(20 + 12)
    expect(await client.read(20 + 6 + 20 + 6)).toBe(
      answer(6, 3, `0001${textHex('disk')}`) + answer(6, 3, `0002${textHex('root')}`),
    )
    expect(await client.read(20 + 14 + 20)).toBe(answer(6, 3, '0003 00000001 00010000 02000000') + answer(6, 1))
  })
})

describe('a refusal', () => {
  test('by a source that fails to list is PLATFORM, without its reason', async () => {
    const failing = { open: async () => undefined, list: () => Promise.reject(new Error('/secret')) }
    await using server = await serveNbd({ listen: { host: '127.0.0.1', port: 0 }, exports: failing })
    await using client = await RawClient.to(server.address)
    await client.read(18)
    client.send('00000003')
    client.send(option(3))
    expect(await client.read(20)).toBe(answer(3, 0x8000_0004))
  })
})

describe('what an export can', () => {
  test('is what its flags say', async () => {
    const all = { cache: async () => {}, zeroesFast: true, coherent: true }
    await using plain = await session()
    expect(plain.flags.toString(2)).toBe('1101101') // HAS_FLAGS, FLUSH, FUA, TRIM, WRITE_ZEROES
    await using rich = await session(all, [option(8)])
    expect(rich.flags.toString(2)).toBe('110111101101') // and DF, MULTI_CONN, CACHE, FAST_ZERO
    await using frozen = await session({ readOnly: true })
    expect(frozen.flags.toString(2)).toBe('100000011') // HAS_FLAGS, READ_ONLY, MULTI_CONN
  })

  test('several connections may write where the export says that they agree', async () => {
    const disk = { ...memoryExport(Uint8Array.from(bytes)), coherent: true }
    await using server = await serve(disk)
    await using client = await openNbd({ address: server.address, exportName: 'disk' }, { connections: 3 })
    expect(client.connections).toBe(3)
  })
})

describe('requests', () => {
  test('FUA makes a change durable before its answer, and only then', async () => {
    await using one = await session()
    for (const [cookie, type] of [
      [1, 1],
      [2, 4],
      [3, 6],
    ] as const) {
      one.client.send(request(type, cookie, 0, 512))
      if (type === 1) one.client.send(new Uint8Array(512))
      expect(await one.client.read(16)).toBe(ok(cookie))
      expect(one.disk.calls['flush']).toBe(cookie === 1 ? undefined : cookie - 1)
      one.client.send(request(type, cookie, 0, 512, Flag.FUA))
      if (type === 1) one.client.send(new Uint8Array(512))
      expect(await one.client.read(16)).toBe(ok(cookie))
      expect(one.disk.calls['flush']).toBe(cookie)
    }
  })

  test('zeroes with NO_HOLE are written; FAST_ZERO is EINVAL where it was not offered', async () => {
    await using slow = await session()
    slow.client.send(request(6, 1, 0, 512, Flag.NO_HOLE))
    expect(await slow.client.read(16)).toBe(ok(1))
    slow.client.send(request(6, 2, 0, 512, Flag.FAST_ZERO))
    expect(await slow.client.read(16)).toBe(refused(2, 22))
    expect(slow.disk.calls['writeZeroes']).toBe(1)
    await using fast = await session({ zeroesFast: true })
    fast.client.send(request(6, 3, 0, 512, Flag.FAST_ZERO))
    expect(await fast.client.read(16)).toBe(ok(3))
  })

  test('CACHE reaches the export where it was offered, and is EINVAL where it was not', async () => {
    const cached: number[][] = []
    const cache = async (offset: number, length: number) => void cached.push([offset, length])
    await using one = await session({ cache })
    one.client.send(request(5, 1, 4096, 512))
    expect(await one.client.read(16)).toBe(ok(1))
    expect(cached).toEqual([[4096, 512]])
    await using other = await session()
    other.client.send(request(5, 2, 0, 512))
    expect(await other.client.read(16)).toBe(refused(2, 22))
  })

  test('RESIZE, unknown types, unknown flags, empty ranges and status without a context are EINVAL', async () => {
    await using one = await session()
    for (const [cookie, type, length, flags] of [
      [1, 8, 512, 0],
      [2, 77, 512, 0],
      [3, 0, 512, 0x20],
      [4, 0, 0, 0],
      [5, 7, 512, 0],
    ] as const) {
      one.client.send(request(type, cookie, 0, length, flags))
      expect(await one.client.read(16), String(cookie)).toBe(refused(cookie, 22))
    }
    one.client.send(request(0, 6, 0, 1))
    expect(await one.client.read(17)).toBe(ok(6, '01'))
  })

  test('past the end reads are EINVAL and changes ENOSPC; changes of a read-only export are EPERM', async () => {
    await using one = await session()
    one.client.send(request(0, 1, SIZE - 1, 2))
    expect(await one.client.read(16)).toBe(refused(1, 22))
    one.client.send(request(6, 2, SIZE - 1, 2))
    expect(await one.client.read(16)).toBe(refused(2, 28))
    one.client.send(request(1, 3, SIZE - 1, 2))
    one.client.send('0000')
    expect(await one.client.read(16)).toBe(refused(3, 28))
    await using frozen = await session({ readOnly: true })
    for (const [cookie, type] of [
      [1, 1],
      [2, 4],
      [3, 6],
    ] as const) {
      frozen.client.send(request(type, cookie, 0, 1))
      if (type === 1) frozen.client.send('00')
      expect(await frozen.client.read(16)).toBe(refused(cookie, 1))
    }
    expect(frozen.disk.calls).toEqual({})
  })

  test('DF gets one chunk whatever holes there are; without it they are left out', async () => {
    await using one = await session({}, [option(8)])
    one.client.send(request(0, 1, 0, SIZE, Flag.DF))
    expect(await one.client.read(20)).toBe(
      `668e33ef00010001${'1'.padStart(16, '0')}${(8 + SIZE).toString(16).padStart(8, '0')}`,
    )
    await one.client.read(8 + SIZE)
    one.client.send(request(0, 2, 0, SIZE))
    expect(await one.client.read(20)).toMatch(/^668e33ef00000001/)
  })

  test('BLOCK_STATUS tells all extents, and with REQ_ONE the first', async () => {
    const context = option(10, `${NAMED}00000001 0000000f${textHex('base:allocation')}`)
    const disk = memoryExport(Uint8Array.from(bytes))
    await using server = await serve(disk)
    await using client = await RawClient.to(server.address)
    await client.read(18)
    client.send('00000003')
    client.send(option(8))
    await client.read(20)
    client.send(context)
    await client.read(20 + 19 + 20)
    client.send(option(7, `${NAMED}0000`))
    await client.read(20 + 12 + 20 + 14 + 20)
    client.send(request(7, 1, 0, SIZE))
    expect(await client.read(20)).toBe(`668e33ef00010005${'1'.padStart(16, '0')}0000001c`)
    expect(await client.read(28)).toMatch(/^00000001.{8}00000000.{8}00000003.{8}00000000$/)
    client.send(request(7, 2, 0, SIZE, Flag.REQ_ONE))
    expect(await client.read(20)).toBe(`668e33ef00010005${'2'.padStart(16, '0')}0000000c`)
  })
})
