import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { XenApiError, type Session } from '@tidemark/xenapi'
import { acceptCertificate } from '../commands/pool.ts'
import { loadConfig, type PoolConfig } from '../config.ts'
import { AT_ONCE, choosePool, loginTo, poolPassword, type GlobalOptions } from '../connect.ts'
import { CliError } from '../error.ts'
import { openOut } from '../output/out.ts'
import { Secret } from '../secret.ts'
import type { Reach } from './command-line.ts'
import { refused } from './complaint.ts'

/** Logs in where the command line says: a pool of the configuration, or any host. */
export async function logInto({ config, signal }: GlobalOptions, reach: Readonly<Reach>): Promise<Session> {
  const [name, configured] = await addressed(config, reach)
  const fromFile = reach.passwordFile === undefined ? undefined : await readPasswordFile(reach.passwordFile)
  const username = fromFile?.username ?? reach.username
  const entry = { ...configured, ...(username !== undefined && { username }) }
  const password = fromFile?.password ?? (await poolPassword(config, name, entry))
  try {
    return await loginTo(config, entry, password, signal, AT_ONCE)
  } catch (error) {
    const isUnknown = error instanceof XenApiError && error.code === 'XENAPI_CERTIFICATE'
    if (!isUnknown || entry.fingerprint !== undefined || entry.ca !== undefined) throw error
    const out = openOut(false, process.stderr, process.stderr)
    const fingerprint = await acceptCertificate(out, entry.url, {}, signal)
    return loginTo(config, { ...entry, fingerprint }, password, signal, AT_ONCE)
  }
}

async function addressed(config: string, reach: Readonly<Reach>): Promise<readonly [string, PoolConfig]> {
  const { pools } = await loadConfig(config)
  if (reach.server === undefined) return choosePool(pools, reach.pool)
  if (reach.pool !== undefined) throw new CliError('CLI_USAGE', '--pool and -s name two pools: use one of them')
  const url = urlOf(reach.server, reach)
  const known = Object.values(pools).find((each) => URL.parse(each.url)?.host === new URL(url).host)
  const trust = reach.fingerprint === undefined && reach.ca === undefined ? known : undefined
  const entry: PoolConfig = {
    username: 'root',
    insecureNbd: false,
    ...trust,
    ...(reach.fingerprint !== undefined && { fingerprint: reach.fingerprint }),
    ...(reach.ca !== undefined && { ca: resolve(reach.ca) }),
    url,
  }
  return [reach.server, entry]
}

function urlOf(server: string, { port, isPlain }: Readonly<Reach>): string {
  if (port !== undefined && !(/^\d+$/.test(port) && Number(port) <= 65_535)) {
    throw refused('Port number must be an integer (0-65535)')
  }
  const host = server.includes(':') && !server.startsWith('[') ? `[${server}]` : server
  const url = `${isPlain === true ? 'http' : 'https'}://${host}${port === undefined ? '' : `:${port}`}`
  if (URL.canParse(url)) return url
  throw refused(`'${server}' is no host`)
}

/** xe's password file: the user on the first line, the password on the second. One line alone is a password. */
async function readPasswordFile(
  file: string,
): Promise<{ readonly username: string | undefined; readonly password: Secret }> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new CliError('CLI_PASSWORD', `the password file ${file} cannot be read`, { cause })
  })
  const [first = '', second] = text.replace(/\r?\n$/, '').split(/\r?\n/)
  return second === undefined
    ? { username: undefined, password: new Secret(first) }
    : { username: first, password: new Secret(second) }
}
