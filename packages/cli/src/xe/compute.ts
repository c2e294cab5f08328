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

/** For calls that some objects refuse and some pools do not know: a list goes on without them. */
async function unlessRefused<Value>(otherwise: Value, answer: Promise<Value>): Promise<Value> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof XenApiError && error.failure !== undefined) return otherwise
    throw error
  }
}
