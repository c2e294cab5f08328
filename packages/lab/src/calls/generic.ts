import { apiClasses, type ApiClass, type ApiMessage } from '@tidemark/xenapi/codec'
import { isClassName, type AnyRecord, type AnyRef, type ClassName } from '../database/tables.ts'
import type { Ref } from '@tidemark/xenapi'
import type { Call, Handler, Handlers } from './call.ts'
import { failure } from './failure.ts'
import { predicate } from './where.ts'

/**
 * The messages that follow from the fields of a class: get_record, get_by_uuid, set_name_label, add_to_other_config and
 * the like. Those that the model generates are all here, and so are the plain setters that xapi writes by hand.
 */
export const genericHandlers = (): Handlers =>
  Object.fromEntries(
    Object.values(apiClasses).flatMap((model) => {
      const { name } = model
      if (!isClassName(name)) return []
      return Object.values(model.messages).flatMap((message): [string, Handler][] => {
        const handler = genericHandler(name, model, message)
        return handler === undefined ? [] : [[`${name}.${message.name}`, handler]]
      })
    }),
  )

function genericHandler(name: ClassName, model: ApiClass, message: ApiMessage): Handler | undefined {
  return wholeRecords(name, model, message.name) ?? fieldAccess(name, model, message)
}

function wholeRecords(name: ClassName, model: ApiClass, message: string): Handler | undefined {
  switch (message) {
    case 'get_record':
      return ({ pool }, ref: AnyRef) => record(pool, name, ref)
    case 'get_all':
      return ({ pool }) => [...pool.db.rows(name).keys()]
    case 'get_all_records':
      return ({ pool }) => Object.fromEntries([...pool.db.rows(name)].map(([ref, row]) => [ref, row.record]))
    case 'get_all_records_where':
      return ({ pool }, text: string) => {
        const isMeant = predicate(model, text)
        const rows = [...pool.db.rows(name)].map(([ref, { record: each }]) => [ref, each] as const)
        return Object.fromEntries(rows.filter(([, each]) => isMeant(each)))
      }
    case 'get_by_uuid':
      return ({ pool }, uuid: string) => pool.db.byUuid(name, uuid)
    case 'get_by_name_label':
      return ({ pool }, label: string) =>
        [...pool.db.rows(name)].filter(([, row]) => row.record['name_label'] === label).map(([ref]) => ref)
    default:
      return undefined
  }
}

const ACCESS = /^(get|set|add_to|remove_from|add|remove)_(\w+)$/

function fieldAccess(name: ClassName, model: ApiClass, message: ApiMessage): Handler | undefined {
  const [, verb, fieldName = ''] = ACCESS.exec(message.name) ?? []
  const field = Object.hasOwn(model.fields, fieldName) ? model.fields[fieldName] : undefined
  if (verb === undefined || field === undefined) return undefined
  if (!message.implicit && !(verb === 'set' && message.params[1]?.[1] === field.type)) return undefined
  switch (verb) {
    case 'get':
      return ({ pool }, ref: AnyRef) => record(pool, name, ref)[fieldName]
    case 'set':
      return (call, ref: AnyRef, value: unknown) => edit(call, name, ref, fieldName, () => value)
    case 'add_to':
      return (call, ref: AnyRef, key: string, value: unknown) => addTo(call, name, ref, fieldName, key, value)
    case 'remove_from':
      return (call, ref: AnyRef, key: string) =>
        edit(call, name, ref, fieldName, (map) =>
          Object.fromEntries(Object.entries(map as AnyRecord).filter(([each]) => each !== key)),
        )
    case 'add':
      return (call, ref: AnyRef, item: unknown) =>
        edit(call, name, ref, fieldName, (set) => [...new Set([...(set as unknown[]), item])])
    case 'remove':
      return (call, ref: AnyRef, item: unknown) =>
        edit(call, name, ref, fieldName, (set) => (set as unknown[]).filter((each) => each !== item))
    default:
      return undefined
  }
}

const record = ({ db }: Call['pool'], name: ClassName, ref: AnyRef): AnyRecord =>
  db.get(name, ref as unknown as Ref<ClassName>) as unknown as AnyRecord

function edit(
  { pool }: Call,
  name: ClassName,
  ref: AnyRef,
  field: string,
  change: (before: unknown) => unknown,
): undefined {
  const before = record(pool, name, ref)[field]
  pool.db.update(name, ref as unknown as Ref<ClassName>, { [field]: change(before) })
}

function addTo(call: Call, name: ClassName, ref: AnyRef, field: string, key: string, value: unknown): undefined {
  const { uuid, [field]: map } = record(call.pool, name, ref)
  if (Object.hasOwn(map as object, key)) failure('MAP_DUPLICATE_KEY', name, field, String(uuid), key)
  edit(call, name, ref, field, () => ({ ...(map as object), [key]: value }))
}
