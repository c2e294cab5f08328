import { lstat, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { CliError } from '../error.ts'

/** As many as Linux follows. */
const LINKS_MAX = 40

/**
 * The place of a guest's path below `root`. Links on the way are followed as the guest would follow them: an absolute one
 * leads to the guest's root, never out of it. The last part is not followed, so that a link can be named itself.
 * @throws CliError CLI_USAGE when there is no such path
 */
export async function placeInside(root: string, path: string): Promise<string> {
  const left = path.split('/').filter((part) => part !== '')
  let here: string[] = []
  for (let links = 0; left.length > 0;) {
    const part = left.shift() ?? ''
    if (part === '.') continue
    if (part === '..') {
      here = here.slice(0, -1)
      continue
    }
    const place = join(root, ...here, part)
    const target = await linkAt(place, path)
    if (target === undefined || left.length === 0) {
      here.push(part)
      continue
    }
    if (++links > LINKS_MAX) throw new CliError('CLI_USAGE', `${path}: too many links on the way`)
    if (target.startsWith('/')) here = []
    left.unshift(...target.split('/').filter((each) => each !== ''))
  }
  return join(root, ...here)
}

async function linkAt(place: string, path: string): Promise<string | undefined> {
  try {
    return (await lstat(place)).isSymbolicLink() ? await readlink(place) : undefined
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTDIR') throw cause
    throw new CliError('CLI_USAGE', `there is no ${path} on this file system`, { cause })
  }
}
