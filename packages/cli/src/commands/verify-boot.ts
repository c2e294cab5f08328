import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  bootTest,
  bootTestDefaults,
  EngineError,
  type BootReport,
  type BootSign,
  type OpenPoint,
  type RestoreContext,
  type Vm,
} from '@tidemark/engine'
import { CliError } from '../error.ts'
import type { Out } from '../output/out.ts'
import { ledgerOfThisMachine } from '../state.ts'

export interface BootArguments {
  readonly boot?: boolean
  /** Seconds. */
  readonly bootLimit?: number
  readonly bootSign?: string
  readonly bootScript?: string
  readonly sr?: string
}

/** Starts a point as a temporary VM, and answers what its guest said. @throws EngineError ENGINE_BOOT */
export async function bootPoint(
  out: Out,
  context: Omit<RestoreContext, 'ledger'>,
  point: OpenPoint,
  args: BootArguments,
  signal: AbortSignal,
): Promise<BootReport> {
  const sign = signOf(args)
  const limitMs = args.bootLimit === undefined ? bootTestDefaults.limitMs : args.bootLimit * 1000
  out.say('Restoring it to a temporary VM without networks, and starting that')
  const options = { storage: args.sr, limitMs, sign }
  return bootTest({ ...context, ledger: ledgerOfThisMachine() }, point, options, signal)
}

function signOf({ bootSign, bootScript }: BootArguments): BootSign {
  if (bootSign !== undefined && bootScript !== undefined) {
    throw new CliError('CLI_USAGE', 'wait for one thing: --boot-sign or --boot-script')
  }
  if (bootSign !== undefined) return { kind: 'data', key: bootSign }
  if (bootScript !== undefined) return { kind: 'check', check: (vm, signal) => runScript(bootScript, vm, signal) }
  return bootTestDefaults.sign
}

/** @throws EngineError ENGINE_BOOT when it does not end with 0; the signal's reason */
async function runScript(command: string, vm: Vm, signal: AbortSignal): Promise<void> {
  const env = { ...process.env, TIDEMARK_VM_UUID: vm.uuid, TIDEMARK_VM_NAME: vm.name }
  // its words go where they do not mix with our result
  const child = spawn(command, { shell: true, env, stdio: ['ignore', process.stderr, process.stderr], detached: true })
  const stop = () => void (child.pid === undefined || process.kill(-child.pid, 'SIGKILL')) // with all that it started
  signal.addEventListener('abort', stop, { once: true })
  try {
    const [code, killedBy] = await once(child, 'exit')
    signal.throwIfAborted()
    if (code !== 0) throw new EngineError('ENGINE_BOOT', `the boot script ended with ${code ?? killedBy}: ${command}`)
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

export function bootLine({ tookMs, system, data }: BootReport): string {
  const name = system['name'] === undefined ? '' : `: ${system['name']}`
  const told = Object.entries(data).map(([key, value]) => `; ${key} ${value}`)
  return `boot: up after ${(tookMs / 1000).toFixed(1)} s${name}${told.join('')}`
}
