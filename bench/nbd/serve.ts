// Serves a raw file, or memory, with our server until its input ends: node bench/nbd/serve.ts '{"file": …, "listen": …, "tls": …}'
import { once } from 'node:events'
import { openFileExport, serveNbd, type NbdAddress, type NbdExport, type NbdServerOptions } from '@tidemark/nbd'

interface Order {
  /** Path of a file, or the size of a disk in memory. */
  readonly file: string | number
  readonly readOnly?: boolean
  readonly listen: NbdAddress
  readonly tls?: NbdServerOptions['tls']
}

const { file, readOnly, listen, tls } = JSON.parse(process.argv[2] ?? '{}') as Order
const disk = typeof file === 'string' ? await openFileExport(file, { readOnly: readOnly ?? false }) : memory(file)
await using server = await serveNbd({ listen, exports: { open: async () => disk }, ...(tls && { tls }) })
console.log(JSON.stringify(server.address))
await once(process.stdin.resume(), 'end')

function memory(size: number): NbdExport {
  const bytes = Buffer.alloc(size)
  return {
    size,
    coherent: true,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
    readNow: (into, offset) => bytes.copy(into, 0, offset) === into.length,
    async write(offset, data) {
      bytes.set(data, offset)
    },
    writeNow(offset, data) {
      bytes.set(data, offset)
      return true
    },
  }
}
