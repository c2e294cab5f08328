import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { bytes, CBT_BLOCK, changedExtents, extent, MiB, normalize, subtract, type Extent } from '@tidemark/blocks'
import { expect, test } from 'vitest'
import { openGuestExports } from '../src/guest/exports.ts'
import { openStorage, type Storage } from '../src/storage/index.ts'

const SIZE = 64 * MiB

test('a file system that Linux mounts and writes is tracked exactly', { timeout: 60_000 }, async (context) => {
  const lacking = whatIsLacking()
  if (lacking !== undefined) context.skip(`no kernel mount here: ${lacking}`)
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'lab-mount-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const storage = stack.use(await openStorage({ directory: join(directory, 'storage') }))
  const { recorder, written } = recording(storage)
  const guests = stack.use(await openGuestExports({ storage: recorder, directory: join(directory, 'guests') }))

  const image = join(directory, 'image')
  await makeFileSystem(image)
  await storage.create('disk', bytes(SIZE))
  await storage.enableTracking('disk')
  const socket = await guests.socketOf('disk')
  await run('nbdcopy', image, `nbd+unix:///?socket=${socket}`)
  await storage.snapshot('disk', 'before')
  written.length = 0

  await withMounted(socket, directory, async (mounted) => {
    await writeFile(join(mounted, 'letter.txt'), 'the tide came in')
    await writeFile(join(mounted, 'many.bin'), Buffer.alloc(3 * MiB, 'wave'))
    await rm(join(mounted, 'old.bin'))
    await run('sync', '-f', mounted)
  })

  const changed = changedExtents(await storage.changedBlocks('before', 'disk'), bytes(SIZE))
  expect(changed).toEqual(wholeBlocks(written))
  expect(subtract(await differences(storage), changed)).toEqual([])
  expect(changed.length).toBeGreaterThan(0)
  await writeFile(image, await storage.read('disk', 0, SIZE))
  await run('e2fsck', '-fn', image)
  expect(await run('debugfs', '-R', 'cat letter.txt', image)).toBe('the tide came in')
  await writeFile(image, await storage.read('before', 0, SIZE))
  expect(await run('debugfs', '-R', 'ls', image)).toContain('old.bin')
})

function whatIsLacking(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root may mount'
  return ['/dev/fuse', '/dev/loop-control'].find((device) => !existsSync(device))
}

/** An ext4 file system with one file of 1 MiB in it. */
async function makeFileSystem(image: string): Promise<void> {
  const files = `${image}.files`
  await mkdir(files)
  await writeFile(join(files, 'old.bin'), Buffer.alloc(MiB, 'old'))
  await writeFile(image, '')
  await truncate(image, SIZE)
  await run('mkfs.ext4', '-q', '-d', files, image)
}

/** Mounts what a socket serves, as a file by nbdfuse and as a file system by a loop device; undoes both. */
async function withMounted(socket: string, directory: string, work: (mounted: string) => Promise<void>): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const fuse = join(directory, 'fuse')
  const mounted = join(directory, 'mounted')
  for (const path of [fuse, mounted]) await mkdir(path)
  const disk = join(fuse, 'disk')
  const nbdfuse = spawn('nbdfuse', [disk, `nbd+unix:///?socket=${socket}`], { stdio: ['ignore', 'inherit', 'inherit'] })
  const exited = once(nbdfuse, 'exit')
  stack.defer(async () => {
    await run('fusermount3', '-u', '-z', fuse)
    await exited
  })
  for (let tries = 0; !existsSync(disk); tries++) {
    if (tries === 200 || nbdfuse.exitCode !== null) throw new Error('nbdfuse does not show the disk')
    await setTimeout(25)
  }
  await run('mount', '-o', 'loop,discard', disk, mounted)
  stack.defer(async () => {
    await run('umount', '-d', mounted)
  })
  await work(mounted)
}

/** The same storage, and every range that is written through it. */
function recording(storage: Storage): { recorder: Storage; written: Extent[] } {
  const written: Extent[] = []
  const note = (offset: number, length: number) => written.push(extent(offset, length))
  const methods: Partial<Storage> = {
    write(id, offset, data) {
      note(offset, data.length)
      return storage.write(id, offset, data)
    },
    writeZeroes(id, offset, length) {
      note(offset, length)
      return storage.writeZeroes(id, offset, length)
    },
    trim(id, offset, length) {
      const from = Math.ceil(offset / CBT_BLOCK) * CBT_BLOCK
      const to = Math.floor((offset + length) / CBT_BLOCK) * CBT_BLOCK
      if (from < to) note(from, to - from)
      return storage.trim(id, offset, length)
    },
  }
  const recorder = new Proxy(storage, {
    get(target, name) {
      const own: unknown = Reflect.get(methods, name) ?? Reflect.get(target, name)
      return typeof own === 'function' ? own.bind(target) : own
    },
  })
  return { recorder, written }
}

const wholeBlocks = (extents: readonly Extent[]) =>
  normalize(
    extents.map(({ offset, length }) => {
      const first = Math.floor(offset / CBT_BLOCK)
      return extent(first * CBT_BLOCK, (Math.ceil((offset + length) / CBT_BLOCK) - first) * CBT_BLOCK)
    }),
  )

/** The blocks in which the disk is not what it was. */
async function differences(storage: Storage): Promise<readonly Extent[]> {
  const [before, after] = [await storage.read('before', 0, SIZE), await storage.read('disk', 0, SIZE)]
  const found: Extent[] = []
  for (let at = 0; at < SIZE; at += CBT_BLOCK) {
    if (Buffer.compare(before.subarray(at, at + CBT_BLOCK), after.subarray(at, at + CBT_BLOCK)) !== 0) {
      found.push(extent(at, CBT_BLOCK))
    }
  }
  return normalize(found)
}

async function run(program: string, ...args: string[]): Promise<string> {
  return (await promisify(execFile)(program, args)).stdout
}
