import { open } from 'node:fs/promises'

/** Names that were made, changed or removed in the directory outlive the machine's death. */
export async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r')
  await directory.sync()
}
