import { link, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { LabError } from './error.ts'

/** A directory held by this process. Disposal gives it back. */
export interface DirectoryLock extends AsyncDisposable {
  readonly path: string
}

/**
 * Takes a lab directory for this process. What a killed process left is taken over.
 * @throws LabError LAB_IN_USE when a living process has it
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const path = join(directory, 'lab.pid')
  const own = `${path}.${process.pid}`
  await writeFile(own, `${process.pid} ${(await startOf(process.pid)) ?? ''}\n`, { mode: 0o600 })
  try {
    await take(path, own, directory)
  } finally {
    await rm(own, { force: true })
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { force: true }) }
}

/** A link appears whole or not at all: nobody reads a file that is still empty. */
async function take(path: string, own: string, directory: string): Promise<void> {
  for (;;) {
    try {
      await link(own, path)
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const [pid = '', start = ''] = (await readFile(path, 'utf8').catch(() => '')).trim().split(' ')
      if (isAlive(Number(pid)) && (start === '' || start === (await startOf(Number(pid))))) {
        throw new LabError('LAB_IN_USE', `process ${pid} has the lab in ${directory} open`, { cause: error })
      }
      await rm(path, { force: true })
    }
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // it is there, and belongs to somebody else
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** When a process began, in the kernel's ticks: its number alone may have gone to another. undefined: no /proc here. */
async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  // proc(5): field 22; the second one, the name in parentheses, may hold spaces
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
}
