import { seeded } from '../support/random.ts'
import { Broken, inTime, type Kind } from './kind.ts'
import { answersKind } from './answers.ts'
import { httpKind } from './http.ts'
import { nbdClientKind, xenapiClientKind } from './garbage-servers.ts'
import { nbdKind, nbdStandardKind, nbdTlsKind } from './nbd.ts'
import { nbdCodecKind } from './nbd-codec.ts'
import { jsonKind, xmlKind } from './rpc.ts'

const kinds: readonly Kind[] = [
  xmlKind,
  jsonKind,
  nbdCodecKind,
  answersKind,
  httpKind,
  nbdKind,
  nbdStandardKind,
  nbdTlsKind,
  nbdClientKind,
  xenapiClientKind,
]

export interface FuzzOptions {
  readonly inputs: number
  readonly seed: number
  /** Names; all when left out. */
  readonly kinds?: readonly string[]
}

export interface Progress {
  readonly kind: string
  readonly input: number
  readonly of: number
}

interface KindResult {
  inputs: number
  accepted: number
  refused: number
  /** Bytes of heap in use after each batch, target closed. */
  heap: number[]
  seconds: number
}

export interface FuzzResult {
  readonly inputs: number
  readonly accepted: number
  readonly refused: number
  readonly crashes: number
  readonly hangs: number
  /** Kind and replay of each, and what was wrong. */
  readonly findings: readonly string[]
  readonly kinds: Readonly<Record<string, KindResult>>
}

/** A target is opened anew after so many inputs: accepted calls leave things behind, and each batch is looked at for itself. */
const BATCH = 5_000

/** Runs generated inputs of all kinds, in the proportions of their shares. It never rejects for what an input does. */
export async function fuzz(
  { inputs, seed, kinds: names }: FuzzOptions,
  say: (text: string) => void = () => undefined,
  onInput: (progress: Progress) => void = () => undefined,
): Promise<FuzzResult> {
  const chosen = kinds.filter(({ name }) => names === undefined || names.includes(name))
  const shares = chosen.reduce((sum, { share }) => sum + share, 0)
  const findings: string[] = []
  const results: Record<string, KindResult> = {}
  let hangs = 0
  const found = (text: string): void => {
    if (text.includes('HANG')) hangs++
    findings.push(text)
    say(`FINDING ${text}`)
  }
  for (const kind of chosen) {
    const count = Math.ceil((inputs * kind.share) / shares)
    const began = performance.now()
    const result: KindResult = { inputs: 0, accepted: 0, refused: 0, heap: [], seconds: 0 }
    for (let from = 0; from < count; from += BATCH) {
      const to = Math.min(count, from + BATCH)
      await runBatch(kind, { seed, from, to }, result, found, (input) => onInput({ kind: kind.name, input, of: count }))
      globalThis.gc?.()
      result.heap.push(process.memoryUsage().heapUsed)
      result.seconds = (performance.now() - began) / 1000
      say(`${kind.name}: ${to} of ${count}, ${result.accepted} accepted, ${Math.round(result.seconds)} s`)
    }
    if (globalThis.gc !== undefined && grows(result.heap))
      found(`${kind.name}: the heap grows: ${result.heap.join(' ')}`)
    results[kind.name] = result
  }
  const sum = (member: 'inputs' | 'accepted' | 'refused'): number =>
    Object.values(results).reduce((total, result) => total + result[member], 0)
  return {
    inputs: sum('inputs'),
    accepted: sum('accepted'),
    refused: sum('refused'),
    crashes: findings.length - hangs,
    hangs,
    findings,
    kinds: results,
  }
}

interface Batch {
  readonly seed: number
  readonly from: number
  readonly to: number
}

async function runBatch(
  kind: Kind,
  { seed, from, to }: Batch,
  result: KindResult,
  found: (text: string) => void,
  onInput: (input: number) => void,
): Promise<void> {
  const where = `--replay ${kind.name}:${seed}:`
  try {
    await using target = await kind.open()
    for (let n = from; n < to; n++) {
      onInput(n)
      result.inputs++
      try {
        result[await target.run(randomOf(kind.name, seed, n))]++
      } catch (error) {
        found(`${where}${n} ${textOf(error)}`)
      }
    }
    const wrong = await inTime(target.settle(), 'what comes after a batch')
    for (const text of wrong) found(`${where}${from}-${to - 1} ${text}`)
  } catch (error) {
    found(`${where}${from}-${to - 1} ${textOf(error)}`)
  }
}

const randomOf = (kind: string, seed: number, n: number) => seeded(`${seed}/${kind}/${n}`)

const textOf = (error: unknown): string =>
  error instanceof Broken ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)

/** What stays in use in the second half is clearly more than in the first. */
function grows(heap: readonly number[]): boolean {
  if (heap.length < 6) return false
  const half = Math.floor(heap.length / 2)
  const least = (part: readonly number[]): number => Math.min(...part)
  return least(heap.slice(-half)) > least(heap.slice(1, half)) + 32 * 1024 * 1024
}

/** Runs one input again, and tells what it was and what came of it. */
export async function replay(kindName: string, seed: number, n: number): Promise<{ input: string; verdict: string }> {
  const kind = kinds.find(({ name }) => name === kindName)
  if (kind === undefined) throw new RangeError(`kinds are ${kinds.map(({ name }) => name).join(', ')}`)
  await using target = await kind.open()
  const input = target.show(randomOf(kindName, seed, n))
  const verdict = await target.run(randomOf(kindName, seed, n)).catch(textOf)
  return { input, verdict }
}
