import { once } from 'node:events'
import { openLabControl, startLab } from '@tidemark/lab'
import type { GlobalOptions } from '../connect.ts'
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
  return exitCodes.done
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
