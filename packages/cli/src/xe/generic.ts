import { refused } from './complaint.ts'
import type { Command, Job } from './command.ts'
import type { XeRecord } from './directory.ts'
import { mark, type XeClass, type XeField } from './field.ts'
import { writersOf } from './generic-write.ts'
import { withoutStandard, type Params } from './params.ts'
import type { PrintedRecord } from './printer.ts'
import { fieldOf } from './record.ts'
import { select } from './select.ts'
import { entriesOf, textOf } from './value.ts'

/** `<class>-list` and the `<class>-param-…` commands that its fields allow. */
export function genericCommands(cls: XeClass): readonly Command[] {
  const shown = cls.fields.filter(({ isHidden }) => isHidden !== true)
  const filters = shown.flatMap(({ name, kind }) => (kind === 'set' ? [name, `${name}:contains`] : [name]))
  const common = cls.isCommon === true ? { isCommon: true as const } : {}
  return [
    {
      ...common,
      name: `${cls.name}-list`,
      required: [],
      optional: ['params', ...filters],
      help: `List the ${cls.name}s that match the given parameters. A key of a map is asked for as 'map-param:key=value', a member of a set as 'set-param:contains=value'.`,
      run: (job) => list(cls, job),
    },
    {
      name: `${cls.name}-param-list`,
      required: ['uuid'],
      optional: [],
      help: 'Show all parameters of one object.',
      run: (job) => paramList(cls, job),
    },
    {
      name: `${cls.name}-param-get`,
      required: ['uuid', 'param-name'],
      optional: ['param-key'],
      help: "Show one parameter of one object; of a map, with 'param-key', the value of one key.",
      run: (job) => paramGet(cls, job),
    },
    ...writersOf(cls),
  ]
}

async function list(cls: XeClass, { pool, params, printer }: Job): Promise<void> {
  const all = [...(await pool.all(cls.api)).values()]
  const wanted = [...Object.entries(cls.only), ...withoutStandard(params, 'params')]
  if (wanted.some(([name]) => name.startsWith('database:'))) {
    throw refused("tidemark reads the pool's own database only: the 'database:' parameters are not supported.")
  }
  const selected = await select(pool, cls, all, wanted)
  const fields = chosenFields(cls, params, 'params', cls.list).filter(({ isHidden }) => isHidden !== true)
  const records = params.flag('all') ? all : selected
  printer.table(await Promise.all(records.map((record) => printed(job(pool, cls), record, fields, 'in a list'))))
}

const job = (pool: Job['pool'], cls: XeClass) => ({ pool, cls })

/** The fields that `params=` names, in the order of the class; `all` and no default mean every field. */
export function chosenFields(
  { fields }: XeClass,
  params: Params,
  name: string,
  byDefault: readonly string[],
): readonly XeField[] {
  const given = params.find(name)
  const names = given === undefined ? byDefault : given === 'all' ? [] : given.split(',')
  return names.length === 0 ? fields : fields.filter((field) => names.includes(field.name))
}

async function paramList(cls: XeClass, { pool, params, printer }: Job): Promise<void> {
  const record = await pool.byUuid(cls.api, params.need('uuid'))
  const fields = cls.fields.filter(({ isHidden }) => isHidden !== true)
  printer.table([await printed(job(pool, cls), record, fields, 'alone')])
}

/** Names with their marks, and values. A list leaves out what would need a call for each record. */
export function printed(
  { pool, cls }: { readonly pool: Job['pool']; readonly cls: XeClass },
  record: XeRecord,
  fields: readonly XeField[],
  where: 'in a list' | 'alone',
): Promise<PrintedRecord> {
  return Promise.all(
    fields.map(async (field) => {
      const isLeftOut = where === 'in a list' && field.isExpensive === true
      const text = isLeftOut ? '<expensive field>' : await textOf(pool, cls.api, record, field)
      return [`${field.name}${mark(field)}`, text] as const
    }),
  )
}

async function paramGet(cls: XeClass, { pool, params, printer }: Job): Promise<void> {
  const record = await pool.byUuid(cls.api, params.need('uuid'))
  const field = fieldOf(cls, params.need('param-name'))
  const key = params.find('param-key')
  if (key === undefined || field.kind !== 'map') return printer.list([await textOf(pool, cls.api, record, field)])
  const value = (await entriesOf(pool, cls.api, record, field)).get(key)
  if (value === undefined) throw refused(`Key ${key} not found in map`)
  printer.list([value])
}
