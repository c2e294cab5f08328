import type { Readable, Writable } from 'node:stream'

/** The world outside a command: words, bytes and answers. */
export interface Terminal {
  /** A line of results. */
  readonly print: (line: string) => void
  /** Text for people, without a line break of its own. */
  readonly warn: (text: string) => void
  readonly input: Readable
  readonly output: Writable
}

export const processTerminal = (): Terminal => ({
  print: (line) => void process.stdout.write(`${line}\n`),
  warn: (text) => void process.stderr.write(text),
  input: process.stdin,
  output: process.stdout,
})
