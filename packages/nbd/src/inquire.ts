import { bytes, type Bytes } from '@tidemark/blocks'
import type { Channel, NbdAddress } from './channel.ts'
import { nbdDefaults } from './client.ts'
import { withHandshake, type NbdTarget } from './connection.ts'
import { NbdError } from './error.ts'
import { abort, info, list, listMetaContexts, structuredReplies, type Send } from './handshake.ts'
import type { BlockSize } from './range.ts'
import type { NbdTrust } from './trust.ts'
import { TransmissionFlag } from './wire.ts'

/** What a server tells of an export without opening it. */
export interface ExportDescription {
  readonly size: Bytes
  readonly readOnly: boolean
  /** Absent when the server did not say. */
  readonly blockSize?: BlockSize
  /** Metadata contexts one can ask for. */
  readonly contexts: readonly string[]
}

/**
 * The names of a server's exports.
 * @throws NbdError NBD_REFUSED (the server does not tell, as xapi), and as `openNbd`
 */
export function listExports(address: NbdAddress, trust?: NbdTrust, signal?: AbortSignal): Promise<string[]> {
  const target = trust === undefined ? { address } : { address, tls: trust }
  return inquire(target, signal, (channel, send) => channel.run(list(send)))
}

/**
 * Asks what an export is, without opening it.
 * @throws NbdError NBD_REFUSED (the server knows no INFO, as xapi), NBD_EXPORT (no such export), and as `openNbd`
 */
export function describeExport(target: NbdTarget, signal?: AbortSignal): Promise<ExportDescription> {
  return inquire(target, signal, async (channel, send) => {
    const found = await channel.run(info(send, target.exportName))
    if (found === undefined) throw new NbdError('NBD_REFUSED', 'the server does not describe its exports')
    const structured = await channel.run(structuredReplies(send))
    const contexts = structured ? await channel.run(listMetaContexts(send, target.exportName, [])) : []
    const readOnly = (found.flags & TransmissionFlag.READ_ONLY) !== 0
    return { size: bytes(found.size), readOnly, contexts, ...(found.blockSize && { blockSize: found.blockSize }) }
  })
}

function inquire<Result>(
  target: Omit<NbdTarget, 'exportName'>,
  signal: AbortSignal | undefined,
  ask: (channel: Channel, send: Send) => Promise<Result>,
): Promise<Result> {
  return withHandshake(target, nbdDefaults, signal, async (channel, hello) => {
    if (!hello.fixed) throw new NbdError('NBD_REFUSED', 'the server is too old for questions')
    const send: Send = (parts) => channel.send(parts)
    const result = await ask(channel, send)
    abort(send)
    await channel.linger(LINGER_MS)
    return result
  })
}

const LINGER_MS = 5_000
