import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, cp, mkdir, readdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'

/** A file for the machine: its path there, and its text. */
export type Files = Readonly<Record<string, string>>

export const run = async (program: string, ...args: readonly string[]): Promise<string> =>
  (await promisify(execFile)(program, args)).stdout

/**
 * Boots this machine's newest Debian kernel in an emulated PC, with nothing but busybox, nbd-client and some files, and
 * answers what its console said until it switched itself off. Needs no privileges and no hardware virtualisation; the
 * machine reaches every address of this one.
 * @param modules of the kernel, that `init` finds in the file `/modules`, in the order of loading
 */
export async function bootKernel(
  directory: string,
  { init, files, modules }: { readonly init: string; readonly files: Files; readonly modules: readonly string[] },
): Promise<string> {
  const version = await newestKernel()
  const root = join(directory, 'root')
  await addProgram(root, '/bin/busybox')
  await addProgram(root, (await run('which', 'nbd-client')).trim(), '/bin/nbd-client')
  await copyFile(init, join(root, 'init'))
  await chmod(join(root, 'init'), 0o755)
  const loaded: string[] = []
  for (const module of modules) loaded.push(...(await addModule(root, version, module)))
  const all = { ...files, modules: `${[...new Set(loaded)].join('\n')}\n` }
  for (const [name, content] of Object.entries(all)) await writeFile(join(root, name), content)
  const archive = join(directory, 'initrd')
  await run('sh', '-c', `cd '${root}' && find . | cpio --quiet -o -H newc > '${archive}'`)
  return emulate(`/boot/vmlinuz-${version}`, archive)
}

export async function newestKernel(): Promise<string> {
  const versions = (await readdir('/boot')).filter((name) => name.startsWith('vmlinuz-')).sort()
  const newest = versions.at(-1)?.slice('vmlinuz-'.length)
  if (newest === undefined) throw new Error('no kernel in /boot: apt-get install linux-image-cloud-amd64')
  return newest
}

/** A program with the libraries that it is linked with. */
export async function addProgram(root: string, path: string, as = path): Promise<void> {
  await mkdir(dirname(join(root, as)), { recursive: true })
  await cp(path, join(root, as), { dereference: true })
  const linked = await run('ldd', path).catch(() => '') // static: nothing to add
  for (const [, library = ''] of linked.matchAll(/(\/\S+\.so\S*)/g)) {
    await mkdir(dirname(join(root, library)), { recursive: true })
    await cp(library, join(root, library), { dereference: true })
  }
}

/** A kernel module with those that it needs. @returns their paths in the machine, in the order of loading */
export async function addModule(root: string, version: string, module: string): Promise<string[]> {
  const lines = (await run('modprobe', '--show-depends', '-S', version, module)).split('\n')
  const paths = lines.flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? [])
  await mkdir(join(root, 'lib/modules'), { recursive: true })
  for (const path of paths) await cp(path, join(root, 'lib/modules', basename(path)))
  return paths.map((path) => `/lib/modules/${basename(path)}`)
}

async function emulate(kernel: string, initrd: string): Promise<string> {
  const machine = [
    '-accel',
    'tcg',
    '-cpu',
    'max',
    '-m',
    '384',
    '-nographic',
    '-no-reboot',
    '-nodefaults',
    '-serial',
    'stdio',
  ]
  const network = ['-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net', '-device', 'virtio-rng-pci']
  const boot = ['-kernel', kernel, '-initrd', initrd, '-append', 'console=ttyS0 quiet panic=-1 random.trust_cpu=on']
  const child = spawn('qemu-system-x86_64', [...machine, ...network, ...boot], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'exit')
  const timer = setTimeout(() => child.kill('SIGKILL'), 240_000)
  try {
    const [console, errors] = await Promise.all([text(child.stdout), text(child.stderr), ended])
    return console + errors
  } finally {
    clearTimeout(timer)
  }
}
