import { setImmediate as nextTurn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { RepositoryError } from '../error.ts'
import { Sealer, type MasterKey } from '../format/crypto.ts'
import { openBatch, sealBatch, type OpenReply, type OpenRequest, type SealReply, type SealRequest } from './batch.ts'
import { moving, withOwnMemory } from './moving.ts'
import {
  proveBlobs,
  verifyPack,
  type ProveReply,
  type ProveRequest,
  type VerifyReply,
  type VerifyRequest,
} from './verify.ts'
import type { Reply, Request, WorkerReply, WorkerRequest } from './worker.ts'

/** Compresses and encrypts, or the reverse, beside the calling thread. */
export interface SealingPool extends AsyncDisposable {
  /** How many batches run at the same time; 1 when everything runs on the calling thread. */
  readonly threads: number
  /** Starts what a first batch would have to wait for. */
  warm(): void
  seal(batch: SealRequest): Promise<SealReply>
  open(batch: OpenRequest): Promise<OpenReply>
  verify(pack: VerifyRequest): Promise<VerifyReply>
  prove(blobs: ProveRequest): Promise<ProveReply>
}

/** @param workers threads to use; they start with the first batch. 0: everything on the calling thread */
export const sealingPool = (key: MasterKey, workers: number): SealingPool =>
  workers === 0 ? inlinePool(new Sealer(key)) : threadPool(key, workers)

function inlinePool(sealer: Sealer): SealingPool {
  return {
    threads: 1,
    warm: () => {},
    async seal(batch) {
      await nextTurn() // sockets and timers get their turn between two batches
      return sealBatch(batch, sealer)
    },
    async open(batch) {
      await nextTurn()
      return openBatch(batch, sealer)
    },
    async verify(pack) {
      await nextTurn()
      return verifyPack(pack, sealer)
    },
    async prove(blobs) {
      await nextTurn()
      return proveBlobs(blobs, sealer)
    },
    [Symbol.asyncDispose]: async () => {},
  }
}

interface Job {
  readonly resolve: (reply: Reply) => void
  readonly reject: (error: unknown) => void
}

interface Thread {
  readonly worker: Worker
  readonly jobs: Map<number, Job>
}

function threadPool(key: MasterKey, workers: number): SealingPool {
  const threads: Thread[] = []
  let nextJob = 0
  let closed = false

  const addThread = (): Thread => {
    const thread = startThread(key)
    threads.push(thread)
    thread.worker.once('exit', () => void threads.splice(threads.indexOf(thread), 1))
    return thread
  }

  const leastBusy = (): Thread => {
    if (closed) throw new RepositoryError('REPOSITORY_CLOSED', 'the repository is closed')
    const idle = threads.find(({ jobs }) => jobs.size === 0)
    if (idle !== undefined) return idle
    if (threads.length < workers) return addThread()
    return threads.reduce((a, b) => (b.jobs.size < a.jobs.size ? b : a))
  }

  const run = (batch: Request, memory: readonly ArrayBuffer[]): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const { worker, jobs } = leastBusy()
      const job = nextJob++
      jobs.set(job, { resolve, reject })
      worker.ref()
      worker.postMessage({ job, batch } satisfies WorkerRequest, memory)
    })

  return {
    threads: workers,
    warm() {
      while (!closed && threads.length < workers) addThread()
    },
    seal: async (batch) => (await run(batch, [batch.plain.buffer, batch.target.buffer])) as SealReply,
    async open(batch) {
      const sealed = withOwnMemory(batch.sealed)
      return (await run({ ...batch, sealed }, moving(sealed))) as OpenReply
    },
    async verify(request) {
      const pack = withOwnMemory(request.pack)
      return (await run({ ...request, pack }, moving(pack))) as VerifyReply
    },
    async prove(request) {
      const sealed = withOwnMemory(request.sealed)
      return (await run({ ...request, sealed }, moving(sealed))) as ProveReply
    },
    async [Symbol.asyncDispose]() {
      closed = true
      await Promise.all(threads.map(({ worker }) => worker.terminate()))
    },
  }
}

/**
 * Buffers of finished blobs wait for the collector; V8 lets them grow to half of the heap's limit. A small heap, of
 * which a thread uses 6 MB, keeps that at 16 MB instead of 120: a full backup with two threads takes 250 MB, not 430.
 */
const resourceLimits = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 }

function startThread(key: MasterKey): Thread {
  const file = import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js'
  const workerData: MasterKey = { encrypt: alone(key.encrypt), k: alone(key.k), r: alone(key.r) }
  const worker = new Worker(new URL(file, import.meta.url), { workerData, resourceLimits, name: 'tidemark-sealing' })
  const jobs = new Map<number, Job>()
  worker.unref() // an idle thread does not keep the process alive
  worker.on('message', (message: WorkerReply) => {
    const job = jobs.get(message.job)
    jobs.delete(message.job)
    if (jobs.size === 0) worker.unref()
    if ('error' in message) job?.reject(failureOf(message))
    else job?.resolve(message.reply)
  })
  const failAll = (reason: unknown) => {
    for (const job of jobs.values()) job.reject(reason)
    jobs.clear()
  }
  worker.on('error', failAll)
  worker.on('exit', () => failAll(new RepositoryError('REPOSITORY_CLOSED', 'a sealing thread ended')))
  return { worker, jobs }
}

const failureOf = ({ error, system }: Extract<WorkerReply, { error: string }>): Error =>
  system === undefined ? new RepositoryError('REPOSITORY_DAMAGED', error) : Object.assign(new Error(error), system)

/** A copy with memory of its own: a Buffer would take the whole pool it lies in along. */
const alone = (bytes: Uint8Array): Uint8Array => Uint8Array.from(bytes)
