import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { CBT_BLOCK } from '@tidemark/blocks'
import { timed } from '../measure.ts'
import { nbdkit, ownServer, read, secureUri, told, type Case, type Stage } from './stage.ts'

/** Reading with our client, with libnbd's, and with Xen Orchestra's; and ours over a long line. */
export async function clientCases(stage: Stage): Promise<Case[]> {
  const { work, size, tls, runs } = stage
  const plain = await nbdkit(stage, false)
  const secure = await nbdkit(stage, true)
  const blocks = runs.flatMap(({ offset, length }) =>
    Array.from({ length: length / CBT_BLOCK }, (_, i) => offset / CBT_BLOCK + i),
  )
  const scattered = blocks.length * CBT_BLOCK
  const clear = { address: { host: '127.0.0.1', port: plain }, exportName: '' }
  const trust = { kind: 'authority', ca: tls.ca, subject: 'localhost' }
  const veiled = { address: { host: '127.0.0.1', port: secure }, exportName: '', tls: trust }
  const copy = (from: string) => timed('nbdcopy', ['--connections=1', from, 'null:'])
  const xo = (port: number, cert?: string) => {
    const order = join(work, 'order.json')
    const info = { address: 'localhost', port, exportname: '', ...(cert === undefined ? {} : { cert }) }
    writeFileSync(order, JSON.stringify({ info, blocks, size: CBT_BLOCK }))
    return told(process.execPath, [resolve(import.meta.dirname, 'xen-orchestra.mjs'), order])
  }
  return [
    {
      name: 'client, plain, sequential / nbdcopy',
      goal: 1.2,
      bytes: size,
      ours: () => read({ target: clear, connections: 1, inFlight: 2 }), // enough where nothing is late; more costs the server
      theirs: () => copy(`nbd://localhost:${plain}`),
    },
    {
      name: 'client, TLS, sequential / nbdcopy',
      goal: 1.0,
      bytes: size,
      ours: () => read({ target: veiled, connections: 1 }),
      theirs: () => copy(secureUri(tls, secure)),
    },
    {
      name: 'client, TLS, sequential, 2 threads / nbdcopy',
      goal: 1.0,
      bytes: size,
      ours: () => read({ target: veiled, connections: 2, inFlight: 8, thread: 'own' }),
      theirs: () => copy(secureUri(tls, secure)),
    },
    {
      name: 'client, plain, scattered / Xen Orchestra',
      goal: 2,
      bytes: scattered,
      ours: () => read({ target: clear, connections: 1, runs }),
      theirs: () => xo(plain),
    },
    {
      name: 'client, TLS, scattered / Xen Orchestra',
      goal: 2,
      bytes: scattered,
      ours: () => read({ target: veiled, connections: 1, runs }),
      theirs: () => xo(secure, tls.ca),
    },
    await latencyCase(stage, plain),
  ]
}

/** Ours alone: the same line with 20 ms and without. */
async function latencyCase({ size }: Stage, server: number): Promise<Case> {
  const line = async (ms: number) => {
    const { port } = await ownServer('delay.ts', String(server), String(ms))
    const target = { address: { host: '127.0.0.1', port }, exportName: '' }
    return () => read({ target, connections: 4 })
  }
  const [ours, theirs] = [await line(10), await line(0)]
  return { name: 'client, 20 ms latency / none, 4 connections', goal: 0.8, bytes: size, ours, theirs }
}
