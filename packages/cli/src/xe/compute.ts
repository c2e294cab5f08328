import { XenApiError, type HostRef, type PoolRef, type SrRecord, type VbdRef, type VmRef } from '@tidemark/xenapi'
import type { XePool, XeRecord } from './directory.ts'
import type { Computed } from './field.ts'
import { NOT_IN_DATABASE } from './record.ts'

type Compute = (pool: XePool, record: XeRecord) => Promise<string | readonly string[]>

const computations: Readonly<Record<Computed, Compute>> = {
  async 'sr host'(pool, { values }) {
    const { PBDs: pbds } = values as unknown as SrRecord
    if (pbds.length > 1) return '<shared>'
    const pbd = await pool.find('PBD', pbds[0])
    const host = await pool.find('host', pbd?.values['host'])
    return (host?.values['name_label'] as string | undefined) ?? NOT_IN_DATABASE
  },
  async 'vdi name or empty'(pool, { values }) {
    if (values['empty'] === true) return '<EMPTY>'
    return ((await pool.find('VDI', values['VDI']))?.values['name_label'] as string | undefined) ?? NOT_IN_DATABASE
  },
  'allowed vbd devices': ({ session, signal }, { ref }) =>
    unlessRefused([], session.VM.get_allowed_VBD_devices(ref as VmRef, { signal })),
  'allowed vif devices': ({ session, signal }, { ref }) =>
    unlessRefused([], session.VM.get_allowed_VIF_devices(ref as VmRef, { signal })),
  async 'possible hosts'(pool, { ref }) {
    const hosts = await pool.session.VM.get_possible_hosts(ref as VmRef, { signal: pool.signal })
    const records = await Promise.all(hosts.map((host) => pool.find('host', host)))
    return records.map((host) => (host?.values['uuid'] as string | undefined) ?? NOT_IN_DATABASE)
  },
  'quoted boot record': async (_, { values }) => `'${String(values['last_booted_record'])}'`,
  'supported sr types': ({ session, signal }) => session.SR.get_supported_types({ signal }),
  async 'license state'({ session, signal }, { ref }) {
    const state = await unlessRefused({}, session.pool.get_license_state(ref as PoolRef, { signal }))
    return Object.entries(state).map(([key, value]) => `${key}: ${value}`)
  },
  'free memory': async ({ session, signal }, { ref }) =>
    unlessRefused('<unknown>', session.host.compute_free_memory(ref as HostRef, { signal }).then(String)),
  'kbs in': (pool, record) => perSecond(pool, record, { VBD: 'read', VIF: 'rx', PIF: 'rx' }),
  'kbs out': (pool, record) => perSecond(pool, record, { VBD: 'write', VIF: 'tx', PIF: 'tx' }),
  async 'memory target'(pool, { ref, values }) {
    if (values['power_state'] !== 'Running') return '0'
    const target = await measured(pool, 'VM', ref, 'memory_target')
    return target === undefined ? '<unknown>' : target.toFixed(0)
  },
  async 'vcpus utilisation'(pool, { ref, values }) {
    const metrics = await pool.find('VM_metrics', values['metrics'])
    const count = Number(metrics?.values['VCPUs_number'] ?? 0)
    const shares = await Promise.all(Array.from({ length: count }, (_, n) => measured(pool, 'VM', ref, `cpu${n}`)))
    return shares.flatMap((share, n) => (share === undefined ? [] : [`${n}: ${share.toFixed(3)}`]))
  },
  async cooperative({ session, signal }, { ref }) {
    return String(await unlessRefused(true, session.call('VM.get_cooperative', [ref], signal)))
  },
  async 'https only'(pool) {
    return String([...(await pool.all('host')).values()].every(({ values }) => values['https_only'] === true))
  },
  async attachable({ session, signal }, { ref }) {
    try {
      await session.VBD.assert_attachable(ref as VbdRef, { signal })
      return 'true'
    } catch (error) {
      if (!(error instanceof XenApiError) || error.failure === undefined) throw error
      const [code = '', ...params] = error.failure
      return `false (error: Server_error(${code}, [ ${params.join('; ')} ]))`
    }
  },
}

/** A field that the pool answers by a call. */
export const computed = (pool: XePool, what: Computed, record: XeRecord): Promise<string | readonly string[]> =>
  computations[what](pool, record)

/** A device's traffic in KiB/s, as the VM or host that has it measures. */
async function perSecond(
  pool: XePool,
  { values }: XeRecord,
  words: { readonly VBD: string; readonly VIF: string; readonly PIF: string },
): Promise<string> {
  const device = String(values['device'])
  const [owner, ref, source] =
    'userdevice' in values
      ? (['VM', values['VM'], `vbd_${device}_${words.VBD}`] as const)
      : 'VM' in values
        ? (['VM', values['VM'], `vif_${device}_${words.VIF}`] as const)
        : (['host', values['host'], `pif_${device}_${words.PIF}`] as const)
  const bytes = await measured(pool, owner, String(ref), source)
  return bytes === undefined ? '<unknown>' : (bytes / 1024).toFixed(3)
}

/** The newest value of a data source; undefined when there is none. */
async function measured(
  { session, signal }: XePool,
  owner: 'VM' | 'host',
  ref: string,
  source: string,
): Promise<number | undefined> {
  const value = await unlessRefused(undefined, session.call(`${owner}.query_data_source`, [ref, source], signal))
  return typeof value === 'number' ? value : undefined
}

/** For calls that some objects refuse and some pools do not know: a list goes on without them. */
async function unlessRefused<Value>(otherwise: Value, answer: Promise<Value>): Promise<Value> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof XenApiError && error.failure !== undefined) return otherwise
    throw error
  }
}
