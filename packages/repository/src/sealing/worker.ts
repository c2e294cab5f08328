import { parentPort, workerData } from 'node:worker_threads'
import { Sealer, type MasterKey } from '../format/crypto.ts'
import { release } from '../garbage.ts'
import { openBatch, sealBatch, type OpenReply, type OpenRequest, type SealReply, type SealRequest } from './batch.ts'
import { moving } from './moving.ts'
import {
  proveBlobs,
  verifyPack,
  type ProveReply,
  type ProveRequest,
  type VerifyReply,
  type VerifyRequest,
} from './verify.ts'

export type Request = SealRequest | OpenRequest | VerifyRequest | ProveRequest
export type Reply = SealReply | OpenReply | VerifyReply | ProveReply

/** What a sealing thread is asked. `job` is echoed. */
export interface WorkerRequest {
  readonly job: number
  readonly batch: Request
}

export type WorkerReply =
  | { readonly job: number; readonly reply: Reply }
  | { readonly job: number; readonly error: string; readonly system: SystemFailure | undefined }

/** What an error of the operating system says; the error itself would lose it on its way. */
export interface SystemFailure {
  readonly code: string
  readonly syscall: string
}

const sealer = new Sealer(workerData as MasterKey)

parentPort?.on('message', (request: WorkerRequest) => void work(request))

async function work({ job, batch }: WorkerRequest): Promise<void> {
  try {
    const reply = await replyTo(batch)
    answer({ job, reply }, memoryOf(reply))
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    answer({ job, error: message, system: systemFailure(error) }, [])
  }
}

async function replyTo(batch: Request): Promise<Reply> {
  if (batch.kind === 'seal') return sealBatch(batch, sealer)
  if (batch.kind === 'prove') return proveBlobs(batch, sealer)
  try {
    return await (batch.kind === 'open' ? openBatch(batch, sealer) : verifyPack(batch, sealer))
  } finally {
    release(batch.kind === 'open' ? batch.sealed : batch.pack)
  }
}

/** What moves to the other thread with a reply. */
function memoryOf(reply: Reply): ArrayBuffer[] {
  if (reply.kind === 'sealed') return [reply.plain.buffer, reply.target.buffer]
  if (reply.kind === 'proven') return moving(reply.sealed)
  return reply.kind === 'opened' ? [reply.plain.buffer] : [reply.ids.buffer, reply.places.buffer]
}

function systemFailure(error: unknown): SystemFailure | undefined {
  const { code, syscall } = error as Partial<SystemFailure>
  return typeof code === 'string' && typeof syscall === 'string' ? { code, syscall } : undefined
}

const answer = (message: WorkerReply, transfer: ArrayBuffer[]): void => parentPort?.postMessage(message, transfer)
