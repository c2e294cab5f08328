import * as node from 'node:fs/promises'

/** A file that is open: what the local backend asks of it. */
export type OpenFile = Pick<
  node.FileHandle,
  'fd' | 'read' | 'write' | 'sync' | 'truncate' | 'stat' | 'close' | typeof Symbol.asyncDispose
>

export interface FileStat {
  readonly size: number
  readonly mtime: Date
}

/** What the local backend asks of the system. A test puts one in between that loses power. */
export interface FileSystem {
  open(path: string, flags: number, mode?: number): Promise<OpenFile>
  mkdir(path: string, options: { readonly recursive: true; readonly mode: number }): Promise<unknown>
  readdir(path: string): Promise<string[]>
  stat(path: string): Promise<FileStat>
  /** Fails when there is nothing at the path. */
  access(path: string): Promise<void>
  link(existing: string, path: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  rm(path: string, options?: { readonly force?: boolean }): Promise<void>
}

export const nodeFileSystem: FileSystem = node
