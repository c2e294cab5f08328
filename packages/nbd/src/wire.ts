import { struct, u16, u32, u53, u64, type Decoded } from './struct.ts'

// Every number and every layout of the NBD protocol that this package speaks, and nothing else.
// Source: the NBD project's doc/proto.md. All integers are big-endian.

/** "NBDMAGIC", the first eight bytes of every server. */
export const GREETING_MAGIC = 0x4e42444d_41474943n
/** "IHAVEOPT": fixed newstyle, and the head of every option. */
export const OPTION_MAGIC = 0x49484156_454f5054n
/** What an oldstyle server, long deprecated, sends instead of IHAVEOPT. */
export const OLDSTYLE_MAGIC = 0x00004202_81861253n
export const OPTION_REPLY_MAGIC = 0x0003e889_045565a9n
export const REQUEST_MAGIC = 0x25609513
export const SIMPLE_REPLY_MAGIC = 0x67446698
export const STRUCTURED_REPLY_MAGIC = 0x668e33ef

/** Handshake flags, server to client. */
export const HandshakeFlag = { FIXED_NEWSTYLE: 1 << 0, NO_ZEROES: 1 << 1 } as const
/** Client flags, client to server. */
export const ClientFlag = { FIXED_NEWSTYLE: 1 << 0, NO_ZEROES: 1 << 1 } as const

/** Option types, client to server. */
export const Option = {
  EXPORT_NAME: 1,
  ABORT: 2,
  LIST: 3,
  STARTTLS: 5,
  INFO: 6,
  GO: 7,
  STRUCTURED_REPLY: 8,
  LIST_META_CONTEXT: 9,
  SET_META_CONTEXT: 10,
} as const

/** Option reply types, server to client. The error bit is 2^31. */
export const Rep = {
  ACK: 1,
  SERVER: 2,
  INFO: 3,
  META_CONTEXT: 4,
  ERR_UNSUP: 0x8000_0001,
  ERR_POLICY: 0x8000_0002,
  ERR_INVALID: 0x8000_0003,
  ERR_PLATFORM: 0x8000_0004,
  ERR_TLS_REQD: 0x8000_0005,
  ERR_UNKNOWN: 0x8000_0006,
  ERR_SHUTDOWN: 0x8000_0007,
  ERR_BLOCK_SIZE_REQD: 0x8000_0008,
  ERR_TOO_BIG: 0x8000_0009,
} as const
export const REP_ERROR_BIT = 0x8000_0000

/** Information types of INFO and GO. */
export const Info = { EXPORT: 0, NAME: 1, DESCRIPTION: 2, BLOCK_SIZE: 3 } as const

/** Transmission flags: what an export is and can. */
export const TransmissionFlag = {
  HAS_FLAGS: 1 << 0,
  READ_ONLY: 1 << 1,
  SEND_FLUSH: 1 << 2,
  SEND_FUA: 1 << 3,
  ROTATIONAL: 1 << 4,
  SEND_TRIM: 1 << 5,
  SEND_WRITE_ZEROES: 1 << 6,
  SEND_DF: 1 << 7,
  CAN_MULTI_CONN: 1 << 8,
  SEND_CACHE: 1 << 10,
  SEND_FAST_ZERO: 1 << 11,
} as const

/** Request types. */
export const Command = {
  READ: 0,
  WRITE: 1,
  DISC: 2,
  FLUSH: 3,
  TRIM: 4,
  CACHE: 5,
  WRITE_ZEROES: 6,
  BLOCK_STATUS: 7,
} as const
export type CommandName = keyof typeof Command

/** Flags of a request. */
export const CommandFlag = { FUA: 1 << 0, NO_HOLE: 1 << 1, DF: 1 << 2, REQ_ONE: 1 << 3, FAST_ZERO: 1 << 4 } as const

/** Chunk types of a structured reply. The error bit is 2^15. */
export const Chunk = {
  NONE: 0,
  OFFSET_DATA: 1,
  OFFSET_HOLE: 2,
  BLOCK_STATUS: 5,
  ERROR: 0x8001,
  ERROR_OFFSET: 0x8002,
} as const
export const CHUNK_ERROR_BIT = 0x8000
/** Flag of the last chunk of a structured reply. */
export const CHUNK_DONE = 1 << 0

/** Error numbers of replies; they are the protocol's, not the operating system's. */
export const Errno = {
  EPERM: 1,
  EIO: 5,
  ENOMEM: 12,
  EINVAL: 22,
  ENOSPC: 28,
  EOVERFLOW: 75,
  ENOTSUP: 95,
  ESHUTDOWN: 108,
} as const
export type ErrnoName = keyof typeof Errno

/** The one metadata context of the protocol itself: holes and zeroes. */
export const BASE_ALLOCATION = 'base:allocation'
/** Status flags of `base:allocation`. */
export const AllocationFlag = { HOLE: 1 << 0, ZERO: 1 << 1 } as const

/** Longest string the protocol allows, in bytes of UTF-8. */
export const STRING_BYTES_MAX = 4096
/** Longest option data accepted: a name, and many times what any client sends with it. */
export const OPTION_BYTES_MAX = 32 * 1024
/** What a server without a say of its own must take, in bytes: proto.md, "Size constraints". */
export const REQUEST_BYTES_MAX = 32 * 1024 * 1024
/** Zero bytes after the export's flags in the answer to EXPORT_NAME, unless both sides waived them. */
export const EXPORT_NAME_ZEROES = 124

/** Server to client, first. 18 bytes. */
export const greeting = struct<{ magic: bigint; style: bigint; flags: number }>({
  magic: u64, // GREETING_MAGIC
  style: u64, // OPTION_MAGIC
  flags: u16, // HandshakeFlag bits
})

/** Client to server, answer to the greeting. 4 bytes. */
export const clientFlags = struct<{ flags: number }>({
  flags: u32, // ClientFlag bits
})

/** Client to server. 16 bytes, then `length` bytes of data. */
export const optionHead = struct<{ magic: bigint; option: number; length: number }>({
  magic: u64, // OPTION_MAGIC
  option: u32, // Option
  length: u32, // bytes of data that follow
})

/** Server to client. 20 bytes, then `length` bytes of data. */
export const optionReply = struct<{ magic: bigint; option: number; type: number; length: number }>({
  magic: u64, // OPTION_REPLY_MAGIC
  option: u32, // Option, echoed
  type: u32, // Rep
  length: u32, // bytes of data that follow
})

/** Server to client, the whole answer to EXPORT_NAME. 10 bytes, then perhaps EXPORT_NAME_ZEROES. */
export const exportReply = struct<{ size: number; flags: number }>({
  size: u53, // bytes
  flags: u16, // TransmissionFlag bits
})

/** Data of Rep.INFO with Info.EXPORT. 12 bytes. */
export const infoExport = struct<{ info: number; size: number; flags: number }>({
  info: u16, // Info.EXPORT
  size: u53, // bytes
  flags: u16, // TransmissionFlag bits
})

/** Data of Rep.INFO with Info.BLOCK_SIZE. 14 bytes. */
export const infoBlockSize = struct<{ info: number; minimum: number; preferred: number; maximum: number }>({
  info: u16, // Info.BLOCK_SIZE
  minimum: u32, // bytes, a power of two: offsets and lengths are multiples of it
  preferred: u32, // bytes, a power of two: reads and writes of this size are efficient
  maximum: u32, // bytes: longest READ or WRITE
})

/** Client to server, transmission. 28 bytes, then `length` bytes of data if it is a WRITE. */
export const request = struct<{
  magic: number
  flags: number
  type: number
  cookie: bigint
  offset: number
  length: number
}>({
  magic: u32, // REQUEST_MAGIC
  flags: u16, // CommandFlag bits
  type: u16, // Command
  cookie: u64, // chosen by the client, echoed in the reply
  offset: u53, // bytes from the start of the export
  length: u32, // bytes
})
export type Request = Decoded<typeof request>

/** Server to client. 16 bytes, then the data if it answers a READ without error. */
export const simpleReply = struct<{ magic: number; error: number; cookie: bigint }>({
  magic: u32, // SIMPLE_REPLY_MAGIC
  error: u32, // 0 or Errno
  cookie: u64, // of the request
})

/** Server to client, one chunk of a structured reply. 20 bytes, then `length` bytes. */
export const structuredReply = struct<{ magic: number; flags: number; type: number; cookie: bigint; length: number }>({
  magic: u32, // STRUCTURED_REPLY_MAGIC
  flags: u16, // CHUNK_DONE on the last chunk
  type: u16, // Chunk
  cookie: u64, // of the request
  length: u32, // bytes of payload that follow
})
export type StructuredReply = Decoded<typeof structuredReply>

/** Payload head of Chunk.OFFSET_DATA. 8 bytes, then the data. */
export const offsetData = struct<{ offset: number }>({
  offset: u53, // bytes from the start of the export
})

/** Payload of Chunk.OFFSET_HOLE. 12 bytes. */
export const offsetHole = struct<{ offset: number; length: number }>({
  offset: u53, // bytes from the start of the export
  length: u32, // bytes, all zero
})

/** Payload head of the error chunks. 6 bytes, then the message, then (ERROR_OFFSET) an offset of 8 bytes. */
export const chunkError = struct<{ error: number; messageLength: number }>({
  error: u32, // Errno
  messageLength: u16, // bytes of UTF-8 that follow
})

/** Payload head of Chunk.BLOCK_STATUS. 4 bytes, then descriptors. */
export const blockStatusHead = struct<{ context: number }>({
  context: u32, // as numbered by SET_META_CONTEXT
})

/** One stretch of a block status. 8 bytes. */
export const blockStatusDescriptor = struct<{ length: number; flags: number }>({
  length: u32, // bytes
  flags: u32, // AllocationFlag bits
})

/** The name of an errno; a number the protocol does not know counts as EINVAL, as it says. */
export function errnoName(error: number): ErrnoName {
  for (const name of Object.keys(Errno) as ErrnoName[]) if (Errno[name] === error) return name
  return 'EINVAL'
}

/** The name of a number in one of the tables above, for messages. */
export function nameIn(table: Readonly<Record<string, number>>, value: number): string {
  return Object.entries(table).find(([, each]) => each === value)?.[0] ?? `0x${value.toString(16)}`
}
