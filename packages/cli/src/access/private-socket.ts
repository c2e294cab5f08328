import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { NbdAddress } from '@tidemark/nbd'

/** A place for a Unix socket that only this user can reach, until the stack is left. */
export async function privateSocket(stack: AsyncDisposableStack): Promise<NbdAddress> {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-nbd-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  return { path: join(directory, 'nbd.sock') }
}
