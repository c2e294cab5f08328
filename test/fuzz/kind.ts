import type { Random } from '../support/random.ts'

/** accepted: it was served. refused: the protocol's own error, or the goodbye that the protocol has for it. */
export type Verdict = 'accepted' | 'refused'

/** What the fuzzer found: anything but a verdict. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

/** One way of generating input, and what takes it. */
export interface Kind {
  readonly name: string
  /** Of a thousand inputs, how many are of this kind. */
  readonly share: number
  /** What the input is run against. It may be opened anew at any time: inputs do not build on each other. */
  open(): Promise<Target>
}

/** Where inputs go. */
export interface Target extends AsyncDisposable {
  /** Generates an input from chance alone and runs it. @throws Broken, or whatever else must not be thrown */
  run(random: Random): Promise<Verdict>
  /** Says in sentences what is wrong with the target after a batch: a call that is not answered, something left behind. */
  settle(): Promise<readonly string[]>
  /** The input itself, for people. */
  show(random: Random): string
}

/** Bounds on one input; who takes longer hangs. */
export const INPUT_MS_MAX = 10_000

/** @throws Broken when the work takes longer than any input may */
export async function inTime<Result>(work: Promise<Result>, what: string): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Broken(`HANG: ${what} took more than ${INPUT_MS_MAX} ms`)), INPUT_MS_MAX)
  try {
    return await Promise.race([work, promise])
  } finally {
    clearTimeout(timer)
  }
}
