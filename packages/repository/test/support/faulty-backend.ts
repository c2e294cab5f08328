import { RepositoryError, type Backend } from '../../src/index.ts'

/** The same numbers for the same seed, from [0, 1). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Each call fails at `rate`: half of the time before anything happened, half of the time after, when the answer is lost. */
export function faultyBackend(backend: Backend, seed: number, rate: number): Backend {
  const random = randomOf(seed)
  const away = (when: string) => new RepositoryError('BACKEND_UNAVAILABLE', `seed ${seed}: away ${when} it`)
  const around = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    const [before, after] = [random() < rate / 2, random() < rate / 2]
    if (before) throw away('before')
    const result = await work()
    if (after) throw away('after')
    return result
  }
  return {
    ...backend,
    create: (signal) => around(() => backend.create(signal)),
    async *list(type, signal) {
      for await (const file of backend.list(type, signal)) {
        if (random() < rate / 10) throw away('in the middle of')
        yield file
      }
    },
    load: (file, range, signal) => around(() => backend.load(file, range, signal)),
    save: (file, bytes, signal) => around(() => backend.save(file, bytes, signal)),
    remove: (file, signal) => around(() => backend.remove(file, signal)),
  }
}
