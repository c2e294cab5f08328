import { extent, type Extents } from '@tidemark/blocks'
import type { NbdReplyFault } from '@tidemark/nbd'
import { seeded, type Random } from '../support/random.ts'
import type { StreamFault } from './proxy.ts'

/** A disk, the servers that show it, how it is read, and what goes wrong meanwhile. All of it follows from the seed. */
export interface Schedule {
  readonly seed: number
  readonly content: Uint8Array
  readonly extents: Extents
  readonly isSecure: boolean
  readonly personality: 'standard' | 'xapi'
  /** By the client alone, or by the engine's source into a repository. */
  readonly reader: 'client' | 'engine'
  readonly hosts: number
  readonly options: {
    readonly connections: number
    readonly inFlight: number
    readonly requestBytes: number
    readonly tries: number
    readonly connectTimeoutMs: number
    readonly requestTimeoutMs: number
    readonly connectPatienceMs: number
    readonly reconnectPatienceMs: number
    readonly pauseMs: number
  }
  /** What becomes of a host's n-th stream, counted from 1. */
  streamFault(host: number, connection: number): StreamFault | undefined
  /** What becomes of an answer, before it enters the stream. */
  replyFault(host: number, connection: number, request: number): NbdReplyFault
}

const PAGE = 4096

export function drawSchedule(seed: number): Schedule {
  const random = seeded(`nbd-schedule/${seed}`)
  const isSecure = random.chance(25)
  const content = drawContent(random)
  const faulty = 1 + random.int(6) // streams of each host; later ones are clean
  const percent = 20 + random.int(80)
  const spoilsReplies = random.chance(60)
  return {
    seed,
    content,
    extents: drawExtents(random, content.length),
    isSecure,
    personality: random.chance(40) ? 'xapi' : 'standard',
    reader: random.chance(25) ? 'engine' : 'client',
    hosts: 1 + random.int(3),
    options: {
      connections: 1 + random.int(3),
      inFlight: 1 + random.int(8),
      requestBytes: PAGE * (1 + random.int(16)),
      tries: 2 + random.int(3),
      connectTimeoutMs: 10_000,
      requestTimeoutMs: 60_000,
      connectPatienceMs: random.chance(50) ? 30_000 : 0,
      reconnectPatienceMs: random.chance(50) ? 300_000 : 0,
      pauseMs: 2000,
    },
    streamFault(host, connection) {
      const own = random.fork(`stream/${host}/${connection}`)
      if (connection > faulty || !own.chance(percent)) return undefined
      return { at: drawPlace(own, isSecure, content.length), kind: drawKind(own, isSecure) }
    },
    replyFault(host, connection, request) {
      const own = random.fork(`reply/${host}/${connection}/${request}`)
      if (!spoilsReplies || connection > faulty || !own.chance(8)) return 'pass'
      return drawReplyFault(own)
    },
  }
}

/** Data that differ everywhere, with holes. */
function drawContent(random: Random): Uint8Array {
  const pages = 8 + random.int(120)
  const content = new Uint8Array(pages * PAGE)
  for (let page = 0; page < pages; page++) {
    if (random.chance(25)) continue
    const mark = 1 + random.int(250)
    for (let at = page * PAGE; at < (page + 1) * PAGE; at++) content[at] = 1 + ((at * 31 + (at >> 8) * 7 + mark) % 255)
  }
  return content
}

function drawExtents(random: Random, size: number): Extents {
  if (random.chance(40)) return [extent(0, size)]
  const found = []
  for (let at = PAGE * random.int(4); at < size;) {
    const length = Math.min(PAGE * (1 + random.int(16)), size - at)
    found.push(extent(at, length))
    at += length + PAGE * (1 + random.int(8))
  }
  return found.length > 0 ? found : [extent(0, size)]
}

/** Half of the places lie in the handshake and the first answers. */
const drawPlace = (random: Random, isSecure: boolean, size: number): number =>
  random.chance(50) ? random.int(isSecure ? 6000 : 600) : random.int(size)

/** In the clear nobody can tell spoiled data from true ones: there bytes are only spoiled in heads, by `drawReplyFault`. */
const drawKind = (random: Random, isSecure: boolean): StreamFault['kind'] =>
  isSecure ? random.pick(['cut', 'stall', 'noise', 'flip', 'lose', 'repeat']) : random.pick(['cut', 'stall'])

function drawReplyFault(random: Random): NbdReplyFault {
  switch (random.int(6)) {
    case 0:
      return 'drop'
    case 1:
      return 'close'
    case 2:
      return { cutAfter: random.int(70_000) }
    case 3:
    case 4:
      return { corrupt: 'head', bit: random.int(32 * 8) }
    default:
      return { errno: random.pick(['EIO', 'ENOMEM', 'ESHUTDOWN']) }
  }
}
