import { XenApiError } from '@tidemark/xenapi'
import { findMessage, parseType, type ApiType } from '@tidemark/xenapi/codec'
import { refused } from './complaint.ts'
import type { Command, Job } from './command.ts'
import type { XeRecord } from './directory.ts'
import type { XeClass, XeField } from './field.ts'
import { withoutStandard } from './params.ts'
import { fieldOf } from './record.ts'
import { addressOf } from './select.ts'
import { entriesOf, membersOf, readValue, typeOf } from './value.ts'

/** `<class>-param-set`, `-add`, `-remove` and `-clear`, as far as the class has fields for them. */
export function writersOf(cls: XeClass): readonly Command[] {
  const shown = cls.fields.filter(({ isHidden }) => isHidden !== true)
  const settable = shown.filter(isSettable).map(({ name }) => name)
  const maps = shown.filter(({ kind, isWritable }) => kind === 'map' && isWritable).map(({ name }) => `${name}:`)
  const growing = shown.filter(({ kind, isWritable }) => kind !== 'value' && isWritable)
  const set: Command = {
    name: `${cls.name}-param-set`,
    required: ['uuid'],
    optional: [...settable, ...maps],
    help: "Set parameters of one object: 'name=value', or 'map-param:key=value' for a key of a map.",
    run: (job) => paramSet(cls, job),
  }
  const add: Command = {
    name: `${cls.name}-param-add`,
    required: ['uuid', 'param-name'],
    optional: ['param-key'],
    help: "Add to a set, with 'param-key=<member>', or to a map, with 'key=value' pairs.",
    run: (job) => paramAdd(cls, job),
  }
  const remove: Command = {
    name: `${cls.name}-param-remove`,
    required: ['uuid', 'param-name', 'param-key'],
    optional: [],
    help: 'Remove a member of a set or a key of a map.',
    run: (job) => paramRemove(cls, job),
  }
  const clear: Command = {
    name: `${cls.name}-param-clear`,
    required: ['uuid', 'param-name'],
    optional: [],
    help: 'Empty a parameter: a set, a map or a value.',
    run: (job) => paramClear(cls, job),
  }
  const isClearable = shown.some((field) => isSettable(field) || field.kind !== 'value')
  return [
    ...(settable.length + maps.length > 0 ? [set] : []),
    ...(growing.length > 0 ? [add, remove] : []),
    ...(isClearable ? [clear] : []),
  ]
}

const isSettable = ({ kind, isWritable, whole }: XeField): boolean =>
  whole === 'set' || (kind === 'value' && isWritable)

/** One object whose fields are changed. */
interface Target {
  readonly pool: Job['pool']
  readonly cls: XeClass
  readonly record: XeRecord
}

const targetOf = async (cls: XeClass, { pool, params }: Job): Promise<Target> => ({
  pool,
  cls,
  record: await pool.byUuid(cls.api, params.need('uuid')),
})

async function change(
  { pool, cls, record }: Target,
  verb: string,
  field: XeField,
  ...args: readonly unknown[]
): Promise<void> {
  await pool.session.call(`${cls.api}.${verb}_${field.from}`, [record.ref, ...args], pool.signal)
}

async function paramSet(cls: XeClass, job: Job): Promise<void> {
  const target = await targetOf(cls, job)
  for (const [name, value] of withoutStandard(job.params, 'uuid')) {
    const address = addressOf(cls, name)
    if (address.kind === 'set') throw refused('Cannot param-set on set fields')
    if (address.kind === 'map') await setKey(target, address.field, address.key, value)
    else await setValue(target, address.field, value)
  }
}

async function setKey(target: Target, field: XeField, key: string, value: string): Promise<void> {
  if (!field.isWritable) throw refused(`Map field '${field.name}' is read-only.`)
  const present = await entriesOf(target.pool, target.cls.api, target.record, field)
  if (present.has(key)) await change(target, 'remove_from', field, key)
  await change(target, 'add_to', field, key, value)
}

async function setValue(target: Target, field: XeField, text: string): Promise<void> {
  if (!isSettable(field)) {
    const isMap = field.kind === 'map' && field.isWritable
    const problem = isMap ? "is a map or set. use the 'name:key=value' syntax." : 'is read-only.'
    throw refused(`Field '${field.name}' ${problem}`)
  }
  await change(target, 'set', field, await readValue(target.pool, field, takenBySetter(target, field), text))
}

/** Some setters are of fields that no record has. */
function takenBySetter({ cls }: Target, field: XeField): ApiType {
  const setter = findMessage(`${cls.api}.set_${field.from}`)
  const [, notation] = setter?.message.params.at(-1) ?? []
  return notation === undefined ? typeOf(cls.api, field) : parseType(notation)
}

async function paramAdd(cls: XeClass, job: Job): Promise<void> {
  const target = await targetOf(cls, job)
  const { params } = job
  const field = fieldOf(cls, params.need('param-name'))
  if (field.kind === 'value') throw refused('Can only add to parameters of type Set or Map')
  if (!field.isWritable) throw refused('Parameter is read-only')
  if (field.kind === 'map') {
    const pairs = withoutStandard(params, 'uuid', 'param-name', 'param-key')
    for (const [key, value] of pairs) await change(target, 'add_to', field, key, value)
    return
  }
  const member = params.find('param-key')
  if (member === undefined) {
    throw refused('When adding a key to a set, use the syntax: *-param-add param-name=<name> param-key=<key>')
  }
  await change(target, 'add', field, await readMember(target, field, member))
}

function readMember({ pool, cls }: Target, field: XeField, text: string): Promise<unknown> {
  const type = typeOf(cls.api, field)
  return readValue(pool, field, type.kind === 'set' ? type.of : type, text)
}

async function paramRemove(cls: XeClass, job: Job): Promise<void> {
  const target = await targetOf(cls, job)
  const field = fieldOf(cls, job.params.need('param-name'))
  const key = job.params.need('param-key')
  if (field.kind === 'value') throw refused('Can only remove from parameters of type Set or Map')
  if (!field.isWritable) throw refused('Cannot remove parameters from read-only map')
  if (field.kind === 'set') {
    const members = await membersOf(target.pool, cls.api, target.record, field)
    if (!members.includes(key)) throw refused(`Key ${key} is not in the set`)
    return change(target, 'remove', field, await readMember(target, field, key))
  }
  const entries = await entriesOf(target.pool, cls.api, target.record, field)
  if (!entries.has(key)) throw refused(`Key ${key} is not in map`)
  await change(target, 'remove_from', field, key)
}

async function paramClear(cls: XeClass, job: Job): Promise<void> {
  const target = await targetOf(cls, job)
  const field = fieldOf(cls, job.params.need('param-name'))
  if (field.whole === 'clear') return change(target, 'set', field, {})
  if (field.kind === 'value') return clearValue(target, field)
  if (!field.isWritable) throw refused('Can only clear RW parameters')
  if (field.kind === 'map') {
    const entries = await entriesOf(target.pool, cls.api, target.record, field)
    for (const key of entries.keys()) await change(target, 'remove_from', field, key)
    return
  }
  for (const member of await membersOf(target.pool, cls.api, target.record, field)) {
    await change(target, 'remove', field, await readMember(target, field, member))
  }
}

async function clearValue(target: Target, field: XeField): Promise<void> {
  if (!field.isWritable) throw refused('Can only clear RW parameters')
  try {
    await setValue(target, field, '')
  } catch (error) {
    if (error instanceof XenApiError && error.failure === undefined) throw error
    throw refused('Cannot clear this parameter')
  }
}
