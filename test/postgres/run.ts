import { randomUUID } from 'node:crypto'
import { chmod, chown, mkdir, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { openBench, succeed, type Bench } from '../support/pool.ts'
import { mountImage, mountSocket, run } from './mount.ts'
import { makeCluster, startServer, type Server } from './server.ts'

/** Room for a small cluster with its log, in bytes. */
const SIZE = 320 << 20
const WRITERS = 3
const ACCOUNTS = 200
/** Between two backups. */
const PAUSE_MS = 500
const place = ['--pool', 'lab', '--repo', 'main']

/** What one backup found, and what was there when it was restored. */
export interface RestoredPoint {
  readonly action: string
  /** Transactions acknowledged before the disk was frozen; those that the point holds; those begun when the backup ended. */
  readonly acknowledged: number
  readonly held: number
  readonly begun: number
  /** What is wrong with it; nothing, in a sound one. */
  readonly wrong: readonly string[]
}

/**
 * A PostgreSQL server works on a disk of the lab while backups of it are taken; then every point is mounted, the server
 * recovers on it, and what it holds is compared with what had been acknowledged. Needs root.
 */
export async function postgresRun(backups: number, say: (line: string) => void): Promise<readonly RestoredPoint[]> {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'tm-postgres-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  await chmod(directory, 0o755) // the server has another user
  const server = { directory, sockets: join(directory, 'sockets'), log: join(directory, 'sockets', 'log') }
  await mkdir(server.sockets)
  await own(server.sockets)
  const load = newLoad()
  const moments = new Moments(load)
  const bench = stack.use(await openBench({ random: moments }))
  const taken = await work({ bench, load, moments }, server, backups, say)
  const points: RestoredPoint[] = []
  for (const [at, each] of taken.entries()) {
    points.push(await examine(bench, server, each))
    const { held, acknowledged, begun, wrong } = points[at] ?? { wrong: [] }
    const verdict = wrong.length === 0 ? 'sound' : wrong.join('; ')
    say(`point ${at + 1}: holds ${held} of ${acknowledged} acknowledged to ${begun} begun, ${verdict}`)
  }
  return points
}

interface Place {
  readonly directory: string
  readonly sockets: string
  readonly log: string
}

/** A point, with the number of transactions of each writer. */
interface Taken {
  readonly id: string
  readonly action: string
  readonly acknowledged: readonly number[]
  readonly begun: readonly number[]
}

/**
 * What had been acknowledged when each uuid of the lab was drawn. A snapshot of a disk draws its uuid right before the
 * storage freezes the disk, in the same turn: this is the last moment that must be on it.
 */
class Moments {
  readonly #acknowledged = new Map<string, readonly number[]>()
  readonly #load: Load

  constructor(load: Load) {
    this.#load = load
  }

  uuid(): string {
    const uuid = randomUUID()
    this.#acknowledged.set(uuid, [...this.#load.acknowledged])
    return uuid
  }

  acknowledgedAt(uuid: string): readonly number[] {
    const known = this.#acknowledged.get(uuid)
    if (known === undefined) throw new Error(`the lab never drew ${uuid}`)
    return known
  }
}

async function work(
  { bench, load, moments }: { readonly bench: Bench; readonly load: Load; readonly moments: Moments },
  { directory, sockets, log }: Place,
  backups: number,
  say: (line: string) => void,
): Promise<readonly Taken[]> {
  await using stack = new AsyncDisposableStack()
  const image = join(directory, 'empty.img')
  await writeFile(image, '')
  await truncate(image, SIZE)
  await run('mkfs.ext4', '-q', image)
  const vm = await bench.lab.control.createVm({ name: 'postgres', disks: [{ image }], running: true })
  const { path } = stack.use(await mountSocket(vm.disks[0]?.guestSocket ?? '', directory))
  const data = join(path, 'data')
  await mkdir(data)
  await own(data)
  await makeCluster(data)
  await run('sync', '-f', path)
  const server = stack.use(await startServer(data, sockets, log))
  await server.query(SCHEMA)
  const stop = startLoad(load, server)
  stack.defer(stop)
  const taken: Taken[] = []
  for (let i = 1; i <= backups; i++) {
    await sleep(PAUSE_MS)
    const before = total(load.acknowledged)
    const { points } = await succeed(bench.tidemark('backup', 'postgres', ...place))
    const { id, disks } = points[0]
    const acknowledged = moments.acknowledgedAt(disks[0].snapshot)
    taken.push({ id, action: disks[0].action, acknowledged, begun: [...load.begun] })
    say(`backup ${i}: ${disks[0].action}, ${total(load.acknowledged) - before} transactions meanwhile`)
  }
  return taken
}

/** Each transaction adds a line to the ledger and one to an account: both or none. */
const SCHEMA = `
  create table ledger (writer int, number bigint, note text, primary key (writer, number));
  create table account (id int primary key, balance bigint not null);
  insert into account select id, 0 from generate_series(0, ${ACCOUNTS - 1}) id`

const transaction = (writer: number, number: number): string => `
  with paid as (update account set balance = balance + 1 where id = ${(writer * 67 + number * 7) % ACCOUNTS})
  insert into ledger values (${writer}, ${number}, repeat(md5('${writer} ${number}'), 8)) returning number;`

/** By writer: the last transaction that the server acknowledged, and the last that was sent to it. */
interface Load {
  readonly acknowledged: number[]
  readonly begun: number[]
}

const newLoad = (): Load => ({
  acknowledged: Array.from({ length: WRITERS }, () => 0),
  begun: Array.from({ length: WRITERS }, () => 0),
})

/** @returns how to stop it; that throws what a writer met */
function startLoad({ acknowledged, begun }: Load, server: Server): () => Promise<void> {
  let isOver = false
  const write = async (writer: number) => {
    const connection = server.connect()
    for (let number = 1; !isOver; number++) {
      begun[writer] = number
      acknowledged[writer] = Number(await connection.row(transaction(writer, number).replaceAll('\n', ' ')))
    }
    await connection.end()
  }
  const writing = Promise.all(acknowledged.map((_, writer) => write(writer)))
  writing.catch(() => undefined) // whoever stops it is told
  return async () => {
    isOver = true
    await writing
  }
}

/** Restores a point to a file, mounts it, lets the server recover on it, and looks. */
async function examine(bench: Bench, { directory, sockets, log }: Place, taken: Taken): Promise<RestoredPoint> {
  const files = join(directory, taken.id)
  const { files: restored } = await succeed(bench.tidemark('restore', taken.id, '--to-dir', files, '--repo', 'main'))
  await rm(log, { force: true })
  const wrong: string[] = []
  let held = 0
  {
    await using mounted = await mountImage(restored[0].path, join(directory, 'restored'))
    await using server = await startServer(join(mounted.path, 'data'), sockets, log)
    if (!(await readFile(log, 'utf8')).includes('redo done')) wrong.push('the server did not recover')
    const rows = await server.query('select writer, count(*), max(number), min(number) from ledger group by 1')
    for (const row of rows) wrong.push(...judge(row.split('|').map(Number), taken))
    const [sum] = await server.query(
      "select (select sum(balance) from account) || ' ' || (select count(*) from ledger where note = repeat(md5(writer || ' ' || number), 8))",
    )
    const [balance = 0, lines = -1] = (sum ?? '').split(' ').map(Number)
    if (balance !== lines) wrong.push(`the accounts hold ${balance}, the ledger ${lines} good lines`)
    held = lines
    if (rows.length !== WRITERS) wrong.push(`${rows.length} writers`)
  }
  await rm(files, { recursive: true })
  const { action, acknowledged, begun } = taken
  return { action, acknowledged: total(acknowledged), held, begun: total(begun), wrong }
}

/** A writer's transactions follow each other: what is there begins at 1 and has no gap. */
function judge([writer = -1, count = 0, last = 0, first = 0]: readonly number[], taken: Taken): string[] {
  const [acknowledged = 0, begun = 0] = [taken.acknowledged[writer], taken.begun[writer]]
  const wrong: string[] = []
  if (first !== 1 || last !== count) wrong.push(`writer ${writer} has gaps: ${count} from ${first} to ${last}`)
  if (last < acknowledged) wrong.push(`writer ${writer} lost ${acknowledged - last} acknowledged transactions`)
  if (last > begun) wrong.push(`writer ${writer} has ${last - begun} transactions from after the backup`)
  return wrong
}

const total = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0)

const own = async (path: string): Promise<void> => {
  const [uid, gid] = await Promise.all(['-u', '-g'].map(async (kind) => Number(await run('id', kind, 'postgres'))))
  await chown(path, uid ?? 0, gid ?? 0)
}
