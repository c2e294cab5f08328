import type { Clock } from '../clock.ts'
import { isRepositoryError, RepositoryError } from '../error.ts'
import { filePath, type Backend, type FileName, type FileType, type ListedFile } from './backend.ts'

export interface RetryOptions {
  /** For how long a call is tried again before it fails. */
  readonly patienceMs: number
  /** The first pause; each further one is twice as long, up to `pauseMaxMs`. A pause is drawn between half of that and all of it. */
  readonly pauseMs: number
  readonly pauseMaxMs: number
  readonly clock: Clock
  /** A number from [0, 1). */
  readonly random: () => number
  /** Told before each pause. */
  readonly onPause?: (pause: RetryPause) => void
}

/** Somebody waits for the storage. */
export interface RetryPause {
  readonly location: string
  readonly pauseMs: number
  readonly cause: RepositoryError
}

export const retryDefaults = { patienceMs: 15 * 60_000, pauseMs: 500, pauseMaxMs: 60_000, random: Math.random } as const

/**
 * Tries a call again that found the storage away (BACKEND_UNAVAILABLE), with growing pauses. A save whose answer was lost is looked up
 * before it is sent again: it may have arrived.
 */
export function withRetry(backend: Backend, options: RetryOptions): Backend {
  const { retention } = backend
  return {
    ...backend,
    create: (signal) => retried(backend.location, () => backend.create(signal), options, signal),
    list: (type, signal) => listOnce(backend, type, options, signal),
    load: (file, range, signal, memory) =>
      retried(backend.location, () => backend.load(file, range, signal, memory), options, signal),
    save: (file, bytes, signal) => {
      const again = async () => {
        if (!(await isStored(backend, file, bytes, signal))) await backend.save(file, bytes, signal)
      }
      return retried(
        backend.location,
        (attempt) => (attempt === 1 ? backend.save(file, bytes, signal) : again()),
        options,
        signal,
      )
    },
    remove: (file, signal) =>
      retried(
        backend.location,
        (attempt) => (attempt === 1 ? backend.remove(file, signal) : removeAgain(backend, file, signal)),
        options,
        signal,
      ),
    ...(retention === undefined
      ? {}
      : {
          retention: {
            ...retention,
            extend: (file, enough, until, signal) =>
              retried(backend.location, () => retention.extend(file, enough, until, signal), options, signal),
          },
        }),
  }
}

/** Runs `work(1)`, `work(2)`, … until one does not find the storage away. */
async function retried<Result>(
  location: string,
  work: (attempt: number) => Promise<Result>,
  options: RetryOptions,
  signal?: AbortSignal,
): Promise<Result> {
  const { patienceMs, pauseMs, pauseMaxMs, clock, random } = options
  const began = clock.now().getTime()
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt)
    } catch (error) {
      if (!isRepositoryError(error, 'BACKEND_UNAVAILABLE')) throw error
      const pause = Math.min(pauseMaxMs, pauseMs * 2 ** Math.min(attempt - 1, 30)) * (0.5 + random() / 2)
      if (clock.now().getTime() + pause - began > patienceMs) throw givenUp(error, attempt, patienceMs)
      options.onPause?.({ location, pauseMs: pause, cause: error })
      await clock.sleep(pause, signal)
    }
  }
}

function givenUp(cause: RepositoryError, attempts: number, patienceMs: number): RepositoryError {
  if (attempts === 1) return cause
  const text = `given up after ${attempts} attempts in ${Math.round(patienceMs / 1000)} s: ${cause.message}`
  return new RepositoryError(cause.code, text, { cause, ...(cause.file === undefined ? {} : { file: cause.file }) })
}

/** @throws RepositoryError BACKEND_EXISTS when another file has the name */
async function isStored(backend: Backend, file: FileName, bytes: Uint8Array, signal?: AbortSignal): Promise<boolean> {
  let stored: Uint8Array
  try {
    stored = await backend.load(file, 'all', signal)
  } catch (error) {
    if (isRepositoryError(error, 'BACKEND_NOT_FOUND')) return false
    throw error
  }
  if (Buffer.compare(stored, bytes) === 0) return true
  const path = filePath(file)
  throw new RepositoryError('BACKEND_EXISTS', `${path} exists already, with other content`, { file: path })
}

/** A file that is gone was removed by the attempt before. */
async function removeAgain(backend: Backend, file: FileName, signal?: AbortSignal): Promise<void> {
  try {
    await backend.remove(file, signal)
  } catch (error) {
    if (!isRepositoryError(error, 'BACKEND_NOT_FOUND')) throw error
  }
}

/** A list that breaks off begins anew, without the names that were given already. */
async function* listOnce(
  backend: Backend,
  type: FileType,
  options: RetryOptions,
  signal?: AbortSignal,
): AsyncIterable<ListedFile> {
  const given = new Set<string>()
  let files = backend.list(type, signal)[Symbol.asyncIterator]()
  let isBroken = false
  try {
    for (;;) {
      const next = await retried(
        backend.location,
        async () => {
          if (isBroken) files = backend.list(type, signal)[Symbol.asyncIterator]()
          isBroken = true // until this one has answered
          const result = await files.next()
          isBroken = false
          return result
        },
        options,
        signal,
      )
      if (next.done === true) return
      if (given.has(next.value.name)) continue
      given.add(next.value.name)
      yield next.value
    }
  } finally {
    await files.return?.()
  }
}
