import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Catalogue } from './catalogue.ts'
import { ChangeLogs } from './changelog.ts'
import { DiskStorage } from './disks.ts'
import { OpenFiles } from './files.ts'
import { Layers } from './layers.ts'
import type { Storage, StorageOptions } from './storage.ts'

/** Far below the usual limit of 1024: sockets need some as well. */
const OPEN_FILES = 256

/**
 * Opens the storage in a directory, or makes it. Whatever a killed process left half done is removed.
 * @throws LabError LAB_STORAGE_DAMAGED when the catalogue cannot be understood
 */
export async function openStorage({ directory, openFiles = OPEN_FILES }: StorageOptions): Promise<Storage> {
  const layers = join(directory, 'layers')
  const logs = join(directory, 'logs')
  for (const path of [layers, logs]) await mkdir(path, { recursive: true, mode: 0o700 })
  const catalogue = new Catalogue(directory)
  const { state } = catalogue
  await sweep(layers, new Set([...state.layers.keys()].flatMap((number) => [`${number}.data`, `${number}.map`])))
  await sweep(logs, new Set([...state.disks.values()].flatMap(({ log }) => (log === null ? [] : [`${log.file}.cbt`]))))
  const files = new OpenFiles(openFiles)
  return new DiskStorage(catalogue, new Layers(layers, files), new ChangeLogs(logs, files), files)
}

/** Removes the files that the catalogue does not name. */
async function sweep(directory: string, named: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!named.has(name)) await rm(join(directory, name))
  }
}
