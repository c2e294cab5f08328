import { apiClasses, decodeTyped, NULL_REF, parseType, XenApiError } from '@tidemark/xenapi/codec'
import { apiFailure, failure } from '../calls/failure.ts'
import { newRecord } from '../database/record.ts'
import type { AnyRecord, ClassName, Fields, Tables } from '../database/tables.ts'
import type { Ova, OvaObject } from './ova.ts'

/** An object of the file with its record; references in it are those of the file. */
export interface SourceObject<Class extends ClassName> {
  readonly id: string
  readonly record: Tables[Class]
}

/** The objects of a description, by class and by `Ref:<n>`. */
export class OvaSource {
  readonly #objects: ReadonlyMap<string, OvaObject>
  /** Records that were asked for, each decoded once: a whole pool has thousands, and they name each other. */
  readonly #records = new Map<OvaObject, unknown>()

  constructor({ objects }: Ova) {
    this.#objects = new Map(objects.map((each) => [each.id, each]))
  }

  /** In the order of the file. @throws XenApiError IMPORT_ERROR */
  all<Class extends ClassName>(className: Class): readonly SourceObject<Class>[] {
    return [...this.#objects.values()]
      .filter((each) => each.class === className)
      .map((each) => ({ id: each.id, record: this.#recordOf(className, each) }))
  }

  find<Class extends ClassName>(className: Class, id: string): Tables[Class] | undefined {
    const found = this.#objects.get(id)
    return found?.class === className ? this.#recordOf(className, found) : undefined
  }

  /** @throws XenApiError IMPORT_ERROR_FAILED_TO_FIND_OBJECT */
  get<Class extends ClassName>(className: Class, id: string): Tables[Class] {
    return this.find(className, id) ?? failure('IMPORT_ERROR_FAILED_TO_FIND_OBJECT', id)
  }

  /** Objects of classes that our model does not have, as they stand in the file. */
  raw(className: string): readonly OvaObject[] {
    return [...this.#objects.values()].filter((each) => each.class === className)
  }

  #recordOf<Class extends ClassName>(className: Class, object: OvaObject): Tables[Class] {
    const known = this.#records.get(object)
    if (known !== undefined) return known as Tables[Class]
    const record = recordOf(className, object)
    this.#records.set(object, record)
    return record
  }
}

/** A record of the file with everything that our model has. @throws XenApiError IMPORT_ERROR */
function recordOf<Class extends ClassName>(className: Class, { snapshot }: OvaObject): Tables[Class] {
  try {
    // as an argument: references of the file stay as they are
    const given = decodeTyped(parseType(`${className} record`), snapshot, 'argument')
    return newRecord(className, given as Fields<Class>)
  } catch (error) {
    if (error instanceof XenApiError) throw apiFailure('IMPORT_ERROR', `ova.xml: ${error.message}`)
    throw error
  }
}

/** A record whose references lead nowhere: what the file says of other objects is joined one by one. */
export function withoutReferences<Class extends ClassName>(className: Class, record: Tables[Class]): Tables[Class] {
  const fields = apiClasses[className]?.fields ?? {}
  const entries = Object.entries(record as unknown as AnyRecord).map(([name, value]) => {
    const type = parseType(fields[name]?.type ?? 'string')
    if (type.kind === 'ref') return [name, NULL_REF]
    return type.kind === 'set' && type.of.kind === 'ref' ? [name, []] : [name, value]
  })
  return Object.fromEntries(entries) as Tables[Class]
}
