import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Bytes of buffers that a thread lets go before they are collected. V8 waits for 64 MiB of them in each thread, because it
 * counts its own small objects and not the memory behind them: a 100 GiB disk with 1 GiB of data then peaked at 290-350 MB.
 */
const COLLECT_EVERY = 8 << 20

type Collect = (options: { readonly type: 'minor' }) => void

let collect: Collect | undefined
let released = 0

/** Tells that buffers of `bytes` were used and dropped on this thread; now and then the young ones are collected, in about 1 ms. */
export function dropped(bytes: number): void {
  released += bytes
  if (released < COLLECT_EVERY) return
  released = 0
  collect ??= exposeCollector()
  collect({ type: 'minor' })
}

/** A way to V8's collector without a flag at start. It is never unset: flags are of the process, and other threads ask as well. */
function exposeCollector(): Collect {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as Collect
}

/**
 * Gives the memory of a buffer back at once, without waiting for the collector: the next buffer of its size is then the same
 * memory, already mapped. Neither the buffer nor any view of its memory may be used again. What Node cut from memory that
 * small buffers share stays: it never is all of that.
 */
export function release({ buffer, byteLength }: Uint8Array): void {
  const isAlone = byteLength === buffer.byteLength || buffer.byteLength > Buffer.poolSize
  if (isAlone && buffer instanceof ArrayBuffer) buffer.transfer(0)
}
