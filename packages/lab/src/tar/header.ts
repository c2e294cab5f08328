/** Everything in a tar fills whole blocks of this many bytes. */
export const TAR_BLOCK = 512

/** A file of an archive. */
export interface TarHeader {
  readonly name: string
  /** Bytes of its content. */
  readonly size: number
  /** `0`: a plain file. POSIX.1-1988, "ustar Interchange Format". */
  readonly type: string
}

/** Where the fields of a ustar header begin, and how many bytes they have. */
const FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  magic: [257, 8], // 'ustar', NUL, '00'
  prefix: [345, 155],
} as const

/** Bytes up to the next whole block. */
export const paddingOf = (size: number): number => (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK

/**
 * The header of a plain file that only its owner may read, as xapi writes it.
 * @param name ASCII, at most 100 bytes
 * @param mtime seconds
 */
export function encodeTarHeader({ name, size, mtime = 0 }: Omit<TarHeader, 'type'> & { mtime?: number }): Buffer {
  const block = Buffer.alloc(TAR_BLOCK)
  const put = (field: keyof typeof FIELDS, text: string): void => void block.write(text, FIELDS[field][0], 'latin1')
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`
  put('name', name)
  put('mode', octal(0o400, 7))
  put('uid', octal(0, 7))
  put('gid', octal(0, 7))
  put('size', octal(size, 11))
  put('mtime', octal(mtime, 11))
  put('type', '0')
  put('magic', 'ustar\x0000')
  put('checksum', `${octal(checksumOf(block), 6)} `)
  return block
}

/** undefined: no header, or a damaged one. A block of zeros is none either. */
export function decodeTarHeader(block: Uint8Array): TarHeader | undefined {
  const text = (field: keyof typeof FIELDS): string => {
    const [at, length] = FIELDS[field]
    const [value = ''] = Buffer.from(block.buffer, block.byteOffset + at, length)
      .toString('latin1')
      .split('\0')
    return value.trim()
  }
  if (Number.parseInt(text('checksum'), 8) !== checksumOf(block)) return undefined
  const size = Number.parseInt(text('size') || '0', 8)
  if (!Number.isSafeInteger(size)) return undefined
  const prefix = text('magic').startsWith('ustar') ? text('prefix') : ''
  return { name: prefix === '' ? text('name') : `${prefix}/${text('name')}`, size, type: text('type') || '0' }
}

/** The sum of all bytes, those of the checksum taken as spaces. */
function checksumOf(block: Uint8Array): number {
  const [at, length] = FIELDS.checksum
  let sum = length * 0x20
  for (const [index, byte] of block.subarray(0, TAR_BLOCK).entries()) {
    if (index < at || index >= at + length) sum += byte
  }
  return sum
}
