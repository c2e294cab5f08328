import http from 'node:http'
import { text } from 'node:stream/consumers'
import { LabError, type LabErrorCode } from '../error.ts'
import type { LabControl } from './interface.ts'
import { decodeControl, encodeControl, findSocketPath } from './wire.ts'

/**
 * The control interface of a lab that runs in another process.
 * @throws LabError LAB_CONTROL when no lab runs on the directory; calls also reject with the lab's own errors
 */
export async function openLabControl(directory: string): Promise<LabControl> {
  const socketPath = await findSocketPath(directory)
  const call =
    (method: string) =>
    async (...params: unknown[]): Promise<unknown> => {
      const { status, body } = await post(socketPath, method, encodeControl(params))
      const value = decodeControl(body)
      if (status === 200) return value ?? undefined
      const { code, message } = value as { readonly code: LabErrorCode; readonly message: string }
      throw new LabError(code, message)
    }
  const methods = METHODS.map((method) => [method, call(method)] as const)
  return Object.fromEntries(methods) as unknown as LabControl
}

const METHODS = Object.keys({
  info: true,
  createVm: true,
  guestSocket: true,
  writeDisk: true,
  readDisk: true,
  nbdReads: true,
  resetNbdReads: true,
  nbdConnections: true,
  resetNbdConnections: true,
  consoleLog: true,
  sha256: true,
  usedSpace: true,
  disableCbtBehind: true,
  crashHost: true,
  stopHost: true,
  startHost: true,
  appointCoordinator: true,
  breakTracking: true,
  planFaults: true,
  faultReport: true,
  assertFaultsFired: true,
  failCall: true,
  cutNbdAfter: true,
  removePurposes: true,
  setRestriction: true,
  clearFaults: true,
  invariants: true,
  expireSessions: true,
} satisfies Record<keyof LabControl, true>)

async function post(
  socketPath: string,
  method: string,
  body: string,
): Promise<{ readonly status: number; readonly body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>()
  const options = {
    socketPath,
    method: 'POST',
    path: `/${method}`,
    headers: { 'Content-Length': Buffer.byteLength(body) },
  }
  const request = http.request({ ...options, agent: false }, resolve)
  request.once('error', (cause) => reject(new LabError('LAB_CONTROL', `the lab at ${socketPath} is gone`, { cause })))
  request.end(body)
  const response = await promise
  return { status: response.statusCode ?? 500, body: await text(response) }
}
