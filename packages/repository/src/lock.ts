import type { Backend } from './backends/backend.ts'
import type { Clock } from './clock.ts'
import { isRepositoryError, RepositoryError, unlessGone } from './error.ts'
import type { Sealer } from './format/crypto.ts'
import { goJson, goTime } from './format/go-json.ts'
import { loadUnpacked, saveOrRemove } from './unpacked.ts'

/** Shared: backup, restore, reading, check. Exclusive: forget, prune, tag. restic-format.md §9, which has check exclusive as restic. */
export type LockKind = 'shared' | 'exclusive'

/** Who holds a lock. */
export interface LockOwner {
  readonly hostname: string
  readonly username: string
  readonly pid: number
}

/** A lock that is held. Disposing removes it, and never throws. */
export interface RepositoryLock extends AsyncDisposable {
  readonly kind: LockKind
  /** Aborts with REPOSITORY_LOCK_LOST when the lock vanished or could not be refreshed: stop touching the repository. */
  readonly signal: AbortSignal
}

export interface LockParts {
  readonly backend: Backend
  readonly sealer: Sealer
  readonly clock: Clock
  readonly owner: LockOwner
}

interface LockFile extends LockOwner {
  readonly name: string
  readonly time: Date
  readonly exclusive: boolean
}

const SETTLE_MS = 200
const REFRESH_MS = 5 * 60_000
const STALE_MS = 30 * 60_000
/** Without a refresh for this long another process may soon take our lock for dead. */
const LOST_MS = 22.5 * 60_000
/** How often the age of a lock is looked at, apart from its refreshes. */
const WATCH_MS = 30_000

/**
 * Takes a lock: looks for conflicts, writes the file, waits 200 ms, looks again. Refreshes it every five minutes until
 * it is disposed. While a lock is held SIGHUP does not end the process: `restic unlock` sends it to see who lives.
 * @param onLost called with the reason before `signal` aborts
 * @throws RepositoryError REPOSITORY_LOCKED
 */
export async function acquireLock(
  parts: LockParts,
  kind: LockKind,
  onLost: (reason: RepositoryError) => void,
  signal?: AbortSignal,
): Promise<RepositoryLock> {
  await removeOwnDead(parts, signal)
  await assertFree(parts, kind, '', signal)
  ignoreHangup()
  let name: string | undefined
  try {
    name = await writeLock(parts, kind, signal)
    await parts.clock.sleep(SETTLE_MS, signal)
    await assertFree(parts, kind, name, signal)
  } catch (error) {
    if (name !== undefined) await remove(parts.backend, name)
    heedHangup() // last: as long as the file is there, restic unlock may send the signal
    throw error
  }
  return heldLock(parts, kind, name, onLost)
}

/** Removes stale locks (older than 30 minutes, or of a dead process of this machine), or all. Returns how many. */
export async function removeLocks(parts: LockParts, which: 'stale' | 'all', signal?: AbortSignal): Promise<number> {
  const names: string[] = []
  if (which === 'all') for await (const { name } of parts.backend.list('locks', signal)) names.push(name) // also broken ones
  else {
    for await (const lock of listLocks(parts, signal)) {
      const isOld = parts.clock.now().getTime() - lock.time.getTime() > STALE_MS
      if (isOld || isDead(lock, parts.owner)) names.push(lock.name)
    }
  }
  for (const name of names) await remove(parts.backend, name)
  return names.length
}

/** Whether a process other than ours holds a lock that is not stale. */
export async function isLockedByOthers(parts: LockParts, signal?: AbortSignal): Promise<boolean> {
  const { hostname, pid } = parts.owner
  for await (const lock of listLocks(parts, signal)) {
    const isOld = parts.clock.now().getTime() - lock.time.getTime() > STALE_MS
    const isOwn = lock.hostname === hostname && lock.pid === pid
    if (!isOwn && !isOld && !isDead(lock, parts.owner)) return true
  }
  return false
}

function heldLock(
  parts: LockParts,
  kind: LockKind,
  firstName: string,
  onLost: (reason: RepositoryError) => void,
): RepositoryLock {
  const { backend, clock } = parts
  const controller = new AbortController()
  let name = firstName
  let refreshedAt = clock.now().getTime()
  let running: Promise<void> = Promise.resolve()

  const lose = (why: string, cause?: unknown) => {
    if (controller.signal.aborted) return
    stopTimer()
    stopWatch()
    const reason = new RepositoryError('REPOSITORY_LOCK_LOST', `the lock of ${backend.location} is lost: ${why}`, {
      cause,
    })
    onLost(reason)
    controller.abort(reason)
  }
  const refresh = async () => {
    if (!(await isPresent(backend, name))) return lose('its file was removed')
    const next = await writeLock(parts, kind)
    const previous = name
    name = next
    refreshedAt = clock.now().getTime()
    await remove(backend, previous)
  }
  const tick = async () => {
    if (controller.signal.aborted) return
    try {
      await refresh()
    } catch (cause) {
      if (clock.now().getTime() - refreshedAt > LOST_MS) lose('it could not be refreshed', cause) // else the next tick tries
    }
  }
  const stopTimer = clock.every(REFRESH_MS, () => {
    running = running.then(tick)
  })

  // on its own: a refresh may hang with its storage, and after a standby the next one is minutes away
  const stopWatch = clock.every(WATCH_MS, () => {
    if (clock.now().getTime() - refreshedAt > LOST_MS)
      lose('it was not refreshed in time: the machine slept, or the storage hangs')
  })

  let released: Promise<void> | undefined
  const release = async () => {
    stopTimer()
    stopWatch()
    await running
    // Storage that is away must not hide the error of the job; what is left is stale in 30 minutes and then removed.
    await remove(backend, name).catch(() => {})
    heedHangup() // last: as long as the file is there, restic unlock may send the signal
  }
  return { kind, signal: controller.signal, [Symbol.asyncDispose]: () => (released ??= release()) }
}

async function writeLock({ backend, sealer, clock, owner }: LockParts, kind: LockKind, signal?: AbortSignal) {
  const { hostname, username, pid } = owner
  const ids = { uid: process.getuid?.() || undefined, gid: process.getgid?.() || undefined }
  const lock = { time: goTime(clock.now()), exclusive: kind === 'exclusive', hostname, username, pid, ...ids }
  return saveOrRemove(backend, sealer, 'locks', Buffer.from(goJson(lock)), signal)
}

async function assertFree(parts: LockParts, kind: LockKind, own: string, signal?: AbortSignal): Promise<void> {
  for await (const lock of listLocks(parts, signal)) {
    if (lock.name === own || (kind === 'shared' && !lock.exclusive)) continue
    const what = lock.exclusive ? 'exclusively' : 'by a backup or a reader'
    const age = Math.round((parts.clock.now().getTime() - lock.time.getTime()) / 1000)
    const who = `${lock.username}@${lock.hostname}, process ${lock.pid}, since ${lock.time.toISOString()} (${age} s ago)`
    const hint = 'wait for it, or if that process is gone run `tidemark unlock` or `restic unlock`'
    throw new RepositoryError('REPOSITORY_LOCKED', `${parts.backend.location} is locked ${what}: ${who}; ${hint}`, {
      file: `locks/${lock.name}`,
    })
  }
}

/** Locks of this machine whose process is gone, or that nobody refreshed, are ours to remove. */
async function removeOwnDead(parts: LockParts, signal?: AbortSignal): Promise<void> {
  for await (const lock of listLocks(parts, signal)) {
    const isOld = parts.clock.now().getTime() - lock.time.getTime() > STALE_MS
    const isOwn = lock.hostname === parts.owner.hostname
    if (isOwn && (isOld || isDead(lock, parts.owner))) await remove(parts.backend, lock.name).catch(unlessDenied)
  }
}

/** Storage that gives up nothing, not even locks: one that is in the way is told of when that is found out. */
function unlessDenied(error: unknown): void {
  if (!isRepositoryError(error, 'BACKEND_DENIED')) throw error
}

async function* listLocks({ backend, sealer }: LockParts, signal?: AbortSignal): AsyncGenerator<LockFile> {
  for await (const { name, size } of backend.list('locks', signal)) {
    if (size === 0) continue // left by a crash of a program that does not rename
    const json = await loadUnpacked(backend, sealer, { type: 'locks', name }, signal).catch((error: unknown) => {
      if (isRepositoryError(error, 'BACKEND_NOT_FOUND')) return undefined // removed meanwhile
      throw isRepositoryError(error, 'REPOSITORY_DAMAGED') ? unreadable(backend, name, error) : error
    })
    if (json !== undefined) yield readLock(backend, json, name)
  }
}

function readLock(backend: Backend, json: Uint8Array, name: string): LockFile {
  try {
    const lock = decodeLock(json, name)
    if (!Number.isNaN(lock.time.getTime())) return lock
  } catch (cause) {
    throw unreadable(backend, name, cause)
  }
  throw unreadable(backend, name)
}

/** Whose it is cannot be told, so it counts; only somebody who knows may remove it. */
const unreadable = (backend: Backend, name: string, cause?: unknown): RepositoryError =>
  new RepositoryError(
    'REPOSITORY_LOCKED',
    `${backend.location} has a lock file that cannot be read, locks/${name}; when no program uses the repository, remove it with ` +
      '`tidemark unlock --remove-all`',
    { file: `locks/${name}`, cause },
  )

function decodeLock(json: Uint8Array, name: string): LockFile {
  const { time, exclusive, hostname, username, pid } = JSON.parse(Buffer.from(json).toString()) as Record<
    string,
    unknown
  >
  return {
    name,
    time: new Date(String(time)),
    exclusive: exclusive === true,
    hostname: String(hostname),
    username: String(username),
    pid: Number(pid),
  }
}

function isDead(lock: LockOwner, owner: LockOwner): boolean {
  if (lock.hostname !== owner.hostname || !Number.isSafeInteger(lock.pid) || lock.pid <= 0) return false
  try {
    process.kill(lock.pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH' // EPERM: it lives, under another user
  }
}

async function isPresent(backend: Backend, name: string): Promise<boolean> {
  for await (const file of backend.list('locks')) if (file.name === name) return true
  return false
}

async function remove(backend: Backend, name: string): Promise<void> {
  await backend.remove({ type: 'locks', name }).catch(unlessGone)
}

let heldLocks = 0
const onHangup = () => {}

function ignoreHangup(): void {
  if (heldLocks++ === 0) process.on('SIGHUP', onHangup)
}

function heedHangup(): void {
  if (--heldLocks === 0) process.off('SIGHUP', onHangup)
}
