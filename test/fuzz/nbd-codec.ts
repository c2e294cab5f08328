import { NbdError } from '@tidemark/nbd'
import { greet, openExport, type Send } from '../../packages/nbd/src/handshake.ts'
import {
  encodeContext,
  encodeExport,
  encodeGreeting,
  encodeInfo,
  encodeReply,
  parseInfoRequest,
  parseMetaRequest,
  parseName,
  readClientFlags,
  readOption,
} from '../../packages/nbd/src/options.ts'
import type { Need, Parser } from '../../packages/nbd/src/parser.ts'
import {
  encodeChunkError,
  dataHead,
  encodeHole,
  encodeSimple,
  encodeStatus,
  readReply,
  readRequest,
  SPARE_BYTES,
  type Expected,
} from '../../packages/nbd/src/transmission.ts'
import { Command, Option, Rep } from '../../packages/nbd/src/wire.ts'
import type { Random } from '../support/random.ts'
import { Broken, type Kind, type Target, type Verdict } from './kind.ts'
import { mutateBytes } from './mutate.ts'
import { clientBytes } from './nbd-script.ts'

/** Both halves of NBD as parsers, without a socket: what clients say to a server, and what servers say to our client. */
export const nbdCodecKind: Kind = { name: 'nbd-codec', share: 140, open: async () => target }

const target: Target = {
  async run(random) {
    return random.chance(50) ? server(random) : client(random)
  },
  settle: async () => [],
  show: (random) => Buffer.from(random.chance(50) ? clientHalf(random) : serverHalf(random).bytes).toString('hex'),
  async [Symbol.asyncDispose]() {},
}

/** The most that a parser may make us hold because a stranger says so. */
const HELD_MAX = 40 * 1024 * 1024

const clientHalf = (random: Random): Uint8Array =>
  mutateBytes(random, clientBytes(random, { uuid: 'u'.repeat(36), session: 's' }), random.int(3))

function server(random: Random): Verdict {
  const stream = new Stream(clientHalf(random))
  return judged(() => {
    if (stream.feed(readClientFlags()) === undefined) return 'refused'
    for (;;) {
      const received = stream.feed(readOption())
      if (received === undefined) return 'refused'
      const { option, data } = received
      if (option === Option.EXPORT_NAME) return parseName(data) === undefined ? 'refused' : requests(stream)
      if (option === Option.INFO || option === Option.GO) parseInfoRequest(data)
      else parseMetaRequest(data)
    }
  })
}

function requests(stream: Stream): Verdict {
  while (stream.feed(readRequest()) !== undefined);
  return 'accepted'
}

/** What a server says to a client that opens an export and reads; mostly almost right. */
export function serverHalf(random: Random): { readonly bytes: Uint8Array; readonly reads: number } {
  const described = {
    name: 'disk',
    size: 1 << 20,
    flags: 3,
    description: undefined,
    blockSize: { minimum: 1, preferred: 4096, maximum: 1 << 25 },
  }
  const structured = random.chance(60)
  const reads = 1 + random.int(4)
  const parts = [
    encodeGreeting(random.int(8)),
    ...encodeReply(Option.STRUCTURED_REPLY, structured ? Rep.ACK : Rep.ERR_UNSUP),
    ...(structured
      ? [
          ...encodeContext(Option.SET_META_CONTEXT, 1, 'base:allocation'),
          ...encodeReply(Option.SET_META_CONTEXT, Rep.ACK),
        ]
      : []),
    ...(random.chance(70)
      ? [...encodeInfo(Option.GO, described, []), ...encodeReply(Option.GO, Rep.ACK)]
      : [...encodeReply(Option.GO, Rep.ERR_UNSUP), encodeExport(1 << 20, 3, true)]),
    ...Array.from({ length: reads }, (_, n) => answer(random, BigInt(n))).flat(),
  ]
  return { bytes: mutateBytes(random, Buffer.concat(parts), random.int(4)), reads }
}

function answer(random: Random, cookie: bigint): Uint8Array[] {
  const data = new Uint8Array(512)
  switch (random.int(6)) {
    case 0:
      return [encodeSimple(cookie, random.pick([0, 1, 5, 22, 99])), data]
    case 1:
      return [dataHead(cookie, random.int(600), data.length, random.chance(80)), data]
    case 2:
      return encodeHole(cookie, random.int(600), random.int(600), random.chance(80))
    case 3:
      return encodeStatus(cookie, random.int(3), [{ length: random.int(1024), flags: random.int(8) }])
    case 4:
      return encodeChunkError(cookie, random.int(120), 'no')
    default:
      return [encodeSimple(cookie, 0), data]
  }
}

const nothing: Send = () => undefined

function client(random: Random): Verdict {
  const { bytes, reads } = serverHalf(random)
  const stream = new Stream(bytes)
  const pending = (cookie: bigint): Expected | undefined =>
    cookie >= 0n && cookie < BigInt(reads)
      ? { type: cookie === 2n ? Command.BLOCK_STATUS : Command.READ, offset: 0, length: 512, into: place }
      : undefined
  const place = new Uint8Array(new ArrayBuffer(512 + SPARE_BYTES), 0, 512)
  return judged(() => {
    const hello = stream.feed(greet(nothing))
    if (hello === undefined) return 'refused'
    if (stream.feed(openExport(nothing, hello, { exportName: 'disk', contexts: ['base:allocation'] })) === undefined)
      return 'refused'
    for (let n = 0; n < reads; n++) if (stream.feed(readReply(pending)) === undefined) return 'refused'
    return 'accepted'
  })
}

function judged(work: () => Verdict): Verdict {
  try {
    return work()
  } catch (error) {
    if (error instanceof NbdError) return 'refused'
    throw error
  }
}

/** Bytes in a row, given to one parser after the other. */
class Stream {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** undefined: the bytes are at their end. @throws Broken when a parser asks for more than it may hold */
  feed<Result>(parser: Parser<Result>): Result | undefined {
    let step = parser.next()
    while (step.done !== true) {
      const need: Need = step.value
      const count = typeof need === 'number' ? need : need.into.length
      if (typeof need === 'number' && count > HELD_MAX) throw new Broken(`a parser asks for ${count} bytes at once`)
      if (this.#at + count > this.#bytes.length) return undefined
      const part = this.#bytes.subarray(this.#at, this.#at + count)
      this.#at += count
      if (typeof need !== 'number') need.into.set(part)
      step = parser.next(typeof need === 'number' ? part : need.into)
    }
    return step.value
  }
}
