// Serves a raw file with our server until its input ends: node bench/nbd/serve.ts '{"file": …, "listen": …, "tls": …}'
import { once } from 'node:events'
import { open } from 'node:fs/promises'
import { serveNbd, type NbdAddress, type NbdServerOptions } from '@tidemark/nbd'

interface Order {
  readonly file: string
  readonly listen: NbdAddress
  readonly tls?: NbdServerOptions['tls']
}

const { file: path, listen, tls } = JSON.parse(process.argv[2] ?? '{}') as Order
await using file = await open(path, 'r+')
const { size } = await file.stat()
const disk = {
  size,
  async read(offset: number, length: number) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(length), 0, length, offset)
    return buffer.subarray(0, bytesRead)
  },
  async write(offset: number, data: Uint8Array) {
    await file.write(data, 0, data.length, offset)
  },
  flush: () => file.datasync(),
}
await using server = await serveNbd({ listen, exports: { open: async () => disk }, ...(tls && { tls }) })
console.log(JSON.stringify(server.address))
await once(process.stdin.resume(), 'end')
