import { parentPort, workerData } from 'node:worker_threads'
import { Sealer, type MasterKey } from '../format/crypto.ts'
import { release } from '../garbage.ts'
import { openBatch, sealBatch, type OpenReply, type OpenRequest, type SealReply, type SealRequest } from './batch.ts'

/** What a sealing thread is asked. `job` is echoed. */
export interface WorkerRequest {
  readonly job: number
  readonly batch: SealRequest | OpenRequest
}

export type WorkerReply =
  | { readonly job: number; readonly reply: SealReply | OpenReply }
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
    const reply = batch.kind === 'seal' ? sealBatch(batch, sealer) : await openBatch(batch, sealer)
    if (batch.kind === 'open') release(batch.sealed)
    answer({ job, reply }, reply.kind === 'sealed' ? [reply.plain.buffer, reply.target.buffer] : [reply.plain.buffer])
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    answer({ job, error: message, system: systemFailure(error) }, [])
  }
}

function systemFailure(error: unknown): SystemFailure | undefined {
  const { code, syscall } = error as Partial<SystemFailure>
  return typeof code === 'string' && typeof syscall === 'string' ? { code, syscall } : undefined
}

const answer = (message: WorkerReply, transfer: ArrayBuffer[]): void => parentPort?.postMessage(message, transfer)
