import { Worker } from 'node:worker_threads'
import type { ConnectionOptions, NbdTarget } from './connection.ts'
import { NbdError } from './error.ts'
import type { Negotiated } from './handshake.ts'
import type { Line, Outcome, Wish } from './line.ts'
import { unpacked, type ThreadData, type ThreadReply, type ThreadRequest } from './thread-messages.ts'

interface Pending {
  readonly resolve: (outcome: Outcome) => void
  readonly reject: (reason: unknown) => void
  readonly settled: () => void
}

/**
 * Opens a connection that has a thread for itself: the cipher of TLS, which bounds a reader, runs beside the caller. Memory
 * of answers moves to the thread and back, without a copy.
 * @throws as `connect`
 */
export async function connectOnThread(
  target: NbdTarget,
  { connectTimeoutMs, requestTimeoutMs, contexts }: ConnectionOptions,
  signal?: AbortSignal,
): Promise<Line> {
  signal?.throwIfAborted()
  const file = import.meta.url.endsWith('.ts') ? './thread.ts' : './thread.js'
  const workerData: ThreadData = { target, options: { connectTimeoutMs, requestTimeoutMs, contexts } }
  const worker = new Worker(new URL(file, import.meta.url), { workerData, resourceLimits, name: 'tidemark-nbd' })
  const { promise, resolve, reject } = Promise.withResolvers<Line>()
  const aborted = () => {
    reject(signal?.reason)
    void worker.terminate()
  }
  signal?.addEventListener('abort', aborted, { once: true })
  const line = new ThreadLine(worker, resolve, reject)
  try {
    return await promise
  } catch (error) {
    await line.closed
    throw error
  } finally {
    signal?.removeEventListener('abort', aborted)
  }
}

/** 16 KiB of new memory for each TLS record: a small heap has them collected while they are still in the processor's cache. */
const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 16 }

class ThreadLine implements Line {
  readonly closed: Promise<void>
  readonly #worker: Worker
  readonly #pending = new Map<number, Pending>()
  #negotiated: Negotiated | undefined
  #over: NbdError | undefined
  #answers = 0
  #id = 0

  constructor(worker: Worker, opened: (line: Line) => void, failed: (error: NbdError) => void) {
    this.#worker = worker
    this.closed = new Promise((resolve) => worker.once('exit', () => resolve()))
    worker.on('message', (reply: ThreadReply) => {
      if (reply.kind === 'open') {
        this.#negotiated = reply.negotiated
        opened(this)
      } else this.#take(reply)
    })
    worker.on('error', (cause) =>
      this.#end(new NbdError('NBD_DISCONNECTED', 'the thread of a connection broke', { cause })),
    )
    worker.once('exit', () => {
      this.#end(new NbdError('NBD_DISCONNECTED', 'the thread of a connection ended'))
      failed(this.#over ?? new NbdError('NBD_DISCONNECTED', 'the thread of a connection ended'))
    })
  }

  get negotiated(): Negotiated {
    if (this.#negotiated === undefined) throw new Error('a connection is used before it is open')
    return this.#negotiated
  }

  get over(): NbdError | undefined {
    return this.#over
  }

  get inFlight(): number {
    return this.#pending.size
  }

  get answers(): number {
    return this.#answers
  }

  request(wish: Wish, signal: AbortSignal | undefined, settled: () => void): Promise<Outcome> {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>()
    if (this.#over !== undefined) {
      reject(this.#over)
      return promise
    }
    const aborted = () => reject(signal?.reason)
    signal?.addEventListener('abort', aborted, { once: true })
    const finish = () => {
      signal?.removeEventListener('abort', aborted)
      settled()
    }
    const id = ++this.#id
    this.#pending.set(id, { resolve, reject, settled: finish })
    this.#tell({ kind: 'request', id, wish }, wish.into === undefined ? [] : [wish.into.buffer])
    return promise
  }

  async close(): Promise<void> {
    if (this.#over === undefined) {
      this.#tell({ kind: 'close' }, [])
      this.#end(new NbdError('NBD_DISCONNECTED', 'the client was closed', { retryable: false }))
    }
    await this.closed
  }

  #tell(request: ThreadRequest, transfer: ArrayBuffer[]): void {
    this.#worker.postMessage(request, transfer)
  }

  #take(reply: Exclude<ThreadReply, { kind: 'open' }>): void {
    if (reply.kind === 'over') return this.#end(unpacked(reply.error))
    const pending = this.#pending.get(reply.id)
    this.#pending.delete(reply.id)
    if (reply.kind === 'answer') this.#answers++
    pending?.settled()
    if (reply.kind === 'answer') pending?.resolve(reply.outcome)
    else pending?.reject(unpacked(reply.error))
  }

  #end(reason: NbdError): void {
    if (this.#over !== undefined) return
    this.#over = reason
    const abandoned = [...this.#pending.values()]
    this.#pending.clear()
    for (const { reject, settled } of abandoned) {
      settled()
      reject(reason)
    }
  }
}
