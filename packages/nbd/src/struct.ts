import { NbdError } from './error.ts'

/** One member of a struct: how many bytes it has and how they are read and written. */
export interface Field<Value> {
  readonly size: number
  get(view: DataView, at: number): Value
  set(view: DataView, at: number, value: Value): void
}

export const u16: Field<number> = {
  size: 2,
  get: (view, at) => view.getUint16(at),
  set: (view, at, value) => view.setUint16(at, value),
}

export const u32: Field<number> = {
  size: 4,
  get: (view, at) => view.getUint32(at),
  set: (view, at, value) => view.setUint32(at, value),
}

/** 64 bits that stay opaque: magics and cookies. */
export const u64: Field<bigint> = {
  size: 8,
  get: (view, at) => view.getBigUint64(at),
  set: (view, at, value) => view.setBigUint64(at, value),
}

/** 64 bits on the wire that hold a size or an offset: whole numbers below 2^53. */
export const u53: Field<number> = {
  size: 8,
  get: (view, at) => {
    const value = view.getUint32(at) * 0x1_0000_0000 + view.getUint32(at + 4)
    if (value > Number.MAX_SAFE_INTEGER)
      throw new NbdError('NBD_PROTOCOL', `${value} is too large for a size or offset`)
    return value
  },
  set: (view, at, value) => {
    view.setUint32(at, Math.floor(value / 0x1_0000_0000))
    view.setUint32(at + 4, value % 0x1_0000_0000)
  },
}

/** A packed, big-endian layout: documentation, codec and type in one. */
export interface Struct<Value> {
  /** Bytes on the wire. */
  readonly size: number
  /** Reads the first `size` bytes. @throws NbdError NBD_PROTOCOL (too few bytes, or a number out of bounds) */
  decode(bytes: Uint8Array): Value
  /** A fresh array of `size` bytes. */
  encode(value: Value): Uint8Array
  /** Writes the value over `size` bytes from `at`. */
  put(bytes: Uint8Array, at: number, value: Value): void
}

export type Decoded<S> = S extends Struct<infer Value> ? Value : never

/** Members in the order of the wire, without padding. */
export function struct<Value extends object>(fields: {
  readonly [Name in keyof Value]: Field<Value[Name]>
}): Struct<Value> {
  const members: { name: keyof Value; at: number; field: Field<Value[keyof Value]> }[] = []
  let size = 0
  for (const name of Object.keys(fields) as (keyof Value)[]) {
    const field: Field<Value[keyof Value]> = fields[name]
    members.push({ name, at: size, field })
    size += field.size
  }
  function put(bytes: Uint8Array, start: number, value: Value): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset + start, size)
    for (const { name, at, field } of members) field.set(view, at, value[name])
  }
  return {
    size,
    decode(bytes) {
      if (bytes.length < size)
        throw new NbdError('NBD_PROTOCOL', `${bytes.length} bytes where a struct of ${size} belongs`)
      const view = new DataView(bytes.buffer, bytes.byteOffset, size)
      const value: Partial<Value> = {}
      for (const { name, at, field } of members) value[name] = field.get(view, at)
      return value as Value
    },
    encode(value) {
      const bytes = new Uint8Array(size)
      put(bytes, 0, value)
      return bytes
    },
    put,
  }
}

/** A single field on its own. */
export function encodeOne<Value>(field: Field<Value>, value: Value): Uint8Array {
  const bytes = new Uint8Array(field.size)
  field.set(viewOf(bytes), 0, value)
  return bytes
}

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
