// A line of a given length: everything arrives so many milliseconds later. node bench/nbd/delay.ts <port> <ms>
import { once } from 'node:events'
import net from 'node:net'

const [port, ms] = process.argv.slice(2).map(Number)
const server = net.createServer({ noDelay: true }, (near) => {
  const far = net.connect({ host: '127.0.0.1', port: port ?? 0, noDelay: true })
  carry(near, far)
  carry(far, near)
})
server.listen({ host: '127.0.0.1', port: 0 })
await once(server, 'listening')
console.log(JSON.stringify(server.address()))
await once(process.stdin.resume(), 'end')
process.exit(0)

function carry(from: net.Socket, to: net.Socket): void {
  from.on('data', (chunk) => setTimeout(() => to.write(chunk), ms))
  from.on('end', () => setTimeout(() => to.end(), ms))
  from.on('error', () => to.destroy())
}
