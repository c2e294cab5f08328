import { parentPort, workerData } from 'node:worker_threads'
import { Sealer, type MasterKey } from '../format/crypto.ts'
import { dropped } from '../garbage.ts'
import { openBatch, sealBatch, type OpenReply, type OpenRequest, type SealReply, type SealRequest } from './batch.ts'

/** What a sealing thread is asked. `job` is echoed. */
export interface WorkerRequest {
  readonly job: number
  readonly batch: SealRequest | OpenRequest
}

export type WorkerReply =
  | { readonly job: number; readonly reply: SealReply | OpenReply }
  | { readonly job: number; readonly error: string }

const sealer = new Sealer(workerData as MasterKey)

parentPort?.on('message', ({ job, batch }: WorkerRequest) => {
  try {
    const reply = batch.kind === 'seal' ? sealBatch(batch, sealer) : openBatch(batch, sealer)
    dropped((batch.kind === 'seal' ? batch.plain.length : batch.sealed.length) * 2)
    answer({ job, reply }, reply.kind === 'sealed' ? [reply.plain.buffer, reply.target.buffer] : [reply.plain.buffer])
  } catch (error) {
    answer({ job, error: error instanceof Error ? error.message : String(error) }, [])
  }
})

const answer = (message: WorkerReply, transfer: ArrayBuffer[]): void => parentPort?.postMessage(message, transfer)
