import { mkdir, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The cache of one repository. */
export interface CachedRepository {
  readonly repositoryId: string
  /** Bytes of its files. */
  readonly size: number
  /** When it was last opened. */
  readonly usedAt: Date
}

/** Tells backup programs to leave a directory out. https://bford.info/cachedir/ */
const TAG_FILE = 'CACHEDIR.TAG'
const TAG =
  'Signature: 8a477f597d28d172789f06886806bc55\n# Indexes of backup repositories, made anew when they are missing.\n'

/** Makes the directory of a repository's cache, and notes that it is used. */
export async function markUsed(cache: string, repositoryId: string): Promise<void> {
  const own = join(cache, repositoryId)
  await mkdir(own, { recursive: true, mode: 0o700 })
  await writeFile(join(cache, TAG_FILE), TAG, { flag: 'wx' }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  await utimes(own, new Date(), new Date())
}

/** The repositories that a cache directory knows, longest unused first. */
export async function listCache(cache: string): Promise<CachedRepository[]> {
  const found: CachedRepository[] = []
  for (const repositoryId of await namesIn(cache)) {
    if (!/^[0-9a-f]{64}$/.test(repositoryId)) continue
    const own = join(cache, repositoryId)
    const { mtime } = await stat(own)
    found.push({ repositoryId, size: await sizeOf(own), usedAt: mtime })
  }
  return found.sort((a, b) => a.usedAt.getTime() - b.usedAt.getTime())
}

/** Removes what is known of a repository. Whoever uses it at this moment is not disturbed. */
export const removeCache = (cache: string, { repositoryId }: CachedRepository): Promise<void> =>
  rm(join(cache, repositoryId), { recursive: true, force: true })

async function sizeOf(directory: string): Promise<number> {
  let size = 0
  for (const name of await readdir(directory, { recursive: true })) {
    const entry = await stat(join(directory, name)).catch(() => undefined) // another process may be tidying up
    if (entry?.isFile() === true) size += entry.size
  }
  return size
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
