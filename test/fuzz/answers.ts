import {
  decodeJsonAnswer,
  decodeTyped,
  decodeXmlAnswer,
  decodeXmlValue,
  encodeJsonAnswer,
  encodeXmlAnswer,
  parseType,
  XenApiError,
  type Answer,
} from '@tidemark/xenapi/codec'
import { readVhd, writeVhd } from '@tidemark/xenapi/vhd'
import type { Random } from '../support/random.ts'
import { makeCall } from './calls.ts'
import type { Kind, Target, Verdict } from './kind.ts'
import { mutateBytes, mutateTokens } from './mutate.ts'
import { writable } from './rpc.ts'

/** What a pool answers to our client: bodies of both encodings, and disks as VHD. */
export const answersKind: Kind = { name: 'answers', share: 60, open: async () => target }

const TYPES = [
  'VM record',
  '(VM ref -> VM record) map',
  'an event batch',
  'VDI ref set',
  'int',
  'datetime',
  'string',
  'task record',
  '(string -> string) map',
] as const

const target: Target = {
  run: (random) => (random.chance(10) ? vhd(random) : Promise.resolve(answer(random))),
  settle: async () => [],
  show: (random) => (random.chance(10) ? 'a VHD' : body(random).text),
  async [Symbol.asyncDispose]() {},
}

function body(random: Random): { readonly text: string; readonly encoding: 'xml' | 'json'; readonly type: string } {
  const value = writable([...makeCall(random).params])
  const [first = ''] = Array.isArray(value) ? value.slice(-1) : []
  const said: Answer = random.chance(85) ? { ok: true, value: first } : { ok: false, failure: ['VDI_IN_USE', 'x', 'y'] }
  const encoding = random.chance(50) ? 'xml' : 'json'
  const text =
    encoding === 'xml' ? encodeXmlAnswer(said) : encodeJsonAnswer(said, { version: random.chance(50) ? 1 : 2, id: 1 })
  const type = random.pick(TYPES)
  if (random.chance(30)) return { text, encoding, type }
  const tokens = text.match(encoding === 'xml' ? /<[^>]*>|[^<]+/g : /[{}[\],:]|"(?:[^"\\]|\\.)*"|[^{}[\],:"]+/g) ?? []
  const changed = random.chance(60)
    ? mutateTokens(random, tokens)
    : Buffer.from(mutateBytes(random, Buffer.from(text))).toString('utf8')
  return { text: changed, encoding, type }
}

function answer(random: Random): Verdict {
  const { text, encoding, type } = body(random)
  try {
    if (random.chance(5)) decodeXmlValue(text)
    const said = encoding === 'xml' ? decodeXmlAnswer(text) : decodeJsonAnswer(text)
    if (!said.ok) return 'refused'
    decodeTyped(parseType(type), said.value)
    return 'accepted'
  } catch (error) {
    if (error instanceof XenApiError && error.code === 'XENAPI_PROTOCOL') return 'refused'
    throw error
  }
}

/** A disk of two blocks, damaged on its way. */
async function vhd(random: Random): Promise<Verdict> {
  const block = new Uint8Array(2 * 1024 * 1024)
  const whole = writeVhd({ size: 4 * 1024 * 1024, blocks: random.chance(90) ? [] : [1], read: async () => block })
  const parts: Uint8Array[] = []
  for await (const part of whole.body) parts.push(part)
  const bytes = mutateBytes(random, Buffer.concat(parts), 1 + random.int(5))
  const cut = random.int(bytes.length + 1)
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, cut)
    yield bytes.subarray(cut)
  }
  try {
    const reader = await readVhd(stream())
    for await (const { data } of reader.blocks()) if (data.length === 0) return 'refused'
    return 'accepted'
  } catch (error) {
    if (error instanceof XenApiError && error.code === 'XENAPI_PROTOCOL') return 'refused'
    throw error
  }
}
