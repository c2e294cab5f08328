import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import * as wire from '../packages/nbd/src/wire.ts'
import { rowsOf, rowsWithoutTests } from './support/table.ts'

const TABLE = readFileSync(resolve(import.meta.dirname, '../docs/nbd.md'), 'utf8')
const rows = rowsOf(TABLE).filter((row) => row.startsWith('| `'))
const named = new Set(
  rows.flatMap((row) => [...(row.split('|')[1]?.matchAll(/`([A-Za-z_:]+)`/g) ?? [])].map(([, name]) => name)),
)

/** What the protocol's document has, the withdrawn and the experimental too. */
const PROTOCOL = [
  ...'FIXED_NEWSTYLE NO_ZEROES C_FIXED_NEWSTYLE C_NO_ZEROES HAS_FLAGS READ_ONLY SEND_FLUSH SEND_FUA'.split(' '),
  ...'ROTATIONAL SEND_TRIM SEND_WRITE_ZEROES SEND_DF CAN_MULTI_CONN SEND_RESIZE SEND_CACHE SEND_FAST_ZERO'.split(' '),
  'BLOCK_STATUS_PAYLOAD',
].map((name) => `NBD_FLAG_${name}`)
const OPTIONS =
  'EXPORT_NAME ABORT LIST PEEK_EXPORT STARTTLS INFO GO STRUCTURED_REPLY LIST_META_CONTEXT SET_META_CONTEXT'
const REPLIES = 'ACK SERVER INFO META_CONTEXT ERR_UNSUP ERR_POLICY ERR_INVALID ERR_PLATFORM ERR_TLS_REQD ERR_UNKNOWN'
const COMMANDS = 'READ WRITE DISC FLUSH TRIM CACHE WRITE_ZEROES BLOCK_STATUS RESIZE'
const protocol = [
  ...PROTOCOL,
  ...`${OPTIONS} EXTENDED_HEADERS`.split(' ').map((name) => `NBD_OPT_${name}`),
  ...`${REPLIES} ERR_SHUTDOWN ERR_BLOCK_SIZE_REQD ERR_TOO_BIG ERR_EXT_HEADER_REQD`
    .split(' ')
    .map((name) => `NBD_REP_${name}`),
  ...'EXPORT NAME DESCRIPTION BLOCK_SIZE'.split(' ').map((name) => `NBD_INFO_${name}`),
  ...COMMANDS.split(' ').map((name) => `NBD_CMD_${name}`),
  ...'FUA NO_HOLE DF REQ_ONE FAST_ZERO PAYLOAD_LEN'.split(' ').map((name) => `NBD_CMD_FLAG_${name}`),
  ...'NONE OFFSET_DATA OFFSET_HOLE BLOCK_STATUS BLOCK_STATUS_EXT ERROR ERROR_OFFSET'
    .split(' ')
    .map((name) => `NBD_REPLY_TYPE_${name}`),
  ...'EPERM EIO ENOMEM EINVAL ENOSPC EOVERFLOW ENOTSUP ESHUTDOWN'.split(' ').map((name) => `NBD_${name}`),
  ...'HOLE ZERO'.split(' ').map((name) => `NBD_STATE_${name}`),
  'base:allocation',
]

const prefixed = (prefix: string, table: object): string[] => Object.keys(table).map((name) => prefix + name)

/** Every constant of our codec, by the protocol's name. */
const ours = [
  ...prefixed('NBD_FLAG_', wire.HandshakeFlag),
  ...prefixed('NBD_FLAG_C_', wire.ClientFlag),
  ...prefixed('NBD_FLAG_', wire.TransmissionFlag),
  ...prefixed('NBD_OPT_', wire.Option),
  ...prefixed('NBD_REP_', wire.Rep),
  ...prefixed('NBD_INFO_', wire.Info),
  ...prefixed('NBD_CMD_', wire.Command),
  ...prefixed('NBD_CMD_FLAG_', wire.CommandFlag),
  ...prefixed('NBD_REPLY_TYPE_', wire.Chunk),
  ...prefixed('NBD_', wire.Errno),
  ...prefixed('NBD_STATE_', wire.AllocationFlag),
  wire.BASE_ALLOCATION,
]

test('whatever the protocol or our codec has a name for has a row', () => {
  expect([...protocol, ...ours].filter((name) => !named.has(name))).toEqual([])
})

test('no row names what neither has', () => {
  const known = new Set([...protocol, ...ours])
  expect([...named].filter((name) => name?.startsWith('NBD_') && !known.has(name ?? ''))).toEqual([])
})

test('every row of the tables names tests that exist', () => {
  expect(rowsWithoutTests(rows)).toEqual([])
})
