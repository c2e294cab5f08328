import type { Ref } from '@tidemark/xenapi'
import type { ClassName } from '../database/tables.ts'
import type { Pool } from '../pool.ts'
import type { Exchange } from './exchange.ts'

/** A parameter of the request, from its query or its cookies. */
export const parameter = ({ query, cookies }: Exchange, name: string): string | undefined =>
  query.get(name) ?? cookies.get(name)

/** A switch in a query; anything but `true` is false. */
export const flag = (query: URLSearchParams, name: string, missing = false): boolean =>
  query.has(name) ? query.get(name) === 'true' : missing

/** By reference or uuid. @throws XenApiError HANDLE_INVALID */
export function findObject<Class extends ClassName>({ db }: Pool, className: Class, given: string): Ref<Class> {
  const ref = db.findByUuid(className, given) ?? (given as Ref<Class>)
  db.get(className, ref)
  return ref
}
