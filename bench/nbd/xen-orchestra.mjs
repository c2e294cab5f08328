// Reads blocks with Xen Orchestra's own client, one connection, its own read-ahead. The order comes on the command line:
// {"info": {address, port, exportname, cert}, "blocks": [index, …], "size": bytes}
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { readFileSync } from 'node:fs'

const home = createRequire(resolve(import.meta.dirname, '../../test/xen-orchestra/package.json'))
const { default: MultiNbdClient } = await import(pathToFileURL(home.resolve('@vates/nbd-client/multi.mjs')).href)
const { info, blocks, size } = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const startedAt = performance.now()
const client = new MultiNbdClient(info, { nbdConcurrency: 1 })
await client.connect()
let bytes = 0
for await (const block of client.readBlocks(() => blocks.map((index) => ({ index, size })))) bytes += block.length
console.log(JSON.stringify({ seconds: (performance.now() - startedAt) / 1000, bytes }))
await client.disconnect()
