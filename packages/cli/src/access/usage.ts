import type { NbdAddress } from '@tidemark/nbd'

/** Where a disk is served, in the words of the programs that read it. */
export interface Served {
  readonly address: NbdAddress
  readonly tls: boolean
  /** Name of the export. */
  readonly name: string
  readonly writable: boolean
}

/** As libnbd and QEMU write it: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/uri.md */
export function uriOf({ address, tls, name }: Served): string {
  const scheme = tls ? 'nbds' : 'nbd'
  const path = encodeURIComponent(name)
  if ('path' in address) return `${scheme}+unix:///${path}?socket=${encodeURIComponent(address.path)}`
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return `${scheme}://${host}:${address.port}/${path}`
}

/** Lines to copy: each does something useful with the disk. */
export function usageOf(served: Served): readonly string[] {
  const uri = quoted(uriOf(served))
  const file = `disk${served.name}`
  const mode = served.writable ? '' : ' --readonly'
  return [
    `nbdinfo ${uri}`,
    `mkdir -p mnt && nbdfuse${mode} mnt/${file}.img ${uri} &`,
    ...['qcow2', 'vmdk', 'vhdx', 'vdi'].map(
      (format) => `qemu-img convert -p -f raw -O ${format} ${uri} ${file}.${format}`,
    ),
    `qemu-system-x86_64 -m 2048${served.writable ? '' : ' -snapshot'} -drive file=${uri},format=raw,if=virtio`,
  ]
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
