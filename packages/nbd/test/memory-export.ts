import type { ExportSource, NbdExport, NbdExtent } from '../src/index.ts'

export interface MemoryExport extends NbdExport {
  readonly bytes: Uint8Array
  /** How often each method was called. */
  readonly calls: Record<string, number>
}

/** An export in memory, with holes wherever 4 KiB are zero. Counts its calls. */
export function memoryExport(bytes: Uint8Array, options: { readOnly?: boolean } = {}): MemoryExport {
  const calls: Record<string, number> = {}
  const count = (name: string) => (calls[name] = (calls[name] ?? 0) + 1)
  return {
    bytes,
    calls,
    size: bytes.length,
    readOnly: options.readOnly ?? false,
    async read(offset, length) {
      count('read')
      return bytes.slice(offset, offset + length)
    },
    async write(offset, data) {
      count('write')
      bytes.set(data, offset)
    },
    async flush() {
      count('flush')
    },
    async trim(offset, length) {
      count('trim')
      bytes.fill(0, offset, offset + length)
    },
    async writeZeroes(offset, length) {
      count('writeZeroes')
      bytes.fill(0, offset, offset + length)
    },
    async extents(offset, length) {
      count('extents')
      return extentsOf(bytes, offset, length)
    },
    async close() {
      count('close')
    },
  }
}

/** Serves one export under one name. */
export const only = (name: string, each: NbdExport): ExportSource => ({
  open: async (asked) => (asked === name ? each : undefined),
  list: async () => [name],
})

/** Bytes that differ everywhere, with a hole in the middle third. */
export function patterned(size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  for (let i = 0; i < size; i++) bytes[i] = 1 + ((i * 7 + (i >> 8) * 13) % 255)
  bytes.fill(0, Math.ceil(size / 3 / 4096) * 4096, Math.floor((2 * size) / 3 / 4096) * 4096)
  return bytes
}

function extentsOf(bytes: Uint8Array, offset: number, length: number): NbdExtent[] {
  const extents: NbdExtent[] = []
  for (let at = offset; at < offset + length;) {
    const end = Math.min((Math.floor(at / 4096) + 1) * 4096, offset + length)
    const zero = bytes.subarray(at, end).every((byte) => byte === 0)
    extents.push({ length: end - at, hole: zero, zero })
    at = end
  }
  return extents
}
