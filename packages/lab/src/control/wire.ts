import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LabError } from '../error.ts'

/** Calls go as `POST /<method>` with the parameters as a JSON array; bytes are `{"base64": "…"}` in both directions. */
export const encodeControl = (value: unknown): string =>
  JSON.stringify(value ?? null, function replace(this: Record<string, unknown>, name: string, item: unknown) {
    const original = this[name] // a Buffer makes something else of itself before it gets here
    return original instanceof Uint8Array ? { base64: Buffer.from(original).toString('base64') } : item
  })

/** @throws LabError LAB_CONTROL */
export function decodeControl(text: string): unknown {
  try {
    return JSON.parse(text, (_, item: unknown) => (isBytes(item) ? Buffer.from(item.base64, 'base64') : item))
  } catch (cause) {
    throw new LabError('LAB_CONTROL', 'not the JSON of a control call', { cause })
  }
}

const isBytes = (value: unknown): value is { readonly base64: string } =>
  typeof value === 'object' && value !== null && 'base64' in value && typeof value.base64 === 'string'

/** Longer paths do not fit a socket address. */
const SOCKET_PATH_MAX = 100

/** Where the socket is: in the lab directory, or, when its path is too long, where `control.json` says. */
export async function newSocketPath(directory: string): Promise<string> {
  const path = join(directory, 'control.sock')
  if (Buffer.byteLength(path) <= SOCKET_PATH_MAX) return path
  return join(await mkdtemp(join(tmpdir(), 'tidemark-lab-')), 'control.sock')
}

export const locatorPath = (directory: string): string => join(directory, 'control.json')

/** @throws LabError LAB_CONTROL when no lab runs on the directory */
export async function findSocketPath(directory: string): Promise<string> {
  try {
    const { socket } = JSON.parse(await readFile(locatorPath(directory), 'utf8')) as { readonly socket: string }
    return socket
  } catch (cause) {
    throw new LabError('LAB_CONTROL', `no lab runs in ${directory}`, { cause })
  }
}
