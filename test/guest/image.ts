import { chmod, copyFile, mkdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { addModule, addProgram, newestKernel, run } from '../kernel/machine.ts'

/** What a disk with the guest has, in bytes: the kernel takes a fifth of it. */
const SIZE = 64 << 20

const MENU = `SERIAL 0 115200
DEFAULT linux
LABEL linux
  KERNEL /boot/vmlinuz
  INITRD /boot/initrd
  APPEND console=ttyS0 quiet panic=-1 random.trust_cpu=on mitigations=off nokaslr
`

/**
 * Makes the image of a disk that a PC boots from: this machine's newest Debian kernel, busybox and the guest's program on
 * ext4, with extlinux before them. Needs root, for a loop device.
 */
export async function makeGuestImage(directory: string): Promise<string> {
  const [root, image, mounted] = ['root', 'guest.img', 'mounted'].map((name) => join(directory, name))
  if (root === undefined || image === undefined || mounted === undefined) throw new Error('three names')
  const version = await newestKernel()
  const folders = ['boot', 'extlinux', 'sbin', 'proc', 'sys', 'dev', 'etc/acpi/PWRF', 'data']
  for (const folder of folders) await mkdir(join(root, folder), { recursive: true })
  await addProgram(root, '/bin/busybox')
  await executable(join(import.meta.dirname, 'init'), join(root, 'sbin/init'))
  await copyFile(`/boot/vmlinuz-${version}`, join(root, 'boot/vmlinuz'))
  await makeInitrd(join(directory, 'initrd'), version, join(root, 'boot/initrd'))
  await writeFile(join(root, 'extlinux/extlinux.conf'), MENU)
  await writeFile(join(root, 'data/chain'), '')
  const [, name = 'Debian'] = /^PRETTY_NAME="(.*)"$/m.exec(await readFile('/etc/os-release', 'utf8')) ?? []
  await writeFile(join(root, 'etc/os-name'), `${name}\n`)
  await writeFile(image, '')
  await truncate(image, SIZE)
  // extlinux reads ext4 without 64-bit block numbers
  await run('mkfs.ext4', '-q', '-b', '4096', '-O', '^64bit,^metadata_csum', '-d', root, image)
  await mkdir(mounted)
  await run('mount', '-o', 'loop', image, mounted)
  try {
    await run('extlinux', '--install', join(mounted, 'extlinux'))
  } finally {
    await run('umount', mounted)
  }
  return image
}

async function makeInitrd(root: string, version: string, archive: string): Promise<void> {
  await addProgram(root, '/bin/busybox')
  await executable(join(import.meta.dirname, 'initrd-init'), join(root, 'init'))
  const modules: string[] = []
  for (const module of ['virtio_pci', 'virtio_blk', 'button', 'evdev']) {
    modules.push(...(await addModule(root, version, module)))
  }
  await writeFile(join(root, 'modules'), `${[...new Set(modules)].join('\n')}\n`)
  await run('sh', '-c', `cd '${root}' && find . | cpio --quiet -o -H newc > '${archive}'`)
}

async function executable(from: string, to: string): Promise<void> {
  await copyFile(from, to)
  await chmod(to, 0o755)
}
