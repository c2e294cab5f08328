import { constants, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { writeToFile, type DiskContent, type Repository } from '@tidemark/repository'
import { EngineError } from './error.ts'
import type { OnDisk } from './events.ts'
import type { OpenPoint } from './points.ts'
import { contentOf, progressOf } from './restore/disks.ts'
import type { DiskRecord } from './vm-record.ts'
import { syncDirectory } from './sync-directory.ts'

export interface RestoredFile {
  readonly record: DiskRecord
  readonly path: string
}

/**
 * Writes disks of a point as raw files `<position>-<vdi uuid>.raw`, sparse where the disk is zero. A file gets its name
 * when it is complete and durable.
 * @throws EngineError ENGINE_TARGET when a file exists already; RepositoryError; the file system's own errors
 */
export async function restoreToDirectory(
  context: { readonly repository: Repository; readonly onDisk: OnDisk },
  point: OpenPoint,
  records: readonly DiskRecord[],
  directory: string,
  signal?: AbortSignal,
): Promise<readonly RestoredFile[]> {
  await mkdir(directory, { recursive: true })
  const files: RestoredFile[] = []
  for (const record of records) {
    const path = join(directory, `${record.position}-${record.vdi}.raw`)
    const content = await contentOf(point, record, signal)
    await writeRawFile(context.repository, content, path, {
      signal,
      onMoved: (moved) => context.onDisk(progressOf(record, moved, 'writing')),
    })
    context.onDisk(progressOf(record, record.size, 'done'))
    files.push({ record, path })
  }
  return files
}

async function writeRawFile(
  repository: Repository,
  content: DiskContent,
  path: string,
  { signal, onMoved }: { signal: AbortSignal | undefined; onMoved: (moved: number) => void },
): Promise<void> {
  await refuseExisting(path)
  const partial = `${path}.partial`
  try {
    await using file = await open(partial, 'w', 0o600)
    await writeToFile(repository, content, file, onMoved, signal)
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
  await rename(partial, path)
  await syncDirectory(dirname(path))
}

async function refuseExisting(path: string): Promise<void> {
  const existing = await open(path, constants.O_RDONLY).catch(() => undefined)
  if (existing === undefined) return
  await existing.close()
  throw new EngineError('ENGINE_TARGET', `${path} exists already; remove it or choose another directory`)
}
