import fs from 'node:fs'
import { join } from 'node:path'
import { LabError } from '../error.ts'
import { dateFields } from './record.ts'
import { isClassName, type AnyRecord, type AnyRef, type ClassName } from './tables.ts'

/**
 * One step of a change.
 * - whole: a record with its lists, as a compaction wrote it. - put: a new record; lists of other records follow from it.
 * - set: some fields. - del: gone.
 */
export type Step =
  | readonly ['whole' | 'put' | 'set', ClassName, AnyRef, AnyRecord]
  | readonly ['del', ClassName, AnyRef]

/** A change as one line: `generation` counts changes over the whole life of the directory. */
interface Line {
  readonly generation: number
  readonly steps: readonly Step[]
}

/** Smaller journals are never worth rewriting. */
const COMPACT_FROM = 4 * 1024 * 1024

/**
 * The file that holds the pool's objects: one JSON line for each change, written before the change is answered. A line is
 * in the file as a whole or it is the torn last one, which never was answered and is cut off. Lines reach the system at
 * once, so they outlive a killed process, but not a power cut.
 */
export class Journal {
  readonly #path: string
  /** Undefined once closed: the system may give the number to another file then. */
  #file: number | undefined
  #length: number
  #compactAt = COMPACT_FROM

  /** Opens the journal of a directory, made when missing, and replays it. @throws LabError LAB_DATABASE_DAMAGED */
  constructor(directory: string, replay: (generation: number, steps: readonly Step[]) => void) {
    this.#path = join(directory, 'database.jsonl')
    const file = fs.openSync(this.#path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o600)
    this.#file = file
    const data = fs.readFileSync(file)
    this.#length = data.lastIndexOf(10) + 1
    for (const [index, text] of data.subarray(0, this.#length).toString('utf8').split('\n').entries()) {
      if (text === '') continue
      const { generation, steps } = parse(text, `${this.#path}:${index + 1}`)
      replay(generation, steps)
    }
    fs.ftruncateSync(file, this.#length)
  }

  /** Whether it has grown so long that it should be written anew. */
  get isLong(): boolean {
    return this.#length > this.#compactAt
  }

  /** @throws LabError LAB_DATABASE_CLOSED; the system's error, after which the journal is as before */
  append(generation: number, steps: readonly Step[]): void {
    const file = this.#open()
    const line = Buffer.from(encode({ generation, steps }))
    try {
      writeAll(file, line, this.#length)
    } catch (error) {
      fs.ftruncateSync(file, this.#length)
      throw error
    }
    this.#length += line.length
  }

  /** Writes the journal anew: the same objects, without their history. When that fails, the old one goes on. */
  compact(generation: number, wholes: Iterable<Step>): void {
    const old = this.#open()
    const temporary = `${this.#path}.new`
    const file = fs.openSync(temporary, 'w', 0o600)
    try {
      let length = 0
      for (const step of wholes) {
        const line = Buffer.from(encode({ generation, steps: [step] }))
        writeAll(file, line, length)
        length += line.length
      }
      fs.renameSync(temporary, this.#path)
      this.#length = length
    } catch (error) {
      fs.closeSync(file)
      fs.rmSync(temporary, { force: true })
      throw error
    }
    this.#file = file
    this.#compactAt = Math.max(COMPACT_FROM, 4 * this.#length)
    fs.closeSync(old)
  }

  /** Puts the next compaction off until the journal is twice as long. */
  postpone(): void {
    this.#compactAt = 2 * this.#length
  }

  close(): void {
    if (this.#file === undefined) return
    const file = this.#file
    this.#file = undefined
    fs.fsyncSync(file)
    fs.closeSync(file)
  }

  #open(): number {
    if (this.#file === undefined) throw new LabError('LAB_DATABASE_CLOSED', `${this.#path} is closed`)
    return this.#file
  }
}

const encode = (line: Line): string => `${JSON.stringify(line)}\n`

function writeAll(file: number, data: Uint8Array, position: number): void {
  for (let done = 0; done < data.length;) done += fs.writeSync(file, data, done, data.length - done, position + done)
}

function parse(text: string, place: string): Line {
  try {
    const { generation, steps } = JSON.parse(text) as Line
    return { generation, steps: steps.map(reviveDates) }
  } catch (cause) {
    throw new LabError('LAB_DATABASE_DAMAGED', `${place} is no change of the database`, { cause })
  }
}

function reviveDates(step: Step): Step {
  const [kind, className, ref] = step
  if (!isClassName(className)) throw new TypeError(`the class '${String(className)}' is unknown`)
  if (kind === 'del') return step
  const record: Record<string, unknown> = { ...step[3] }
  for (const field of dateFields(className)) {
    if (record[field] !== undefined) record[field] = new Date(record[field] as string)
  }
  return [kind, className, ref, record]
}
