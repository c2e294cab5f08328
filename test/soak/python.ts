import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { ForkedLab } from '../support/forked-lab.ts'

const CLIENT = fileURLToPath(new URL('client.py', import.meta.url))

export interface PythonResult {
  readonly calls: number
  readonly findings: readonly string[]
}

/** Clients written in Python, each in a process of its own. */
export async function playPython(
  { pool, credentials }: ForkedLab,
  { count, seconds, seed }: { readonly count: number; readonly seconds: number; readonly seed: number },
): Promise<PythonResult> {
  const one = async (number: number): Promise<PythonResult> => {
    const args = [CLIENT, pool.url, credentials.username, credentials.password, number, seconds, seed]
    const child = spawn('python3', args.map(String), { stdio: ['ignore', 'pipe', 'pipe'] })
    const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
    const lines = out.split('\n').filter((line) => line !== '')
    const said = lines.map((line) => JSON.parse(line) as { readonly finding?: string; readonly calls?: number })
    const findings = said.flatMap(({ finding }) => finding ?? [])
    return {
      calls: said.at(-1)?.calls ?? 0,
      findings: code === 0 ? findings : [...findings, `it ended with ${String(code)}: ${err}`],
    }
  }
  const results = await Promise.all(Array.from({ length: count }, (_, number) => one(number)))
  return {
    calls: results.reduce((sum, { calls }) => sum + calls, 0),
    findings: results.flatMap(({ findings }) => findings),
  }
}
