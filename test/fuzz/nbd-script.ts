import { Command, Option, OPTION_MAGIC, optionHead, request, REQUEST_MAGIC } from '../../packages/nbd/src/wire.ts'
import type { Random } from '../support/random.ts'
import { oddText } from './mutate.ts'

/** What an export's name is made of. */
export interface Names {
  readonly uuid: string
  readonly session: string
}

export interface OptionStep {
  readonly option: number
  readonly data: Uint8Array
  /** The length that the head tells. */
  readonly length: number
}

export interface RequestStep {
  readonly magic: number
  readonly flags: number
  readonly type: number
  readonly cookie: bigint
  readonly offset: number
  readonly length: number
  readonly payload: Uint8Array
}

/** A whole conversation from the client's side. */
export interface Script {
  readonly flags: number
  readonly options: readonly OptionStep[]
  readonly requests: readonly RequestStep[]
}

export function makeScript(random: Random, names: Names): Script {
  const options = Array.from({ length: random.int(5) }, () => someOption(random, names))
  const opens = random.chance(70)
  const name = opens && random.chance(85) ? `/${names.uuid}?session_id=${names.session}` : oddText(random)
  return {
    flags: random.chance(90) ? random.int(4) | 1 : random.int(2 ** 32),
    options: opens ? [...options, plainOption(Option.EXPORT_NAME, Buffer.from(name))] : options,
    requests: opens ? Array.from({ length: random.int(6) }, (_, n) => someRequest(random, n)) : [],
  }
}

const plainOption = (option: number, data: Uint8Array): OptionStep => ({ option, data, length: data.length })

function someOption(random: Random, names: Names): OptionStep {
  const option = random.chance(85) ? 1 + random.int(10) : random.int(2 ** 32)
  const data = optionData(random, names)
  const isOpening = option === Option.EXPORT_NAME || option === Option.ABORT
  const lies = random.chance(10)
  return {
    option: isOpening ? Option.LIST : option,
    data,
    length: lies ? random.pick([0, data.length + 1, 40_000, 0x7fff_ffff, 0xffff_ffff]) : data.length,
  }
}

function optionData(random: Random, { uuid, session }: Names): Uint8Array {
  const name = Buffer.from(random.chance(60) ? `/${uuid}?session_id=${session}` : oddText(random))
  const count = random.int(4)
  switch (random.int(5)) {
    case 0:
      return new Uint8Array()
    case 1:
      return Buffer.concat([
        u32(name.length),
        name,
        u16(count),
        ...Array.from({ length: count }, () => u16(random.int(6))),
      ])
    case 2:
      return Buffer.concat([u32(name.length), name, u32(count), ...Array.from({ length: count }, () => query(random))])
    case 3:
      return Buffer.concat([u32(random.int(2 ** 32)), name])
    default:
      return random.bytes(random.int(80))
  }
}

function query(random: Random): Uint8Array {
  const text = Buffer.from(random.chance(60) ? 'base:allocation' : oddText(random))
  return Buffer.concat([u32(text.length), text])
}

const u16 = (value: number): Uint8Array => Uint8Array.of(value >>> 8, value & 0xff)
const u32 = (value: number): Uint8Array =>
  Uint8Array.of(value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff)

/** Mostly a read that may be; now and then anything. */
function someRequest(random: Random, number: number): RequestStep {
  const isRead = random.chance(75)
  const type = isRead ? Command.READ : random.pick([1, 3, 4, 5, 6, 7, 8, 9, 0xffff])
  const aligned = random.chance(85)
  const length = aligned ? 512 * random.int(20) : random.int(5000)
  return {
    magic: random.chance(97) ? REQUEST_MAGIC : random.int(2 ** 32),
    flags: random.chance(95) ? 0 : random.int(2 ** 16),
    type,
    cookie: BigInt(number),
    offset: random.chance(92) ? 512 * random.int(4000) : random.int(2 ** 32) * 512,
    length: random.chance(97) ? length : random.pick([0xffff_fe00, 0xffff_ffff, 0]),
    payload: type === Command.WRITE ? new Uint8Array(random.int(1024)) : new Uint8Array(),
  }
}

export function encodeScript({ flags, options, requests }: Script): Uint8Array {
  return Buffer.concat([
    u32(flags >>> 0),
    ...options.flatMap(({ option, data, length }) => [
      optionHead.encode({ magic: OPTION_MAGIC, option, length }),
      data,
    ]),
    ...requests.flatMap(({ payload, ...head }) => [request.encode(head), payload]),
  ])
}

export const clientBytes = (random: Random, names: Names): Uint8Array => encodeScript(makeScript(random, names))
