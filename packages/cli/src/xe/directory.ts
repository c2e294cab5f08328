import { apiClasses } from '@tidemark/xenapi/codec'
import { isFailure, NULL_REF, type Session } from '@tidemark/xenapi'

/** An object as the pool describes it. */
export interface XeRecord {
  readonly ref: string
  readonly values: Readonly<Record<string, unknown>>
}

/** A pool, and what was read of it. */
export interface XePool {
  readonly session: Session
  readonly signal: AbortSignal
  /** All objects of a class of the data model. Asked for once. */
  all(api: string): Promise<ReadonlyMap<string, XeRecord>>
  /** The object behind a reference of a class; undefined when there is none, or the class is unknown. */
  find(api: string, ref: unknown): Promise<XeRecord | undefined>
  /** The object with this uuid, freshly read. @throws XenApiError UUID_INVALID */
  byUuid(api: string, uuid: string): Promise<XeRecord>
}

export function openXePool(session: Session, signal: AbortSignal): XePool {
  const seen = new Map<string, Promise<ReadonlyMap<string, XeRecord>>>()
  const all = (api: string) => {
    const known = seen.get(api) ?? readAll(session, api, signal)
    seen.set(api, known)
    return known
  }
  return {
    session,
    signal,
    all,
    async find(api, ref) {
      if (typeof ref !== 'string' || ref === NULL_REF || apiClasses[api] === undefined) return undefined
      return (await all(api)).get(ref) ?? readOne(session, api, ref, signal)
    },
    async byUuid(api, uuid) {
      const ref = (await session.call(`${api}.get_by_uuid`, [uuid], signal)) as string
      const values = (await session.call(`${api}.get_record`, [ref], signal)) as XeRecord['values']
      return { ref, values }
    },
  }
}

async function readAll(session: Session, api: string, signal: AbortSignal): Promise<ReadonlyMap<string, XeRecord>> {
  const records = await session.call(`${api}.get_all_records`, [], signal)
  const entries = Object.entries(records as Readonly<Record<string, XeRecord['values']>>)
  return new Map(entries.map(([ref, values]) => [ref, { ref, values }]))
}

/** An object that is younger than the list. */
async function readOne(session: Session, api: string, ref: string, signal: AbortSignal): Promise<XeRecord | undefined> {
  try {
    return { ref, values: (await session.call(`${api}.get_record`, [ref], signal)) as XeRecord['values'] }
  } catch (error) {
    if (isFailure(error, 'HANDLE_INVALID')) return undefined
    throw error
  }
}
