import type { NbdFaults, NbdReplyFault, NbdReplyInfo, ServerTls } from '@tidemark/nbd'
import type { Pool } from '../pool.ts'
import type { Fired, PlannedFaults } from './planned.ts'
import { pause } from './wait.ts'
import { befall, isWorldAction } from './world.ts'

/** Hands the events of one host's NBD server to the plan. */
export function nbdFaults(
  pool: Pool,
  host: string,
  planned: PlannedFaults,
  impostor: () => Promise<ServerTls>,
): NbdFaults {
  const bytesRead = new Map<number, number>()
  return {
    beforeGreeting: () => planned.event('nbd-greeting', { host })?.action.action ?? 'pass',
    async beforeTls() {
      const action = planned.event('nbd-tls', { host })?.action.action ?? 'pass'
      return action === 'wrong-certificate' ? impostor() : action
    },
    async beforeReply(info) {
      const { connection, type, length } = info
      const read = (bytesRead.get(connection) ?? 0) + (type === 'READ' ? length : 0)
      bytesRead.set(connection, read)
      const fired = planned.event('nbd-reply', { host, connection, type, vdi: vdiOf(info), bytesRead: read })
      return fired === undefined ? 'pass' : spoilReply(pool, fired, info)
    },
  }
}

/** Names are `/<vdi uuid>?session_id=…` */
const vdiOf = ({ exportName }: NbdReplyInfo): string => /^\/?([^?]*)/.exec(exportName)?.[1] ?? ''

async function spoilReply(
  pool: Pool,
  { action, chance }: Fired<'nbd-reply'>,
  { type, length, signal }: NbdReplyInfo,
): Promise<NbdReplyFault> {
  if (isWorldAction(action)) {
    await befall(pool, action)
    return 'pass'
  }
  switch (action.action) {
    case 'drop':
      return 'drop'
    case 'delay':
      await pause(action.ms, signal)
      return 'pass'
    case 'cut':
      return { cutAfter: type === 'READ' ? Math.min(action.after, length) : 0 } // before the end, whatever the plan says
    case 'corrupt':
      return { corrupt: action.what, bit: action.bit ?? Math.floor(chance() * 8 * length) }
    case 'error':
      return { errno: action.errno }
    default:
      return action satisfies never
  }
}
