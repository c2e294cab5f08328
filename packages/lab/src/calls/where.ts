import { encodeDatetime, parseType, type ApiClass, type ApiType } from '@tidemark/xenapi/codec'
import type { AnyRecord } from '../database/tables.ts'
import { failure } from './failure.ts'

/**
 * The expressions of get_all_records_where: `field "power_state" = "Running" and not field "is_a_template" = "true"`.
 * `and` and `or` bind alike, from the left; `not` takes all that follows it. xapi: db_filter_parse.mly
 */
type Expression =
  | { readonly kind: 'constant'; readonly value: boolean }
  | { readonly kind: 'equal'; readonly left: Value; readonly right: Value }
  | { readonly kind: 'and' | 'or'; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'not'; readonly of: Expression }

interface Value {
  readonly kind: 'field' | 'literal'
  readonly text: string
}

/** Whether a record of a class is meant by an expression. @throws XenApiError INTERNAL_ERROR for text that is none */
export function predicate(model: ApiClass, text: string): (record: AnyRecord) => boolean {
  const expression = parse(text)
  return (record) =>
    holds(expression, (value) => (value.kind === 'literal' ? value.text : stored(model, record, value.text)))
}

function holds(expression: Expression, textOf: (value: Value) => string): boolean {
  switch (expression.kind) {
    case 'constant':
      return expression.value
    case 'equal':
      return textOf(expression.left) === textOf(expression.right)
    case 'and':
      return holds(expression.left, textOf) && holds(expression.right, textOf)
    case 'or':
      return holds(expression.left, textOf) || holds(expression.right, textOf)
    case 'not':
      return !holds(expression.of, textOf)
    default:
      return expression satisfies never
  }
}

/** A field as xapi's database writes it; name_label may be asked for as name__label too, as it is called there. */
function stored(model: ApiClass, record: AnyRecord, name: string): string {
  const plain = name.replaceAll('__', '_')
  const field = Object.hasOwn(model.fields, name) ? model.fields[name] : model.fields[plain]
  if (field === undefined) return failure('INTERNAL_ERROR', `missing column ${name} of ${model.name}`)
  return databaseText(parseType(field.type), record[field.name])
}

function databaseText(type: ApiType, value: unknown): string {
  if (value instanceof Date) return encodeDatetime(value)
  if (type.kind === 'set')
    return `(${(value as readonly unknown[]).map((each) => quoted(databaseText(type.of, each))).join(' ')})`
  if (type.kind !== 'map') return String(value)
  const pairs = Object.entries(value as object)
  return `(${pairs.map(([key, each]) => `(${quoted(key)} ${quoted(databaseText(type.value, each))})`).join(' ')})`
}

const quoted = (text: string): string => `'${text}'`

const TOKEN = /\s*(?:"([^"]*)"|(field|true|false|and|or|not|=|\(|\)))/y

function parse(text: string): Expression {
  const tokens = tokenize(text)
  let at = 0
  const bad = (): never => failure('INTERNAL_ERROR', `not an expression: ${text}`)
  const take = (word: string): boolean => {
    const found = tokens[at]?.word === word
    if (found) at++
    return found
  }
  const value = (): Value => {
    const kind = take('field') ? 'field' : 'literal'
    const literal = tokens[at++]?.text
    return literal === undefined ? bad() : { kind, text: literal }
  }
  const single = (): Expression => {
    if (take('true')) return { kind: 'constant', value: true }
    if (take('false')) return { kind: 'constant', value: false }
    if (take('not')) return { kind: 'not', of: chain() }
    if (take('(')) {
      const inner = chain()
      return take(')') ? inner : bad()
    }
    const left = value()
    return take('=') ? { kind: 'equal', left, right: value() } : bad()
  }
  const chain = (): Expression => {
    let left = single()
    for (;;) {
      if (take('and')) left = { kind: 'and', left, right: single() }
      else if (take('or')) left = { kind: 'or', left, right: single() }
      else return left
    }
  }
  const expression = chain()
  return at === tokens.length ? expression : bad()
}

interface Token {
  /** A word or a sign of the language. */
  readonly word?: string
  /** What stands between quotes. */
  readonly text?: string
}

function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  for (let end = 0; text.slice(end).trim() !== ''; end = TOKEN.lastIndex) {
    const [, quotedText, word] = TOKEN.exec(text) ?? failure('INTERNAL_ERROR', `not an expression: ${text}`)
    if (quotedText !== undefined) tokens.push({ text: quotedText })
    else if (word !== undefined) tokens.push({ word })
  }
  return tokens
}
