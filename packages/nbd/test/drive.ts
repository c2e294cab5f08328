import { ParserRun, type Parser } from '../src/parser.ts'

/** Feeds a parser with chunks. Answers its result and what it left over. Throws when the bytes are not enough. */
export function drive<Result>(parser: Parser<Result>, chunks: readonly Uint8Array[]): { value: Result; rest: number } {
  const run = new ParserRun(parser)
  let rest = 0
  for (const chunk of chunks) rest += chunk.length - run.feed(chunk)
  if (run.result === undefined) throw new Error('the parser wants more bytes')
  return { value: run.result.value, rest }
}

/** Every way to cut bytes in two, and the bytes one by one. */
export function* cuts(bytes: Uint8Array): Generator<Uint8Array[]> {
  for (let at = 0; at <= bytes.length; at++) yield [bytes.slice(0, at), bytes.slice(at)]
  yield Array.from(bytes, (byte) => Uint8Array.of(byte))
}

/** Bytes written as hexadecimal, spaces ignored. */
export const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replace(/\s/g, ''), 'hex'))

/** One array out of many. */
export const join = (...parts: readonly Uint8Array[]): Uint8Array => Uint8Array.from(Buffer.concat(parts))
