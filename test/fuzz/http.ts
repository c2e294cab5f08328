import type { Random } from '../support/random.ts'
import { Broken, type Kind, type Target, type Verdict } from './kind.ts'
import { openLabTarget } from './lab-target.ts'
import { mutateBytes, oddText } from './mutate.ts'
import { jsonBody, xmlBody } from './rpc.ts'
import { pieces, talk, type Heard } from './socket.ts'

/** Requests over connections to a running lab: calls and handlers, their queries, headers and bodies. */
export const httpKind: Kind = { name: 'http', share: 100, open: openHttp }

const PATHS = [
  '/',
  '/RPC2',
  '/xmlrpc',
  '/jsonrpc',
  '/json',
  '/export_raw_vdi',
  '/export_raw_vdi/',
  '/import_raw_vdi',
  '/import_raw_vdi/',
  '/export_metadata',
  '/import_metadata',
  '/export',
  '/import',
  '/nowhere',
  '*',
] as const
const METHODS = [
  'GET',
  'GET',
  'PUT',
  'PUT',
  'POST',
  'POST',
  'OPTIONS',
  'HEAD',
  'DELETE',
  'PATCH',
  'TRACE',
  'get',
  'FROB',
] as const
const QUERY: readonly (readonly [string, readonly string[]])[] = [
  ['session_id', ['{{SESSION}}', '{{SESSION}}', 'OpaqueRef:NULL']],
  ['task_id', ['{{task}}']],
  ['vdi', ['{{VDI}}', '{{VDI_UUID}}']],
  ['base', ['{{VDI}}', '{{VDI_UUID}}']],
  ['format', ['raw', 'vhd', 'qcow2', 'tar']],
  ['sr_id', ['{{SR}}']],
  ['sr_uuid', ['{{SR}}']],
  ['ref', ['{{VM}}']],
  ['uuid', ['{{VM_UUID}}']],
  ['all', ['true', 'false']],
  ['chunked', ['true']],
  ['export_snapshots', ['true', 'false']],
  ['excluded_device_types', ['vif,vbd', ',,,']],
  ['restore', ['true']],
  ['force', ['true']],
  ['dry_run', ['true']],
  ['use_compression', ['true', 'zstd', 'gzip']],
  ['vdi:x', ['y']],
]

interface Request {
  readonly bytes: Buffer
  /** Nothing is wrong with it as HTTP: it must be answered. */
  readonly isWhole: boolean
  /** It may rightly take its time. */
  readonly mayWait: boolean
}

/** References and uuids by what they are of. */
type Names = ReadonlyMap<string, string>

const filled = (bytes: Uint8Array, names: Names): Buffer =>
  Buffer.from(
    Buffer.from(bytes)
      .toString('latin1')
      .replaceAll(/\{\{(\w+)\}\}/g, (whole, name: string) => names.get(name) ?? whole),
    'latin1',
  )

function makeRequest(random: Random, names: Names): Request {
  const isCall = random.chance(50)
  const method = isCall && random.chance(90) ? 'POST' : random.pick(METHODS)
  const path = isCall && random.chance(90) ? random.pick(['/', '/RPC2', '/jsonrpc'] as const) : random.pick(PATHS)
  const body = filled(isCall ? (path === '/jsonrpc' ? jsonBody(random) : xmlBody(random)) : handlerBody(random), names)
  const lies = random.chance(10)
  const length = lies
    ? random.pick(['0', '-1', '99999999999999999999', '1e3', ' 12', String(body.length + 7), 'x'])
    : String(body.length)
  const framing = random.chance(94) ? [`Content-Length: ${length}`] : ['Transfer-Encoding: chunked']
  const headers = ['Host: lab', ...framing, ...extraHeaders(random)]
  const target = random.chance(95) ? `${path}${query(random)}` : oddText(random).slice(0, 20_000)
  const version = random.chance(97) ? random.pick(['HTTP/1.1', 'HTTP/1.0']) : oddText(random).slice(0, 100)
  const head = `${method} ${target} ${version}\r\n${headers.join('\r\n')}\r\n\r\n`
  const bytes = Buffer.concat([filled(Buffer.from(head), names), body])
  const isChanged = random.chance(30)
  return {
    bytes: isChanged ? Buffer.from(mutateBytes(random, bytes)) : bytes,
    isWhole:
      !isChanged &&
      !lies &&
      framing[0]?.startsWith('Content') === true &&
      /^[A-Z]+ \/[!-~]* HTTP\/1\.[01]\r\n(?:[\w-]+: [\t -~]*\r\n)+\r\n/.test(head),
    mayWait: bytes.includes('event'),
  }
}

function query(random: Random): string {
  if (random.chance(15)) return ''
  const pairs = QUERY.filter(() => random.chance(30)).map(([name, values]) => {
    const value = random.chance(88)
      ? random.pick(values)
      : random.chance(50)
        ? encodeURIComponent(oddText(random).toWellFormed())
        : oddText(random)
    return `${name}=${value}`
  })
  return `?${pairs.join(random.chance(97) ? '&' : random.pick([';', '&&', '&=&', '?']))}`.slice(0, 6_000)
}

function extraHeaders(random: Random): string[] {
  const some = [
    `Cookie: session_id={{SESSION}}${random.chance(30) ? `; task_id=${oddText(random)}` : ''}`,
    `Authorization: Basic ${Buffer.from(random.chance(50) ? 'root:correct horse' : oddText(random)).toString('base64')}`,
    `Authorization: ${oddText(random)}`,
    'Expect: 100-continue',
    'Connection: keep-alive',
    'Connection: close',
    'Connection: Upgrade\r\nUpgrade: h2c',
    'Range: bytes=0-1',
    `X-Odd: ${oddText(random).slice(0, 20_000)}`,
    `Content-Type: ${random.pick(['text/xml', 'application/json', 'x'])}`,
    'Content-Length: 3',
    'Host: other',
  ]
  return some.filter(() => random.chance(8))
}

function handlerBody(random: Random): Uint8Array {
  switch (random.int(6)) {
    case 0:
      return new Uint8Array()
    case 1:
      return random.bytes(random.int(3000))
    case 2:
      return Buffer.concat([frame(random), frame(random), Buffer.alloc(12)])
    case 3:
      return Buffer.from('conectix'.padEnd(2048, '\0'))
    case 4:
      return tar(random)
    default:
      return Buffer.from(`5\r\nhello\r\n${random.chance(70) ? '0\r\n\r\n' : ''}`)
  }
}

/** The private framing of `chunked`: offset, length, data. */
function frame(random: Random): Buffer {
  const head = Buffer.alloc(12)
  const length = random.int(600)
  head.writeBigUInt64LE(random.chance(90) ? BigInt(random.int(1 << 21)) : 2n ** 63n - 1n)
  head.writeUInt32LE(random.chance(90) ? length : 0xffff_ffff, 8)
  return Buffer.concat([head, Buffer.alloc(length, 7)])
}

function tar(random: Random): Buffer {
  const content = Buffer.from(random.chance(70) ? '<value><struct></struct></value>' : oddText(random).slice(0, 400))
  const head = Buffer.alloc(512)
  head.write(random.chance(80) ? 'ova.xml' : oddText(random).slice(0, 90), 0)
  head.write(['000644 ', '000000 ', '000000 ', ''].join('\0'), 100)
  head.write(`${content.length.toString(8).padStart(11, '0')} `, 124)
  head.write(['ustar', '00'].join('\0'), 257)
  head.fill(' ', 148, 156)
  const sum = head.reduce((total, byte) => total + byte, 0)
  head.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return Buffer.concat([head, content, Buffer.alloc(512 - (content.length % 512)), Buffer.alloc(1024)])
}

async function openHttp(): Promise<Target> {
  const place = await openLabTarget({})
  let names = await place.names()
  let since = 0
  return {
    async run(random) {
      // the session may be logged out by now, and the task be used up
      if (++since % 25 === 0) names = await place.names()
      const { bytes, isWhole, mayWait } = makeRequest(random, names)
      const heard = await talk(place.lab.httpPort, pieces(random, bytes), {
        patienceMs: mayWait ? 500 : undefined,
        ending: isWhole ? 'after the answer' : 'at once',
      })
      if (place.lab.death !== undefined) throw new Broken(`the lab died of ${place.lab.death}`)
      return verdictOf(heard, isWhole && !mayWait)
    },
    async settle() {
      return [...(await place.settle()), ...(await goesOn(place.lab.httpPort))]
    },
    show: (random) => makeRequest(random, new Map()).bytes.toString('utf8'),
    [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
  }
}

const HEAD = /^HTTP\/1\.[01] (\d{3}) [ -~]*\r\n((?:[!#$%&'*+.^_`|~\w-]+:[ \t]?[\t -~\x80-\xff]*\r\n)*)\r\n/

/** @throws Broken when what came is no HTTP, or carries what the request tried to put in */
function verdictOf({ bytes, ended }: Heard, mustAnswer: boolean): Verdict {
  const text = bytes.subarray(0, 65_536).toString('latin1')
  if (text === '') {
    if (mustAnswer && ended === 'by the server') throw new Broken('a whole request was not answered')
    return 'refused'
  }
  const [, status = '', headers = ''] = HEAD.exec(text) ?? []
  if (status === '') throw new Broken(`this is no HTTP: ${JSON.stringify(text.slice(0, 300))}`)
  if (/^x-injected/im.test(headers)) throw new Broken(`a header was put in: ${headers}`)
  return Number(status) < 400 ? 'accepted' : 'refused'
}

/** What is no call is answered with 500, and the connection goes on. */
async function goesOn(port: number): Promise<string[]> {
  const post = (body: string): Buffer =>
    Buffer.from(`POST /jsonrpc HTTP/1.1\r\nHost: lab\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
  const good = '{"jsonrpc":"2.0","method":"system.listMethods","params":[],"id":1}'
  const { bytes } = await talk(port, [post('{'), post(good)])
  const statuses = [...bytes.toString('latin1').matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => status)
  return statuses.join(' ') === '500 200'
    ? []
    : [`a broken call and a good one on one connection: ${statuses.join(' ')}`]
}
