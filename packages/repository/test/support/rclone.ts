import { spawn } from 'node:child_process'
import { once } from 'node:events'

export interface RcloneOptions {
  /** Default: one that is free. */
  readonly port?: number
  readonly appendOnly?: boolean
  readonly username?: string
  readonly password?: string
  /** PEM files. */
  readonly certificate?: string
  readonly key?: string
  readonly clientCa?: string
}

export interface RestServer extends AsyncDisposable {
  /** `http://127.0.0.1:<port>/` */
  readonly url: string
}

/** `rclone serve restic` of a directory, which speaks restic's REST protocol, on a port of its choice. */
export async function serveRestic(directory: string, options: RcloneOptions = {}): Promise<RestServer> {
  const given: readonly (readonly [string, string | undefined])[] = [
    ['--user', options.username],
    ['--pass', options.password],
    ['--cert', options.certificate],
    ['--key', options.key],
    ['--client-ca', options.clientCa],
  ]
  const flags = given.flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]))
  const kind = options.appendOnly === true ? ['--append-only'] : []
  const args = [
    'serve',
    'restic',
    '-v',
    '--addr',
    `127.0.0.1:${options.port ?? 0}`,
    '--config',
    '/dev/null',
    ...kind,
    ...flags,
    directory,
  ]
  const server = spawn('rclone', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const ended = once(server, 'exit')
  const stop = async () => {
    server.kill('SIGKILL') // it waits for idle connections otherwise
    await ended
  }
  let log = ''
  server.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  for (;;) {
    const [, url] = /(https?:\/\/127\.0\.0\.1:[1-9][0-9]*\/)/.exec(log) ?? []
    if (url !== undefined) return { url, [Symbol.asyncDispose]: stop }
    const next = once(server.stderr, 'data').then(() => false)
    if (await Promise.race([next, ended.then(() => true)])) throw new Error(`rclone ended: ${log}`)
  }
}
