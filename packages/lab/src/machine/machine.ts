import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { LabError } from '../error.ts'
import { AGENT_FD, commandLine, QMP_FD, type MachineSettings } from './command-line.ts'
import { openQmp, readLines, type QmpEvent } from './qmp.ts'

/** A PC that qemu emulates. */
export interface Machine {
  readonly pid: number | undefined
  /** Lets it run, or go on. */
  run(): Promise<void>
  /** Holds it. */
  pause(): Promise<void>
  /** Presses the power button: what follows is the guest's affair. */
  pressPower(): Promise<void>
  /** Presses reset. */
  reset(): Promise<void>
  /** Takes the power away. Resolves when the process has ended. */
  kill(): Promise<void>
  /** Resolves with the end of the process, to what it complained of. */
  readonly ended: Promise<string>
}

export interface MachineEvents {
  readonly onEvent: (event: QmpEvent) => void
  /** A line from the guest's agent. */
  readonly onLine: (line: string) => void
}

/** What is kept of complaints, in characters. */
const COMPLAINT_MAX = 4096

/**
 * Starts qemu; the machine stands still until `run`. It ends with this process, however this one ends.
 * @throws LabError LAB_MACHINE with what qemu complained of
 */
export async function startMachine(settings: MachineSettings, { onEvent, onLine }: MachineEvents): Promise<Machine> {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'qemu-system-x86_64', ...commandLine(settings)], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
  })
  let complaint = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = `${complaint}${text}`.slice(-COMPLAINT_MAX)
  })
  child.once('error', (error) => (complaint += error.message))
  const { promise: ended, resolve: end } = Promise.withResolvers<string>()
  child.once('close', () => end(complaint.trim()))
  const agent = child.stdio[AGENT_FD] as Duplex
  agent.once('error', () => undefined) // it ends with the process, which is told by `ended`
  readLines(agent, onLine)
  const kill = async () => {
    child.kill('SIGKILL')
    await ended
  }
  try {
    const qmp = await openQmp(child.stdio[QMP_FD] as Duplex, onEvent)
    return {
      pid: child.pid,
      run: () => qmp.execute('cont'),
      pause: () => qmp.execute('stop'),
      pressPower: () => qmp.execute('system_powerdown'),
      reset: () => qmp.execute('system_reset'),
      kill,
      ended,
    }
  } catch (cause) {
    await kill()
    throw new LabError('LAB_MACHINE', `qemu does not start '${settings.name}': ${complaint.trim()}`, { cause })
  }
}

/** Whether machines can run here. @throws LabError LAB_MACHINE naming what is missing */
export async function assertEmulator(): Promise<void> {
  for (const program of ['qemu-system-x86_64', 'setpriv']) {
    const child = spawn(program, ['--version'], { stdio: 'ignore' })
    const isThere = await once(child, 'exit').then(
      ([code]) => code === 0,
      () => false,
    )
    if (!isThere) throw new LabError('LAB_MACHINE', `${program} is missing; apt-get install qemu-system-x86 util-linux`)
  }
}
