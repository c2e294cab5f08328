import { apiFailure } from '../calls/failure.ts'
import type { Exchange } from '../http/exchange.ts'
import { HttpRefusal } from '../http/transfer.ts'
import type { Pool } from '../pool.ts'
import type { VdiRef } from '@tidemark/xenapi'
import type { Fired } from './planned.ts'
import { befall, isWorldAction } from './world.ts'

/** The uuid of the disk that a transfer is about, if it is about one. */
export function vdiOf({ db }: Pool, { query }: Exchange): string | undefined {
  const given = query.get('vdi')
  if (given === null) return undefined
  return db.find('VDI', given as VdiRef)?.uuid ?? given
}

/** A transfer that goes wrong. @throws what `work` throws, and XenApiError what the plan says */
export async function spoilTransfer<Result>(
  pool: Pool,
  { action, miss }: Fired<'transfer'>,
  exchange: Exchange,
  work: () => Promise<Result>,
): Promise<Result> {
  if (isWorldAction(action)) {
    await befall(pool, action)
    return work()
  }
  switch (action.action) {
    case 'cut':
    case 'stall': {
      const limited = { reached: false }
      limit(exchange, action.after, () => {
        limited.reached = true
        if (action.action === 'cut') exchange.socket.destroy()
      })
      return work().finally(() => {
        if (!limited.reached) miss()
      })
    }
    case 'status':
      throw new HttpRefusal(action.status, ['INTERNAL_ERROR', 'planned'])
    case 'fail': {
      await work()
      exchange.socket.write = () => true // only the task tells
      const [code = 'INTERNAL_ERROR', ...params] = action.failure
      throw apiFailure(code, ...params)
    }
    default:
      return action satisfies never
  }
}

/**
 * Lets so many bytes of the body pass, of a download's answer or an upload's request, and then nothing more. It works on
 * the streams of this one exchange, because handlers read and write them in ways of their own.
 * @param end called when the limit is reached
 */
function limit(exchange: Exchange, bytes: number, end: () => void): void {
  if (exchange.request.method === 'PUT') limitUpload(exchange, bytes, end)
  else limitDownload(exchange, bytes, end)
}

function limitDownload({ socket }: Exchange, bytes: number, end: () => void): void {
  const write = socket.write.bind(socket)
  let left = bytes
  let isHead = true // the first piece of an answer is its head
  socket.write = (data: Uint8Array | string): boolean => {
    if (isHead) {
      isHead = false
      return write(data)
    }
    const part = Buffer.from(data as Uint8Array).subarray(0, Math.max(0, left))
    left -= part.length
    if (part.length > 0) write(part)
    if (left === 0) {
      left = -1
      socket.end = () => socket // a body that stopped short does not end well
      setImmediate(end)
    }
    return left > 0
  }
}

function limitUpload({ request }: Exchange, bytes: number, end: () => void): void {
  const push = request.push.bind(request)
  let left = bytes - request.readableLength
  request.push = (chunk: Uint8Array | null): boolean => {
    if (left <= 0 || chunk === null) return left > 0 && push(chunk)
    const part = chunk.subarray(0, left)
    left -= part.length
    const goesOn = push(part)
    if (left === 0) setImmediate(end)
    return left > 0 && goesOn
  }
  if (left <= 0) setImmediate(end)
}
