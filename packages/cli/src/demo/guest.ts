import { createHash } from 'node:crypto'
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdir, mkdtemp, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { bytes, CBT_BLOCK } from '@tidemark/blocks'
import { openNbd } from '@tidemark/nbd'
import { CliError } from '../error.ts'
import { has, run } from './run.ts'

/** Whether the kernel can mount a lab disk here: root, nbdfuse, FUSE and loop devices. */
export async function canMount(): Promise<boolean> {
  if (process.getuid?.() !== 0) return false
  for (const program of ['nbdfuse', 'mount', 'fusermount3']) if (!(await has(program))) return false
  const devices = await Promise.all(['/dev/fuse', '/dev/loop-control'].map((path) => stat(path).catch(() => undefined)))
  return devices.every((device) => device !== undefined)
}

/** Mounts the guest's disk by the kernel, lets `work` change its files, and unmounts it again whatever happens. */
export async function withMounted(
  socket: string,
  work: (directory: string) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const base = await mkdtemp(join(tmpdir(), 'tidemark-demo-'))
  const disk = join(base, 'disk')
  const files = join(base, 'files')
  await mkdir(disk)
  await mkdir(files)
  const fuse = spawn('nbdfuse', [disk, `nbd+unix:///?socket=${socket}`], {
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  })
  try {
    await ready(join(disk, 'nbd'), fuse, signal)
    await run('mount', ['-o', 'loop', join(disk, 'nbd'), files])
    try {
      await work(files)
      await run('sync', ['-f', files])
    } finally {
      await run('umount', [files])
    }
  } finally {
    await stopFuse(fuse, disk)
    await rm(base, { recursive: true, force: true })
  }
}

async function ready(file: string, fuse: ChildProcess, signal: AbortSignal): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if ((await stat(file).catch(() => undefined)) !== undefined) return
    if (fuse.exitCode !== null) break
    await sleep(100, undefined, { signal })
  }
  throw new CliError('CLI_PROGRAM', 'nbdfuse did not show the disk; is /dev/fuse usable?')
}

/** The loop device lets go a moment after umount, so the first try may find it busy. */
async function stopFuse(fuse: ChildProcess, disk: string): Promise<void> {
  for (let tries = 0; fuse.exitCode === null && tries < 20; tries++) {
    await run('fusermount3', ['-u', disk]).catch(() => sleep(250))
    await sleep(100)
  }
  if (fuse.exitCode === null) fuse.kill('SIGTERM')
}

/** What a working day does to a file system: new files, a changed one, deleted ones. */
export async function changeFiles(directory: string, round: number): Promise<void> {
  const folder = join(directory, `round-${round}`)
  await mkdir(folder)
  for (let i = 0; i < 40; i++) await writeFile(join(folder, `report-${i}.bin`), noise(`${round}/${i}`, 200_000))
  await writeFile(join(directory, 'journal.log'), noise(`journal ${round}`, 4_000_000))
  if (round > 1) await unlink(join(directory, `round-${round - 1}`, 'report-0.bin'))
}

/** Overwrites scattered blocks of a disk, as a database does: no file system needed. */
export async function changeBlocks(socket: string, round: number, count: number, signal: AbortSignal): Promise<void> {
  await using disk = await openNbd({ address: { path: socket }, exportName: '' }, {}, signal)
  const blocks = Math.floor(disk.size / CBT_BLOCK)
  for (let i = 0; i < count; i++) {
    const block = createHash('sha256').update(`${round}:${i}`).digest().readUInt32BE() % blocks
    await disk.write(bytes(block * CBT_BLOCK), noise(`block ${round}/${i}`, CBT_BLOCK), signal)
  }
  await disk.flush(signal)
}

/** Bytes that look random and come out the same on every run. */
function noise(seed: string, length: number): Buffer {
  return createHash('shake128', { outputLength: length }).update(seed).digest()
}
