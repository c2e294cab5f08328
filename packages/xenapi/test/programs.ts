import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Runs an outsider and answers with what it printed. A missing program is an error that says what to install. */
export async function program(name: string, args: readonly string[], input?: string): Promise<string> {
  try {
    const running = run(name, args, { maxBuffer: 64 * 1024 * 1024, encoding: 'utf8' })
    if (input !== undefined) running.child.stdin?.end(input)
    return (await running).stdout
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new Error(`this test needs the program ${name}: apt-get install qemu-utils python3 openssl`, { cause: error })
  }
}
