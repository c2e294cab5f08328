// Reads an export with our client, and says how long it took: node bench/nbd/read.ts '{"target": …, "connections": 1, …}'
import { bytes, extent, normalize, type Extent } from '@tidemark/blocks'
import { borrowRuns, openNbd, type NbdTarget } from '@tidemark/nbd'

/** What to read: everything, or these runs. */
interface Order {
  readonly target: NbdTarget
  readonly connections: number
  readonly inFlight?: number
  readonly requestBytes?: number
  readonly thread?: 'caller' | 'own'
  readonly runs?: readonly { readonly offset: number; readonly length: number }[]
}

const { target, connections, inFlight, requestBytes, thread, runs } = JSON.parse(process.argv[2] ?? '{}') as Order
const startedAt = performance.now()
await using client = await openNbd(target, {
  connections,
  ...(inFlight === undefined ? {} : { inFlight }),
  ...(thread === undefined ? {} : { thread }),
  ...(requestBytes === undefined ? {} : { requestBytes }),
})
const wanted: readonly Extent[] =
  runs === undefined ? [extent(0, client.size)] : normalize(runs.map(({ offset, length }) => extent(offset, length)))
let read = bytes(0)
for await (const { data } of borrowRuns(client, wanted)) read = bytes(read + data.length)
console.log(JSON.stringify({ seconds: (performance.now() - startedAt) / 1000, bytes: read }))
