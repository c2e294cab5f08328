import { readFile, rm, writeFile } from 'node:fs/promises'
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
  for (;;) {
    try {
      await writeFile(path, `${process.pid}\n`, { flag: 'wx', mode: 0o600 })
      return { path, [Symbol.asyncDispose]: () => rm(path, { force: true }) }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const pid = Number.parseInt(await readFile(path, 'utf8').catch(() => ''), 10)
      if (isAlive(pid)) throw new LabError('LAB_IN_USE', `process ${pid} has the lab in ${directory} open`)
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
