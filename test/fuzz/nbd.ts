import {
  Command,
  Errno,
  Option,
  OPTION_BYTES_MAX,
  OPTION_REPLY_MAGIC,
  Rep,
  REQUEST_MAGIC,
  SIMPLE_REPLY_MAGIC,
} from '../../packages/nbd/src/wire.ts'
import { parseInfoRequest } from '../../packages/nbd/src/options.ts'
import type { Random } from '../support/random.ts'
import { Broken, type Kind, type Target, type Verdict } from './kind.ts'
import { openLabTarget, type LabTarget } from './lab-target.ts'
import { mutateBytes } from './mutate.ts'
import { encodeScript, makeScript, type Names, type OptionStep, type RequestStep, type Script } from './nbd-script.ts'
import { pieces, talk } from './socket.ts'

/** Whole conversations with the lab's NBD server, over connections. */
export const nbdKind: Kind = { name: 'nbd', share: 55, open: () => openNbdTarget('xapi') }
/** Before TLS nothing is to be had but STARTTLS. */
export const nbdTlsKind: Kind = { name: 'nbd-tls', share: 2, open: () => openNbdTarget('tls') }
export const nbdStandardKind: Kind = { name: 'nbd-standard', share: 15, open: () => openNbdTarget('standard') }

type Flavour = 'xapi' | 'standard' | 'tls'

async function openNbdTarget(flavour: Flavour): Promise<Target> {
  const place = await openLabTarget(flavour === 'tls' ? { networkPurpose: 'nbd' } : { nbdPersonality: flavour })
  const known = await place.names()
  const names: Names = { uuid: place.uuid, session: known.get('SESSION') ?? '' }
  return {
    run: (random) => converse(place, random, names, flavour),
    async settle() {
      const wrong = await place.settle()
      return wrong
    },
    show: (random) =>
      JSON.stringify(makeScript(random, { uuid: 'u'.repeat(36), session: `OpaqueRef:${'s'.repeat(36)}` }), shown),
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  }
}

const shown = (_name: string, value: unknown): unknown =>
  typeof value === 'bigint'
    ? String(value)
    : value instanceof Uint8Array
      ? Buffer.from(value).toString('latin1')
      : value

async function converse(place: LabTarget, random: Random, names: Names, flavour: Flavour): Promise<Verdict> {
  const script = makeScript(random, names)
  const whole = encodeScript(script)
  const isChanged = random.chance(35)
  const bytes = isChanged ? mutateBytes(random, whole) : whole
  const { bytes: heard, ended } = await talk(place.lab.nbdAddress.port, pieces(random, bytes), {
    // a handshake of TLS that nobody goes on with has its ten seconds
    patienceMs: flavour === 'tls' ? 150 : undefined,
  })
  if (place.lab.death !== undefined) throw new Broken(`the lab died of ${place.lab.death}`)
  // a reset takes along what was sent before
  if (heard.length === 0 && ended === 'cut') return 'refused'
  const expected = isChanged || flavour !== 'xapi' ? undefined : expectedOf(script, names, place.size)
  return new Answers(heard, place.size, flavour).check(expected)
}

/** What xapi's server says to a conversation: the answers to options, then to requests. */
interface Expected {
  readonly options: readonly number[]
  readonly isOpen: boolean
  /** Errors of the answers, and how many bytes follow each; cut: then the connection ends without an answer. */
  readonly replies: readonly { readonly error: number; readonly data: number | 'some' }[]
}

function expectedOf({ options, requests }: Script, { uuid, session }: Names, size: number): Expected | undefined {
  // what is longer than any real option ends the connection, at once and without a word
  if (options.some(({ length, data }) => length !== data.length || length > OPTION_BYTES_MAX)) return undefined
  const answers: number[] = []
  for (const each of options) {
    if (each.option !== Option.EXPORT_NAME) {
      answers.push(answerTo(each, `/${uuid}?session_id=${session}`))
      if (each.option === Option.GO && answers.at(-1) === Rep.ACK)
        return { options: answers, isOpen: false, replies: [] }
      continue
    }
    const isOpen = Buffer.from(each.data).toString() === `/${uuid}?session_id=${session}`
    return { options: answers, isOpen, replies: isOpen ? repliesTo(requests, size) : [] }
  }
  return { options: answers, isOpen: false, replies: [] }
}

function answerTo({ option, data }: OptionStep, name: string): number {
  if (option === Option.STARTTLS) return Rep.ERR_POLICY
  if (option === Option.LIST) return Rep.ERR_UNSUP
  if (option !== Option.INFO && option !== Option.GO) return Rep.ERR_UNSUP
  const parsed = parseInfoRequest(data)
  if (parsed === undefined) return Rep.ERR_INVALID
  return parsed.name === name ? Rep.ACK : Rep.ERR_UNKNOWN
}

function repliesTo(requests: readonly RequestStep[], size: number): { error: number; data: number | 'some' }[] {
  const replies: { error: number; data: number | 'some' }[] = []
  for (const { magic, type, flags, offset, length } of requests) {
    if (magic !== REQUEST_MAGIC || type === Command.DISC) return replies
    const known = type === Command.READ ? (flags & ~5) === 0 : type === Command.WRITE ? (flags & ~1) === 0 : false
    if (type === Command.WRITE && known) return [...replies, { error: Errno.EPERM, data: 0 }]
    if (!known || offset % 512 !== 0 || length % 512 !== 0) return [...replies, { error: Errno.EINVAL, data: 0 }]
    if (offset + length > size) return [...replies, { error: 0, data: 'some' }]
    replies.push({ error: 0, data: length })
  }
  return replies
}

/** What the server said, read with eyes of our own. */
class Answers {
  readonly #bytes: Buffer
  readonly #size: number
  readonly #flavour: Flavour
  #at = 0

  constructor(bytes: Buffer, size: number, flavour: Flavour) {
    this.#bytes = bytes
    this.#size = size
    this.#flavour = flavour
  }

  /** @throws Broken when it is no NBD, or not what was to be said */
  check(expected: Expected | undefined): Verdict {
    this.#greeting()
    const options = this.#options()
    const isOpen = this.#flavour === 'tls' ? this.#secured() : this.#export()
    if (expected !== undefined) this.#compare(expected, options, isOpen)
    return isOpen || options.includes(Rep.ACK) ? 'accepted' : 'refused'
  }

  #greeting(): void {
    const head = this.#bytes.subarray(0, 18)
    const flags = this.#flavour === 'standard' ? 3 : 1
    if (
      head.length !== 18 ||
      head.toString('latin1', 0, 16) !== 'NBDMAGICIHAVEOPT' ||
      head.readUInt16BE(16) !== flags
    ) {
      throw new Broken(`the greeting is ${head.toString('hex')}`)
    }
    this.#at = 18
  }

  /** The final answers to options: acknowledgements and errors. */
  #options(): number[] {
    const found: number[] = []
    while (this.#left >= 20 && this.#bytes.readBigUInt64BE(this.#at) === OPTION_REPLY_MAGIC) {
      const type = this.#bytes.readUInt32BE(this.#at + 12)
      const length = this.#bytes.readUInt32BE(this.#at + 16)
      if (length > 8192 || length > this.#left - 20)
        throw new Broken(`an answer to an option has ${length} bytes, ${this.#left - 20} came`)
      this.#at += 20 + length
      if (type === Rep.ACK || type >= 0x8000_0000) found.push(type)
    }
    return found
  }

  /** After STARTTLS was acknowledged there is TLS, which here can only complain; before it nothing at all. */
  #secured(): boolean {
    const rest = this.#bytes.subarray(this.#at)
    if (rest.length > 0 && rest[0] !== 0x15 && rest[0] !== 0x16)
      throw new Broken(`in the clear: ${rest.toString('hex')}`)
    return false
  }

  #export(): boolean {
    if (this.#left === 0) return false
    const size = this.#left >= 10 ? this.#bytes.readBigUInt64BE(this.#at) : -1n
    // after GO there is no such block: requests are answered at once
    if (this.#left >= 4 && this.#bytes.readUInt32BE(this.#at) === SIMPLE_REPLY_MAGIC) return true
    if (size !== BigInt(this.#size))
      throw new Broken(`an export of ${size} bytes: ${this.#bytes.subarray(this.#at, this.#at + 40).toString('hex')}`)
    this.#at += 10
    if (this.#left >= 124 && this.#bytes.subarray(this.#at, this.#at + 124).every((byte) => byte === 0)) this.#at += 124
    return true
  }

  #compare({ options, isOpen, replies }: Expected, found: readonly number[], foundOpen: boolean): void {
    const wanted = options.map((each) => each.toString(16)).join(' ')
    if (found.map((each) => each.toString(16)).join(' ') !== wanted) {
      throw new Broken(`options are answered with ${found.map((each) => each.toString(16)).join(' ')}, not ${wanted}`)
    }
    if (isOpen && !foundOpen) throw new Broken('the export was not opened')
    for (const { error, data } of isOpen ? replies : []) this.#reply(error, data)
    if (isOpen && replies.at(-1)?.data !== 'some' && this.#left > 0) throw new Broken(`${this.#left} bytes too many`)
  }

  #reply(error: number, data: number | 'some'): void {
    if (this.#left < 16) throw new Broken(`an answer is missing: error ${error}, ${data} bytes`)
    const magic = this.#bytes.readUInt32BE(this.#at)
    const said = this.#bytes.readUInt32BE(this.#at + 4)
    if (magic !== SIMPLE_REPLY_MAGIC || said !== error)
      throw new Broken(`the error is ${said}, not ${error} (magic ${magic.toString(16)})`)
    this.#at += 16
    if (data === 'some') return
    if (this.#left < data) throw new Broken(`${this.#left} bytes of ${data}`)
    this.#at += data
  }

  get #left(): number {
    return this.#bytes.length - this.#at
  }
}
