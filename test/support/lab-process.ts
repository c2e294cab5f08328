// A lab in a process of its own: `fork(LAB_PROCESS, [directory, options as JSON])`. It tells where it is, and on request how much memory it takes.
import { startLab, type LabSettings } from '@tidemark/lab'

const [, , directory = '', options = '{}'] = process.argv
const errors: string[] = []
const lab = await startLab({
  password: 'correct horse',
  httpsPort: 0,
  nbdPort: 0,
  loginDelayMs: 10,
  ...(JSON.parse(options) as Partial<LabSettings>),
  directory,
  onError: (error) => errors.push(error.stack ?? error.message),
})

const messages: Readonly<Record<string, () => unknown>> = {
  /** Bytes, after what is not needed any more was thrown away. */
  memory: () => {
    for (let round = 0; round < 3; round++) globalThis.gc?.()
    const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage()
    return { rss, heapUsed, external, arrayBuffers }
  },
  /** What keeps the process alive: sockets, servers, timers. */
  resources: () => Object.groupBy(process.getActiveResourcesInfo(), (name) => name),
  errors: () => errors,
}

process.on('message', (name: string) => process.send?.({ [name]: messages[name]?.() }))
process.once('disconnect', () => void lab.stop().then(() => process.exit(0)))
process.send?.({
  ready: {
    url: lab.url,
    httpUrl: lab.httpUrl,
    fingerprint: lab.fingerprint,
    certificate: lab.certificate,
    nbdAddress: lab.nbdAddress,
  },
})
