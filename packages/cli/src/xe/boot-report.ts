import { isFailure, XenApiError, type HostRef, type VmRef } from '@tidemark/xenapi'
import type { Job } from './command.ts'
import type { XePool } from './directory.ts'
import { failureLines } from './failure.ts'

/** Starts a VM somewhere; when no host can take it, prints for each host why. @throws what `start` throws */
export async function orReportHosts({ pool, printer }: Job, vm: VmRef, start: () => Promise<void>): Promise<void> {
  try {
    await start()
  } catch (error) {
    if (isFailure(error, 'NO_HOSTS_AVAILABLE')) {
      printer.list(['No host can start this VM.', 'This is why not, host by host:', ''])
      const hosts = [...(await pool.all('host')).values()]
      const reasons = hosts.map(
        async ({ ref, values }) => [String(values['name_label']), await reason(pool, vm, ref)] as const,
      )
      printer.table([await Promise.all(reasons)])
    }
    throw error
  }
}

async function reason(pool: XePool, vm: VmRef, host: string): Promise<string> {
  const { session, signal } = pool
  try {
    await session.VM.assert_can_boot_here(vm, host as HostRef, { signal })
    return 'OK'
  } catch (error) {
    if (!(error instanceof XenApiError) || error.failure === undefined) throw error
    const [text = '', ...details] = await failureLines(pool, error.failure)
    return `Cannot start here [${[text, ...details].join('; ')}]`
  }
}
