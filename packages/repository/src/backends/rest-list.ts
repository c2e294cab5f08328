import { RepositoryError } from '../error.ts'

interface Entry {
  readonly name: string
  /** Bytes; version 1 of the protocol does not tell. */
  readonly size: number | undefined
}

/**
 * Entries of a JSON list as they arrive, in bounded memory: `["<name>", …]` or `[{"name": "<name>", "size": 12}, …]`. A million packs
 * are 100 MB of JSON.
 * @throws RepositoryError BACKEND_UNAVAILABLE when the list breaks off, BACKEND_IO when it is something else
 */
export async function* readList(chunks: AsyncIterable<Uint8Array>, location: string): AsyncIterable<Entry> {
  const text = new TextDecoder()
  let rest = ''
  let isOpen = false
  for await (const chunk of chunks) {
    rest += text.decode(chunk, { stream: true })
    if (!isOpen) {
      const start = rest.trimStart()
      if (start === '') continue
      if (start === 'null' || start === 'nul' || start === 'nu' || start === 'n') continue // Go's empty list, perhaps in parts
      if (start.startsWith('null')) break
      if (!start.startsWith('[')) throw noList(location)
      rest = start.slice(1)
      isOpen = true
    }
    const cut = rest.lastIndexOf(rest.includes('{') ? '}' : ',') + 1 // an entry that is whole
    yield* entriesOf(rest.slice(0, cut), location)
    rest = rest.slice(cut)
    if (rest.length > ENTRY_MAX) throw noList(location)
  }
  const end = rest.trim()
  if (!isOpen && (end === '' || end === 'null')) return
  if (!isOpen) throw noList(location)
  if (!end.endsWith(']')) throw new RepositoryError('BACKEND_UNAVAILABLE', `${location}: the list of files breaks off`)
  yield* entriesOf(end.slice(0, -1), location)
}

/** Characters that one entry may have. */
const ENTRY_MAX = 1 << 16

function entriesOf(text: string, location: string): Entry[] {
  const inner = text.replace(/^[\s,]+|[\s,]+$/g, '')
  if (inner === '') return []
  let values: unknown
  try {
    values = JSON.parse(`[${inner}]`)
  } catch (cause) {
    throw noList(location, cause)
  }
  return (values as unknown[]).map((value) => entryOf(value, location))
}

function entryOf(value: unknown, location: string): Entry {
  if (typeof value === 'string') return { name: value, size: undefined }
  const { name, size } = (value ?? {}) as { name?: unknown; size?: unknown }
  if (typeof name !== 'string' || typeof size !== 'number' || size < 0) throw noList(location)
  return { name, size }
}

const noList = (location: string, cause?: unknown): RepositoryError =>
  new RepositoryError('BACKEND_IO', `${location}: the server's list of files is not one of restic's protocol`, {
    cause,
  })
