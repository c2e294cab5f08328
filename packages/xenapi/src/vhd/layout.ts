/** One field of a binary layout: how many bytes, and how they are read and written. All numbers are big-endian. */
export interface FieldType<Value> {
  readonly size: number
  read(view: DataView, at: number): Value
  write(view: DataView, at: number, value: Value): void
}

/** Unsigned, 8 bits. */
export const u8: FieldType<number> = {
  size: 1,
  read: (view, at) => view.getUint8(at),
  write: (view, at, value) => view.setUint8(at, value),
}

/** Unsigned, 16 bits. */
export const u16: FieldType<number> = {
  size: 2,
  read: (view, at) => view.getUint16(at),
  write: (view, at, value) => view.setUint16(at, value),
}

/** Unsigned, 32 bits. */
export const u32: FieldType<number> = {
  size: 4,
  read: (view, at) => view.getUint32(at),
  write: (view, at, value) => view.setUint32(at, value),
}

/** Unsigned, 64 bits. */
export const u64: FieldType<bigint> = {
  size: 8,
  read: (view, at) => view.getBigUint64(at),
  write: (view, at, value) => view.setBigUint64(at, value),
}

/** ASCII text that fills its place. */
export const ascii = (size: number): FieldType<string> => ({
  size,
  read: (view, at) => String.fromCharCode(...new Uint8Array(view.buffer, view.byteOffset + at, size)),
  write: (view, at, value) => {
    for (let i = 0; i < size; i++) view.setUint8(at + i, value.charCodeAt(i))
  },
})

/** Bytes without meaning of their own: identifiers, reserved room. */
export const raw = (size: number): FieldType<Uint8Array> => ({
  size,
  read: (view, at) => new Uint8Array(view.buffer, view.byteOffset + at, size).slice(),
  write: (view, at, value) => new Uint8Array(view.buffer, view.byteOffset + at, size).set(value.subarray(0, size)),
})

type Fields = Readonly<
  Record<string, FieldType<number> | FieldType<bigint> | FieldType<string> | FieldType<Uint8Array>>
>

/** The values of a layout. */
export type Decoded<Layout> =
  Layout extends Struct<infer Shape>
    ? { readonly [Name in keyof Shape]: Shape[Name] extends FieldType<infer Value> ? Value : never }
    : never

export interface Struct<Shape extends Fields> {
  readonly size: number
  /** Where a field begins. */
  readonly offsets: Readonly<Record<keyof Shape, number>>
  decode(bytes: Uint8Array): Decoded<Struct<Shape>>
  encode(values: Decoded<Struct<Shape>>): Uint8Array
}

/** A layout from its fields, in order. */
export function struct<const Shape extends Fields>(shape: Shape): Struct<Shape> {
  const fields: (readonly [string, FieldType<unknown>, number])[] = []
  let size = 0
  for (const [name, type] of Object.entries(shape)) {
    fields.push([name, type, size])
    size += type.size
  }
  return {
    size,
    offsets: Object.fromEntries(fields.map(([name, , at]) => [name, at])) as Record<keyof Shape, number>,
    decode(bytes) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, size)
      return Object.fromEntries(fields.map(([name, type, at]) => [name, type.read(view, at)])) as Decoded<Struct<Shape>>
    },
    encode(values) {
      const bytes = new Uint8Array(size)
      const view = new DataView(bytes.buffer)
      for (const [name, type, at] of fields) type.write(view, at, (values as Record<string, unknown>)[name])
      return bytes
    },
  }
}
