import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** A lab in a process of its own, that can die. */
export interface MortalLab {
  readonly url: string
  readonly fingerprint: string
  readonly nbdPort: number
  /** Resolves when the process is gone. */
  readonly ended: Promise<unknown>
  kill(signal: NodeJS.Signals): void
}

/** @param at the lab whose place it takes, if it is to come back where one died */
export async function mortalLab(
  directory: string,
  passwordFile: string,
  at?: Pick<MortalLab, 'url' | 'nbdPort'>,
): Promise<MortalLab> {
  const main = join(import.meta.dirname, '../../packages/cli/src/main.ts')
  const ports = ['--https-port', at === undefined ? '0' : new URL(at.url).port, '--nbd-port', String(at?.nbdPort ?? 0)]
  const args = ['--json', 'lab', directory, ...ports, '--password-file', passwordFile]
  const child = spawn(process.execPath, ['--conditions=@tidemark/source', main, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const ready = JSON.parse(line) as { url: string; fingerprint: string; nbd: { port: number } }
  return {
    url: ready.url,
    fingerprint: ready.fingerprint,
    nbdPort: ready.nbd.port,
    ended,
    kill: (signal) => child.kill(signal),
  }
}
