import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'

/** Names a process for good: its number alone is used again. */
export interface ProcessIdentity {
  readonly machine: string
  /** Changes with each start of the machine. */
  readonly boot: string
  readonly pid: number
  /** In clock ticks since the machine started. */
  readonly startedAt: string
}

export async function ownProcess(): Promise<ProcessIdentity> {
  const { pid } = process
  return { machine: hostname(), boot: await bootId(), pid, startedAt: (await startOf(pid)) ?? '' }
}

/** Whether that process still runs. One of another machine counts as alive: nothing here can tell. */
export async function isAlive({ machine, boot, pid, startedAt }: ProcessIdentity): Promise<boolean> {
  if (machine !== hostname()) return true
  if (boot !== (await bootId())) return false
  return (await startOf(pid)) === startedAt
}

const bootId = async (): Promise<string> =>
  (await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '')).trim()

/** Field 22 of proc(5)'s stat; the name before it may hold blanks and brackets. Undefined for no such process, and for a zombie. */
async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return state === 'Z' ? undefined : fields[18]
}
