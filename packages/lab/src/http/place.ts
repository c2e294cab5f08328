import type { HostRef, SrRef } from '@tidemark/xenapi'
import { XenApiError } from '@tidemark/xenapi/codec'
import { failure } from '../calls/failure.ts'
import { isLive } from '../classes/placement.ts'
import { seesStorage } from '../classes/sr.ts'
import { thePool, type Pool } from '../pool.ts'
import type { Exchange } from './exchange.ts'
import { findObject, parameter } from './parameters.ts'

/** Where a request can be served. */
export type Place =
  | { readonly kind: 'here' }
  /** @see RFC 9110, 302 */
  | { readonly kind: 'elsewhere'; readonly url: string }
  | { readonly kind: 'nowhere' }

/** The SRs that a request is about. @throws XenApiError for what it names and there is not */
export type Needs = (pool: Pool, exchange: Exchange) => readonly SrRef[]

/** That of the disk, or the one where a disk is to be made. */
export const ofDisk: Needs = (pool, exchange) => {
  const vdi = parameter(exchange, 'vdi')
  if (vdi !== undefined) return [pool.db.get('VDI', findObject(pool, 'VDI', vdi)).SR]
  const sr = namedSr(pool, exchange)
  return sr === undefined ? [] : [sr]
}

/** Those of all disks of a VM. */
export const ofVm: Needs = (pool, { query }) => {
  const { db } = pool
  const vm = findObject(pool, 'VM', query.get('ref') ?? query.get('uuid') ?? '')
  const { VBDs, suspend_VDI } = db.get('VM', vm)
  const disks = [suspend_VDI, ...VBDs.map((vbd) => db.get('VBD', vbd).VDI)]
  return disks.flatMap((vdi) => db.find('VDI', vdi)?.SR ?? [])
}

export const ofImport: Needs = (pool, exchange) => [targetSr(pool, exchange)]

/** The SR that a request names, else the pool's default. @throws XenApiError DEFAULT_SR_NOT_FOUND */
export function targetSr(pool: Pool, exchange: Exchange): SrRef {
  const { default_SR } = thePool(pool)[1]
  const named = namedSr(pool, exchange)
  if (named !== undefined) return named
  return pool.db.find('SR', default_SR) === undefined ? failure('DEFAULT_SR_NOT_FOUND', default_SR) : default_SR
}

function namedSr(pool: Pool, exchange: Exchange): SrRef | undefined {
  const given = parameter(exchange, 'sr_id') ?? parameter(exchange, 'sr_uuid')
  return given === undefined ? undefined : findObject(pool, 'SR', given)
}

/** The host that was asked when it sees all that is needed, else the first one that does. */
export function placeOf(pool: Pool, exchange: Exchange, needs: Needs): Place {
  const srs = needed(pool, exchange, needs)
  const isFit = (host: HostRef): boolean => srs.every((sr) => seesStorage(pool, host, sr))
  if (isFit(exchange.host)) return { kind: 'here' }
  const other = pool.db.all('host').find(([ref]) => isLive(pool, ref) && isFit(ref))
  if (other === undefined) return { kind: 'nowhere' }
  return { kind: 'elsewhere', url: `https://${authority(other[1].address)}${exchange.request.url ?? '/'}` }
}

/** What a request names wrongly is told by the work itself. */
function needed(pool: Pool, exchange: Exchange, needs: Needs): readonly SrRef[] {
  try {
    return needs(pool, exchange)
  } catch (error) {
    if (error instanceof XenApiError) return []
    throw error
  }
}

const authority = (address: string): string => (/^[\da-f]*:[\da-f:]*:/i.test(address) ? `[${address}]` : address)
