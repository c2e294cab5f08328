import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { bytes, CBT_BLOCK, changedExtents, extent, GiB, KiB, MiB } from '@tidemark/blocks'
import { openNbd } from '@tidemark/nbd'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openGuestExports, type GuestExports } from '../src/guest/exports.ts'
import { openStorage, type Storage } from '../src/storage/index.ts'

const DISK = '6b1c2f84-0d5e-4a37-9c1e-2f0a77d1c001'
const SIZE = 64 * MiB

let directory: string
let storage: Storage
let guests: GuestExports

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lab-guest-'))
  storage = await openStorage({ directory: join(directory, 'storage') })
  guests = await openGuestExports({ storage, directory: join(directory, 'guests') })
  await storage.create(DISK, bytes(SIZE))
  await storage.enableTracking(DISK)
})

afterEach(async () => {
  await guests[Symbol.asyncDispose]()
  await storage[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
})

/** Runs a program of others. @throws when it is missing, or fails, with what it said */
async function run(program: string, ...args: string[]): Promise<string> {
  return (await promisify(execFile)(program, args, { maxBuffer: MiB })).stdout
}

const uri = async (name = ''): Promise<string> => `nbd+unix:///${name}?socket=${await guests.socketOf(DISK)}`

test('nbdinfo sees a writable disk of the right size, under both names', async () => {
  for (const name of ['', DISK]) {
    const { exports } = JSON.parse(await run('nbdinfo', '--json', await uri(name))) as {
      exports: Record<string, unknown>[]
    }
    expect(exports[0]).toMatchObject({
      'export-size': SIZE,
      is_read_only: false,
      can_trim: true,
      can_zero: true,
      can_flush: true,
    })
  }
  expect(await run('nbdinfo', '--list', `nbd+unix://?socket=${await guests.socketOf(DISK)}`)).toContain(DISK)
  await expect(run('nbdinfo', await uri('other'))).rejects.toThrow('nbdinfo')
})

test('an image copied in by nbdcopy comes back the same, and its holes cost nothing', async () => {
  const image = join(directory, 'image')
  await writeFile(image, Buffer.alloc(3 * MiB + 5, 'tidemark'))
  await truncate(image, SIZE)
  await run('nbdcopy', '--flush', image, await uri())
  const back = join(directory, 'back')
  await run('nbdcopy', await uri(), back)
  expect((await readFile(back)).equals(await readFile(image))).toBe(true)
  expect(await storage.allocatedExtents(DISK)).toEqual([extent(0, 3 * MiB + CBT_BLOCK)])
  const map = JSON.parse(await run('nbdinfo', '--map', '--json', await uri())) as { offset: number; type: number }[]
  expect(map).toMatchObject([
    { offset: 0, length: 3 * MiB + CBT_BLOCK, type: 0 },
    { offset: 3 * MiB + CBT_BLOCK, type: 3 },
  ])
})

test('what qemu-io writes, zeroes and discards is marked, and nothing else', async () => {
  await storage.write(DISK, 0, Buffer.alloc(SIZE, 1))
  await storage.snapshot(DISK, 'before')
  const commands = ['write -P 0xab 100k 4k', 'write -z 1M 64k', 'discard 2M 128k', 'flush', 'read -P 0xab 100k 4k']
  const said = await run('qemu-io', '-f', 'raw', ...commands.flatMap((command) => ['-c', command]), await uri())
  expect(said).not.toMatch(/fail|error/i)
  const changed = changedExtents(await storage.changedBlocks('before', DISK), bytes(SIZE))
  expect(changed).toEqual([extent(CBT_BLOCK, CBT_BLOCK), extent(MiB, CBT_BLOCK), extent(2 * MiB, 2 * CBT_BLOCK)])
  const content = Buffer.alloc(SIZE, 1)
  content
    .fill(0xab, 100 * KiB, 104 * KiB)
    .fill(0, MiB, MiB + 64 * KiB)
    .fill(0, 2 * MiB, 2 * MiB + 128 * KiB)
  expect(Buffer.from(await storage.read(DISK, 0, SIZE)).equals(content)).toBe(true)
})

test('an export goes on while snapshots are taken, and each holds what was written before it', async () => {
  await using guest = await openNbd({ address: { path: await guests.socketOf(DISK) }, exportName: '' })
  for (let round = 1; round <= 5; round++) {
    await guest.write(bytes(round * MiB), Buffer.alloc(CBT_BLOCK, round))
    await storage.snapshot(DISK, `snapshot${round}`)
  }
  const changed = await storage.changedBlocks('snapshot2', 'snapshot4')
  expect(changedExtents(changed, bytes(SIZE))).toEqual([extent(3 * MiB, CBT_BLOCK), extent(4 * MiB, CBT_BLOCK)])
  expect(await storage.allocatedExtents('snapshot1')).toEqual([extent(MiB, CBT_BLOCK)])
})

test('the same disk always has the same socket, however many ask at once', async () => {
  const paths = await Promise.all([guests.socketOf(DISK), guests.socketOf(DISK), guests.socketOf(DISK)])
  expect(new Set(paths).size).toBe(1)
  await expect(guests.socketOf('other')).rejects.toMatchObject({ code: 'LAB_STORAGE_NOT_FOUND' })
})

test('a snapshot is served read-only, and not at all without its data', async () => {
  await storage.snapshot(DISK, 'snapshot')
  const socket = await guests.socketOf('snapshot')
  {
    await using reader = await openNbd({ address: { path: socket }, exportName: 'snapshot' })
    expect(reader.readOnly).toBe(true)
  }
  await guests.close('snapshot')
  expect(existsSync(socket)).toBe(false)
  await storage.dataDestroy('snapshot')
  await expect(guests.socketOf('snapshot')).rejects.toMatchObject({ code: 'LAB_STORAGE_NO_DATA' })
})

test('a long directory gets sockets with short paths, and disposal removes them', async () => {
  const long = await openGuestExports({ storage, directory: join(directory, 'x'.repeat(90)) })
  const socket = await long.socketOf(DISK)
  expect(Buffer.byteLength(socket)).toBeLessThan(100)
  expect(existsSync(socket)).toBe(true)
  await long[Symbol.asyncDispose]()
  expect(existsSync(join(socket, '..'))).toBe(false)
  await expect(long.socketOf(DISK)).rejects.toMatchObject({ code: 'LAB_STORAGE_CLOSED' })
})

test('a socket left by a killed process is taken over', async () => {
  await guests[Symbol.asyncDispose]()
  guests = await openGuestExports({ storage, directory: join(directory, 'guests') })
  await writeFile(join(directory, 'guests', `${DISK}.sock`), '')
  expect(JSON.parse(await run('nbdinfo', '--json', await uri()))).toBeTruthy()
})

test('disposal ends the connections of guests', async () => {
  const guest = createConnection(await guests.socketOf(DISK))
  const ended = new Promise((resolve) => guest.once('close', resolve))
  guest.on('error', () => {}) // a reset is as good an end as any
  await new Promise((resolve) => guest.once('data', resolve))
  await guests[Symbol.asyncDispose]()
  await ended
})

test('a write past the end, and one to a disk that is gone, fail without hurting the others', async () => {
  await storage.create('small', bytes(GiB))
  await using guest = await openNbd({ address: { path: await guests.socketOf('small') }, exportName: 'small' })
  await storage.destroy('small')
  await expect(guest.write(bytes(0), Buffer.alloc(512))).rejects.toMatchObject({ code: 'NBD_IO' })
  await expect(run('qemu-io', '-f', 'raw', '-c', `write ${SIZE} 512`, await uri())).rejects.toThrow('qemu-io')
})
