import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

export const run = async (program: string, ...args: readonly string[]): Promise<string> =>
  (await promisify(execFile)(program, args)).stdout

/** A file system that the kernel has mounted; disposal unmounts it. */
export interface Mounted extends AsyncDisposable {
  readonly path: string
}

/** Mounts a raw image, read-write: its journal is replayed. */
export async function mountImage(image: string, path: string): Promise<Mounted> {
  await mkdir(path, { recursive: true })
  await run('mount', '-o', 'loop', image, path)
  return { path, [Symbol.asyncDispose]: async () => void (await run('umount', path)) }
}

/** Mounts the disk behind a guest's socket: a file by nbdfuse, a loop device on it. */
export async function mountSocket(socket: string, directory: string): Promise<Mounted> {
  await using stack = new AsyncDisposableStack()
  const fuse = join(directory, 'fuse')
  await mkdir(fuse, { recursive: true })
  const disk = join(fuse, 'disk')
  const daemon = spawn('nbdfuse', [disk, `nbd+unix:///?socket=${socket}`], { stdio: ['ignore', 'inherit', 'inherit'] })
  const gone = once(daemon, 'exit')
  stack.defer(async () => {
    await run('fusermount3', '-u', '-z', fuse) // lazily: the loop device lets go a moment after umount
    await gone
  })
  while ((await stat(disk).catch(() => undefined)) === undefined) {
    if (daemon.exitCode !== null) throw new Error('nbdfuse does not show the disk')
    await sleep(25)
  }
  const { path } = stack.use(await mountImage(disk, join(directory, 'mounted')))
  const undo = stack.move()
  return { path, [Symbol.asyncDispose]: () => undo.disposeAsync() }
}
