import { apiClasses, apiEnums, parseType, type ApiMessage, type ApiType, type WireValue } from '@tidemark/xenapi/codec'
import type { Random } from '../support/random.ts'
import { oddText } from './mutate.ts'

/** A call before it is written down. References are placeholders, which the target replaces by real ones. */
export interface FuzzCall {
  readonly method: string
  readonly params: readonly WireValue[]
}

/** Stands for the session. */
export const SESSION = '{{SESSION}}'
/** Stands for some object of the class. */
const objectOf = (className: string): string => `{{${className}}}`

const messages: readonly (readonly [string, ApiMessage])[] = Object.values(apiClasses).flatMap((cls) =>
  Object.values(cls.messages).map((message) => [cls.name, message] as const),
)

/** Calls that change what all others depend on are made less often, and only with parameters that are none. */
export function makeCall(random: Random): FuzzCall {
  const [name, message] = random.pick(messages)
  const session = message.session ? [random.chance(97) ? SESSION : odd(random)] : []
  const params = message.params.map(([, type]) => (random.chance(88) ? valid(random, parseType(type)) : odd(random)))
  return { method: spelled(random, `${name}.${message.name}`), params: [...session, ...resized(random, params)] }
}

function spelled(random: Random, method: string): string {
  switch (random.int(20)) {
    case 0:
      return `Async.${method}`
    case 1:
      return method.replace('.', '_')
    case 2:
      return method + oddText(random)
    case 3:
      return random.pick([
        '__proto__.get_all',
        'constructor.name',
        'system.listMethods',
        'Async.',
        '.',
        'VM.',
        'VM.__proto__',
      ])
    default:
      return method
  }
}

/** Too many, or too few. */
function resized(random: Random, params: WireValue[]): WireValue[] {
  if (random.chance(92)) return params
  return random.chance(50) ? params.slice(0, random.int(params.length + 1)) : [...params, odd(random), odd(random)]
}

function valid(random: Random, type: ApiType): WireValue {
  switch (type.kind) {
    case 'string':
      return random.chance(80) ? `text ${random.int(100)}` : oddText(random)
    case 'int':
      return random.chance(70) ? String(random.int(1 << 22)) : BigInt(random.int(1 << 30))
    case 'float':
      return random.int(10) / 1000
    case 'bool':
      return random.chance(50)
    case 'datetime':
      return new Date(random.int(2 ** 31) * 1000)
    case 'ref':
      return random.chance(90) ? objectOf(type.class) : 'OpaqueRef:NULL'
    case 'enum':
      return random.pick(apiEnums[type.name] ?? [''])
    case 'set':
      return Array.from({ length: random.int(4) }, () => valid(random, type.of))
    case 'map':
      return struct(random, () => [keyOf(valid(random, type.key)), valid(random, type.value)])
    case 'record':
      return record(random, type.class)
    case 'void':
    case 'any record':
    case 'event batch':
      return ''
    default:
      return type satisfies never
  }
}

function record(random: Random, name: string): WireValue {
  const fields = Object.values(apiClasses[name]?.fields ?? {}).filter(() => random.chance(80))
  return Object.fromEntries([
    ...fields.map((field) => [field.name, valid(random, parseType(field.type))]),
    ...(random.chance(5) ? [[oddText(random), odd(random)]] : []),
  ]) as WireValue
}

const keyOf = (key: WireValue): string => (typeof key === 'string' ? key : 'key')

const struct = (random: Random, member: () => readonly [string, WireValue]): WireValue =>
  Object.fromEntries(Array.from({ length: random.int(4) }, member))

/** A value of any type, with what should not be there. */
function odd(random: Random, depth = 0): WireValue {
  switch (random.int(depth > 4 ? 7 : 10)) {
    case 0:
      return oddText(random)
    case 1:
      return null
    case 2:
      return random.chance(50)
    case 3:
      return BigInt(oddNumber(random))
    case 4:
      return random.pick([0.1, -0, 1e308, Number.NaN, Number.POSITIVE_INFINITY, -1.5])
    case 5:
      return new Date(random.int(2 ** 31) * 1000)
    case 6:
      return random.bytes(random.int(20))
    case 7:
      return Array.from({ length: random.int(5) }, () => odd(random, depth + 1))
    case 8:
      return struct(random, () => [oddText(random), odd(random, depth + 1)])
    default:
      return nested(random, 1 + random.int(random.chance(5) ? 300 : 40))
  }
}

function nested(random: Random, depth: number): WireValue {
  let value: WireValue = oddText(random)
  for (let n = 0; n < depth; n++) value = random.chance(50) ? [value] : { n: value }
  return value
}

const oddNumber = (random: Random): string =>
  random.pick(['0', '-1', '2147483648', '9007199254740993', '9223372036854775807', '-9223372036854775809', '4096'])
