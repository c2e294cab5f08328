import { copyFile, lstat, mkdir, open, readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { GiB, MiB } from '@tidemark/blocks'
import { has, run } from './run.ts'

/** What the demo's first disk was made of. */
export interface MadeImage {
  readonly path: string
  readonly files: number
  /** Bytes in those files. */
  readonly bytes: number
  /** Whether it carries a real ext4 file system, or only the files' bytes one after the other. */
  readonly ext4: boolean
}

/** Where a machine has real files: its programs, and the packages that this project installed. */
const SOURCES = ['/usr', 'node_modules']
const WANTED = 1.1 * GiB
const FILE_MAX = 64 * MiB

/** Makes a disk image with `wanted` bytes of this machine's own files in it, where it has so many. */
export async function makeImage(
  path: string,
  size: number,
  signal: AbortSignal,
  wanted: number = WANTED,
): Promise<MadeImage> {
  const staging = `${path}.files`
  await rm(staging, { recursive: true, force: true })
  try {
    const { files, bytes } = await gather(staging, wanted, signal)
    const ext4 = await has('mkfs.ext4')
    await (await open(path, 'w')).close()
    await run('truncate', ['-s', String(size), path], signal)
    if (ext4) {
      const quiet = ['-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', '-L', 'demo']
      await run('mkfs.ext4', [...quiet, '-d', staging, path], signal)
    } else
      await run(
        'sh',
        ['-c', `find "$0" -type f -exec cat {} + | dd of="$1" conv=notrunc bs=1M status=none`, staging, path],
        signal,
      )
    return { path, files, bytes, ext4 }
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

async function gather(target: string, wanted: number, signal: AbortSignal): Promise<{ files: number; bytes: number }> {
  let files = 0
  let bytes = 0
  for (const source of SOURCES) {
    for await (const { path, size } of walk(source)) {
      signal.throwIfAborted()
      if (bytes >= wanted) return { files, bytes }
      const copy = join(target, path)
      await mkdir(dirname(copy), { recursive: true })
      const copied = await copyFile(path, copy).then(
        () => true,
        () => false, // vanished or not readable: there are enough others
      )
      if (!copied) continue
      files++
      bytes += size
    }
  }
  return { files, bytes }
}

async function* walk(folder: string): AsyncGenerator<{ path: string; size: number }> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) yield* walk(path)
    else if (entry.isFile()) {
      const { size } = await lstat(path)
      if (size <= FILE_MAX) yield { path, size }
    }
  }
}
