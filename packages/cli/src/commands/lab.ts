import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { openLabControl, startLab, type FaultPlan, type LabControl } from '@tidemark/lab'
import { parse } from 'yaml'
import type { GlobalOptions } from '../connect.ts'
import { CliError } from '../error.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'
import { table } from '../output/table.ts'
import { size } from '../output/units.ts'
import { findSecret } from '../secret.ts'

export interface LabArguments {
  readonly address?: string
  readonly httpsPort?: number
  readonly nbdPort?: number
  readonly hosts?: number
  readonly passwordFile?: string
  readonly faults?: string
  readonly machines?: boolean
}

/** Runs the pool until a signal ends it. */
export async function lab(global: GlobalOptions, out: Out, directory: string, args: LabArguments): Promise<ExitCode> {
  const password = await findSecret({
    what: 'the lab',
    file: args.passwordFile,
    variables: ['TIDEMARK_LAB_PASSWORD', 'TIDEMARK_POOL_PASSWORD'],
    fileVariables: ['TIDEMARK_LAB_PASSWORD_FILE'],
    credential: 'lab',
  })
  await using running = await startLab({
    directory,
    password: password.reveal(),
    ...(args.address === undefined ? {} : { address: args.address }),
    ...(args.httpsPort === undefined ? {} : { httpsPort: args.httpsPort }),
    ...(args.nbdPort === undefined ? {} : { nbdPort: args.nbdPort }),
    ...(args.hosts === undefined ? {} : { hosts: args.hosts }),
    ...(args.machines === true ? { machines: 'qemu' as const } : {}),
    ...(args.faults === undefined ? {} : { faults: await readPlan(args.faults) }),
  })
  const { url, fingerprint, nbdAddress, username } = running
  const hosts = running.hosts.map((host) => ({ url: host.url, fingerprint: host.fingerprint, nbd: host.nbdAddress }))
  out.event({ type: 'ready', url, fingerprint, nbd: nbdAddress, hosts, username })
  out.say(`lab in ${directory}: ${url} (user ${username}), NBD on port ${nbdAddress.port}`)
  out.say(`  certificate SHA-256 ${fingerprint}`)
  for (const host of running.hosts.filter((each) => each.url !== url)) {
    out.say(`  member ${host.hostname}: ${host.url}, certificate SHA-256 ${host.fingerprint}`)
  }
  out.say(`  next: tidemark pool add lab ${url} --fingerprint ${fingerprint} --password-file <file>`)
  if (!global.signal.aborted) await once(global.signal, 'abort')
  await tellFaults(out, running.control)
  return exitCodes.done
}

/** YAML or JSON; the lab itself looks at what it says. @throws CliError CLI_CONFIG */
async function readPlan(path: string): Promise<FaultPlan> {
  try {
    return parse(await readFile(path, 'utf8')) as FaultPlan
  } catch (cause) {
    throw new CliError('CLI_CONFIG', `the fault plan ${path} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

/** Says which planned faults happened, and which never did. */
async function tellFaults(out: Out, control: LabControl): Promise<void> {
  const faults = await control.faultReport()
  if (faults.length === 0) return
  out.event({ type: 'faults', faults })
  const idle = faults.filter(({ fired }) => fired === 0)
  if (idle.length === 0) out.say(`all ${faults.length} planned faults happened`)
  for (const { id, at, seen } of idle)
    out.say(`planned fault '${id}' never happened (${seen} events at ${at} fitted it)`)
}

export interface LabSeedArguments {
  readonly name?: string
  readonly image?: readonly string[]
  readonly size?: readonly number[]
}

/** Makes one VM on a running lab: a disk for each image file, and an empty one for each size. */
export async function labSeed(
  _global: GlobalOptions,
  out: Out,
  directory: string,
  args: LabSeedArguments,
): Promise<ExitCode> {
  const control = await openLabControl(directory)
  const images = (args.image ?? []).map((image, i) => ({ name: `disk ${i}`, image }))
  const empty = (args.size ?? []).map((bytes, i) => ({ name: `disk ${images.length + i}`, size: bytes }))
  const disks = [...images, ...empty]
  const vm = await control.createVm({
    name: args.name ?? 'sample',
    disks: disks.length > 0 ? disks : [{ name: 'disk 0', size: 1 << 30 }],
  })
  const rows = vm.disks.map((disk, i) => [String(i), disk.uuid, size(disk.size), disk.guestSocket])
  out.result(
    { ...vm },
    `VM '${args.name ?? 'sample'}' (${vm.uuid})\n${table(['>disk', 'VDI', '>size', 'guest socket (NBD)'], rows)}`,
  )
  return exitCodes.done
}
