import { createInterface } from 'node:readline/promises'
import { resolve } from 'node:path'
import { poolTracking } from '@tidemark/engine/xen'
import { fetchCertificate, type Session } from '@tidemark/xenapi'
import { loadConfig, saveEntry, type PoolConfig } from '../config.ts'
import { loginTo, openPool, poolPassword, type GlobalOptions, type PoolOptions } from '../connect.ts'
import { CliError } from '../error.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'
import { table } from '../output/table.ts'
import { duration } from '../output/units.ts'

export interface PoolAddArguments {
  readonly username?: string
  readonly passwordFile?: string
  readonly fingerprint?: string
  readonly ca?: string
  readonly insecureNbd?: boolean
  readonly outageMinutes?: number
}

/** Shows the server's certificate, pins it once somebody has accepted it, logs in, and writes the configuration. */
export async function poolAdd(
  global: GlobalOptions,
  out: Out,
  name: string,
  url: string,
  args: PoolAddArguments,
): Promise<ExitCode> {
  const fingerprint =
    args.ca === undefined && url.startsWith('https:')
      ? await acceptCertificate(out, url, args, global.signal)
      : undefined
  const entry: PoolConfig = {
    url,
    username: args.username ?? 'root',
    fingerprint,
    ca: args.ca === undefined ? undefined : resolve(args.ca),
    passwordFile: args.passwordFile === undefined ? undefined : resolve(args.passwordFile),
    insecureNbd: args.insecureNbd ?? false,
    outageMinutes: args.outageMinutes,
    limits: (await loadConfig(global.config)).pools[name]?.limits, // of before, when it is added anew
  }
  const password = await poolPassword(global.config, name, entry)
  await using session = await loginTo(global.config, entry, password, global.signal)
  const members = await otherHosts(session, entry, global.signal)
  await saveEntry(global.config, 'pools', name, { ...entry, members })
  const findings = await examine(session, global.signal)
  out.result(
    { pool: name, url, fingerprint: fingerprint ?? null, findings },
    [`pool '${name}' added to ${global.config}`, ...findings.map(findingLine)].join('\n'),
  )
  return findings.every(({ good }) => good) ? exitCodes.done : exitCodes.attention
}

/** The pool's hosts beside the one that was named, to be asked when that one is down. */
async function otherHosts(
  session: Session,
  { url, fingerprint: pinned }: PoolConfig,
  signal: AbortSignal,
): Promise<PoolConfig['members']> {
  const others = (await session.members(signal)).filter((member) => new URL(member.url).host !== new URL(url).host)
  if (others.length === 0) return undefined
  return others.map(({ url: other, trust }) =>
    pinned !== undefined && trust.kind === 'fingerprint' ? { url: other, fingerprint: trust.sha256 } : { url: other },
  )
}

/**
 * The fingerprint of a server's certificate, once it is the expected one or somebody at the terminal accepted it.
 * @throws CliError CLI_TRUST
 */
export async function acceptCertificate(
  out: Out,
  url: string,
  args: Pick<PoolAddArguments, 'fingerprint'>,
  signal: AbortSignal,
): Promise<string> {
  const shown = await fetchCertificate(url, signal)
  out.say(`${url} shows the certificate of ${shown.subject}, valid until ${shown.validTo.toISOString().slice(0, 10)}`)
  out.say(`  SHA-256 ${shown.sha256}`)
  if (args.fingerprint !== undefined) {
    if (plain(args.fingerprint) === plain(shown.sha256)) return shown.sha256
    throw new CliError(
      'CLI_TRUST',
      `the server's certificate is not the expected one: ${shown.sha256} is not ${args.fingerprint}`,
    )
  }
  if (process.stdin.isTTY && (await confirmed('Is this your pool? Type yes to pin this certificate: ')))
    return shown.sha256
  throw new CliError(
    'CLI_TRUST',
    `the certificate was not accepted; compare it with the host's console and pass --fingerprint ${shown.sha256}`,
  )
}

const plain = (fingerprint: string): string => fingerprint.replaceAll(':', '').toLowerCase()

async function confirmed(question: string): Promise<boolean> {
  const ask = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return (await ask.question(question)).trim().toLowerCase() === 'yes'
  } finally {
    ask.close()
  }
}

export async function poolList(global: GlobalOptions, out: Out): Promise<ExitCode> {
  const { pools } = await loadConfig(global.config)
  const rows = Object.entries(pools).map(([name, { url, username, fingerprint, ca }]) => [
    name,
    url,
    username,
    fingerprint === undefined ? (ca ?? 'system authorities') : `pinned ${fingerprint.slice(0, 11)}…`,
  ])
  out.result({ pools }, rows.length === 0 ? 'no pools' : table(['pool', 'URL', 'user', 'trust'], rows))
  return exitCodes.done
}

export async function poolCheck(global: GlobalOptions, out: Out, args: PoolOptions): Promise<ExitCode> {
  await using open = await openPool(global, args)
  const findings = await examine(open.session, global.signal)
  out.result({ findings }, findings.map(findingLine).join('\n'))
  return findings.every(({ good }) => good) ? exitCodes.done : exitCodes.attention
}

/** One thing that a backup needs of a pool. */
interface Finding {
  readonly what: string
  readonly good: boolean
  readonly detail: string
}

const findingLine = ({ what, good, detail }: Finding): string => `${good ? 'ok  ' : 'LOOK'}  ${what}: ${detail}`

/** Clocks that differ by more make times of restore points and of the pool's snapshots hard to match. */
const SKEW_MAX_MS = 60_000

async function examine(session: Session, signal: AbortSignal): Promise<readonly Finding[]> {
  const [srs, drivers, networks, hosts, poolWide] = await Promise.all([
    session.SR.get_all_records({ signal }),
    session.SM.get_all_records({ signal }),
    session.network.get_all_records({ signal }),
    session.host.get_all_records({ signal }),
    poolTracking(session, signal),
  ])
  const tracking = new Set(Object.values(drivers).flatMap((sm) => ('VDI_CONFIG_CBT' in sm.features ? [sm.type] : [])))
  const able = Object.values(srs).filter(({ type }) => tracking.has(type))
  const named = (records: readonly { name_label: string }[]) => records.map((record) => record.name_label).join(', ')
  const secure = Object.values(networks).filter(({ purpose }) => purpose.includes('nbd'))
  const insecure = Object.values(networks).filter(({ purpose }) => purpose.includes('insecure_nbd'))
  const [host] = Object.entries(hosts)
  const skew =
    host === undefined ? 0 : await skewOf(session, host[0] as Parameters<Session['host']['get_servertime']>[0], signal)
  const low = Object.values(srs).filter(
    (sr) => tracking.has(sr.type) && sr.physical_utilisation > sr.physical_size * 0.9,
  )
  return [
    {
      what: 'changed block tracking',
      good: able.length > 0 && poolWide.state === 'possible',
      detail:
        poolWide.state !== 'possible'
          ? `${poolWide.detail}; every run will read all`
          : able.length > 0
            ? `storage ${named(able)}`
            : 'no storage repository has a driver with it; every run will read all',
    },
    {
      what: 'NBD',
      good: secure.length > 0,
      detail:
        secure.length > 0
          ? `over TLS on network ${named(secure)}`
          : insecure.length > 0
            ? `only without TLS, on network ${named(insecure)}; give it the purpose nbd instead`
            : 'no network has the purpose nbd: xe network-param-add param-name=purpose param-key=nbd uuid=<network>',
    },
    { what: 'rights', good: true, detail: 'logged in; records can be read' },
    {
      what: 'clock',
      good: Math.abs(skew) <= SKEW_MAX_MS,
      detail: `${duration(Math.abs(skew))} apart from this machine's`,
    },
    {
      what: 'space',
      good: low.length === 0,
      detail: low.length === 0 ? 'room for snapshots' : `less than a tenth is free on ${named(low)}`,
    },
  ]
}

const skewOf = async (
  session: Session,
  host: Parameters<Session['host']['get_servertime']>[0],
  signal: AbortSignal,
): Promise<number> => (await session.host.get_servertime(host, { signal })).getTime() - Date.now()
