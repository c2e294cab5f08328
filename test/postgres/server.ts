import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from './mount.ts'

/** A PostgreSQL server on a data directory; disposal stops it. */
export interface Server extends AsyncDisposable {
  /** One connection. */
  connect(): Connection
  /** Answers what one statement gives, a line a row. */
  query(statement: string): Promise<readonly string[]>
}

interface Connection {
  /** Resolves with the one row that a statement answers, when the server has acknowledged it. */
  row(statement: string): Promise<string>
  end(): Promise<void>
}

/** As Debian installs it, whatever its version. */
async function programs(): Promise<string> {
  const root = '/usr/lib/postgresql'
  const version = (await readdir(root)).toSorted((a, b) => Number(b) - Number(a))[0]
  if (version === undefined) throw new Error('no PostgreSQL: apt-get install postgresql-15')
  return join(root, version, 'bin')
}

const asPostgres = (...command: readonly string[]) => run('runuser', '-u', 'postgres', '--', ...command)

export async function makeCluster(data: string): Promise<void> {
  const own = ['--auth', 'trust', '--no-locale', '--wal-segsize', '4', '--no-sync']
  await asPostgres(join(await programs(), 'initdb'), '-D', data, ...own)
}

/** Small, and honest about what is on the disk: fsync, full_page_writes and synchronous_commit are as they come. */
const SETTINGS = {
  listen_addresses: "''",
  shared_buffers: '16MB',
  checkpoint_timeout: '30s',
  min_wal_size: '16MB',
  max_wal_size: '32MB',
  jit: 'off',
}

/**
 * Starts the server, which recovers first where its last end was a hard one.
 * @param sockets a directory that it may write to
 */
export async function startServer(data: string, sockets: string, log: string): Promise<Server> {
  const control = join(await programs(), 'pg_ctl')
  const settings = Object.entries({ ...SETTINGS, unix_socket_directories: `'${sockets}'` })
  const options = settings.map(([name, value]) => `-c ${name}=${value}`).join(' ')
  await asPostgres(control, '-D', data, '-l', log, '-o', options, '-t', '120', '-w', 'start')
  const psql = ['-h', sockets, '-U', 'postgres', '-qAtX', '-v', 'ON_ERROR_STOP=1']
  return {
    connect: () => connect(psql),
    query: async (statement) => (await run('psql', ...psql, '-c', statement)).split('\n').filter((line) => line !== ''),
    async [Symbol.asyncDispose]() {
      const pid = (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n')[0] ?? ''
      await asPostgres(control, '-D', data, '-m', 'fast', '-w', 'stop')
      await gone(pid)
    },
  }
}

/**
 * A process that ended keeps its number until its parent has heard of it. A server that starts on a copy of the data reads that number
 * there, and must not take it for a living server: on the machine that a restore makes there is none.
 */
async function gone(pid: string): Promise<void> {
  while (
    await access(`/proc/${pid}`).then(
      () => true,
      () => false,
    )
  )
    await sleep(20)
}

function connect(options: readonly string[]): Connection {
  const child = spawn('psql', options, { stdio: ['pipe', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async row(statement) {
      child.stdin.write(`${statement}\n`)
      const { value, done } = await lines.next()
      if (done === true) throw new Error('the server is gone')
      return value
    },
    async end() {
      child.stdin.end()
      await exited
    },
  }
}
