import { createHash } from 'node:crypto'
import type { CheckpointEntry } from './entry.ts'

/**
 * An entry in a file: length of what follows its head (u32), the first 8 bytes of that's SHA-256, then length of the JSON (u32), the
 * JSON, and the rest: `data`. Little-endian.
 */
const HEAD = 12

export function encodeEntry(entry: CheckpointEntry): Uint8Array {
  const { data = new Uint8Array(), ...about } = { data: undefined, ...entry }
  const json = Buffer.from(JSON.stringify(about))
  const body = Buffer.concat([lengthOf(json), json, data])
  return Buffer.concat([lengthOf(body), digestOf(body), body])
}

/** All entries up to the first that is not whole: what a crash cut off, or what was damaged, had better be read again. */
export const decodeEntries = (file: Buffer): readonly CheckpointEntry[] =>
  [...framesOf(file)].map(({ body }) => {
    const end = 4 + body.readUInt32LE(0)
    const about = JSON.parse(body.toString('utf8', 4, end)) as CheckpointEntry // its checksum says that we wrote it
    return { ...about, data: body.subarray(end) }
  })

/** Where the entries that are whole end. */
export const wholeLength = (file: Buffer): number => [...framesOf(file)].at(-1)?.end ?? 0

function* framesOf(file: Buffer): Generator<{ readonly body: Buffer; readonly end: number }> {
  for (let at = 0; at + HEAD <= file.length;) {
    const length = file.readUInt32LE(at)
    const body = file.subarray(at + HEAD, at + HEAD + length)
    if (body.length < length || !digestOf(body).equals(file.subarray(at + 4, at + HEAD))) return
    at += HEAD + length
    yield { body, end: at }
  }
}

const digestOf = (body: Uint8Array): Buffer => createHash('sha256').update(body).digest().subarray(0, 8)

function lengthOf(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(bytes.length)
  return length
}
