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

/** Where the lines for TLS look for certificates. */
const CERTIFICATES =
  'CERTS=$HOME/.pki/libnbd # ca-cert.pem; client-cert.pem and client-key.pem where the server asks for them'

/** Formats, with what QEMU needs to keep the disk's size as it is. */
const FORMATS = ['qcow2', 'vmdk', 'vhdx', 'vdi', 'vpc -o force_size=on']

/** Lines to copy into a shell: each does something useful with the disk. */
export function usageOf(served: Served): readonly string[] {
  const { name, writable, tls } = served
  const uri = uriOf(served)
  const file = `disk${name}`
  return [
    ...(tls ? [CERTIFICATES] : []),
    `nbdinfo ${tls ? `${quoted(`${uri}?tls-certificates=`)}"$CERTS"` : quoted(uri)}`,
    `mkdir -p mnt && nbdfuse${writable ? '' : ' --readonly'} mnt/${file}.img ${mountable(served)} &`,
    ...FORMATS.map((format) => {
      const [extension = ''] = format.replace('vpc', 'vhd').split(' ')
      return `qemu-img convert -p ${source(served)} -O ${format} ${file}.${extension}`
    }),
    `qemu-system-x86_64 -m 2048${writable ? '' : ' -snapshot'} ${drive(served)}`,
  ]
}

/** nbdfuse takes no certificates, and libnbd trusts every server where root has none: over TLS nbdkit carries them. */
function mountable(served: Served): string {
  const uri = uriOf(served)
  if (!served.tls) return quoted(uri)
  const client = `nbdkit${served.writable ? '' : ' -r'} --exit-with-parent nbd`
  return `[ ${client} ${quoted(`uri=${uri}`)} tls-certificates="$CERTS" ]`
}

/** What qemu-img reads: its URIs know no TLS. */
const source = (served: Served): string =>
  served.tls ? `--object ${CREDENTIALS} --image-opts ${options(served)}` : `-f raw ${quoted(uriOf(served))}`

const drive = (served: Served): string =>
  served.tls
    ? `-object ${CREDENTIALS} -drive ${options(served, 'file.')},format=raw,if=virtio`
    : `-drive file=${quoted(uriOf(served))},format=raw,if=virtio`

const CREDENTIALS = 'tls-creds-x509,id=tls0,dir="$CERTS",endpoint=client'

function options({ address, name }: Served, prefix = ''): string {
  const at = 'path' in address ? { path: address.path } : { host: address.host, port: String(address.port) }
  const all = { driver: 'nbd', ...at, export: name, 'tls-creds': 'tls0' }
  return quoted(
    Object.entries(all)
      .map(([key, value]) => `${prefix}${key}=${value.replaceAll(',', ',,')}`)
      .join(','),
  )
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
