import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { isRepositoryError, type Backend, type FileName, type FileType } from '../../src/index.ts'

export interface Storage {
  readonly backend: Backend
  /** What must be seen nowhere. */
  readonly secrets: readonly string[]
}

export interface ContractOptions {
  /** Files in the list of the paging test; one more than a page of the storage where that is in reach. */
  readonly many: number
  /** Whether the storage tells that a file to remove does not exist. */
  readonly tellsMissing: boolean
  /** Whether a second save of the same bytes may pass: the answer of the first may have been lost. */
  readonly mayRepeat?: boolean
  /** Whether what an aborted upload left is seen until the server has removed it. */
  readonly showsUploads?: boolean
}

/** A file as rest-server takes it: its name is its SHA-256. */
export function fileOf(type: Exclude<FileType, 'config'>, content: Uint8Array): FileName {
  return { type, name: createHash('sha256').update(content).digest('hex') }
}

export async function all<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = []
  for await (const item of items) list.push(item)
  return list
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
const config: FileName = { type: 'config', name: '' }

/** What every storage must do. `open` answers storage of its own each time, empty and not yet created. */
export function backendContract(name: string, open: () => Promise<Storage>, options: ContractOptions): void {
  describe(name, () => {
    let backend: Backend
    let secrets: readonly string[]
    const saved = new Set<FileName>()
    beforeAll(async () => {
      const opened = await open()
      ;({ secrets } = opened)
      backend = remembering(opened.backend, saved)
      await backend.create()
    })
    afterAll(async () => backend[Symbol.asyncDispose]())
    beforeEach(async () => {
      await Promise.all([...saved].map((file) => backend.remove(file).catch(unlessMissing)))
      saved.clear()
    })

    test('making it again changes nothing', async () => {
      const content = Buffer.from('there before')
      await backend.save(fileOf('index', content), content)
      await backend.create()
      expect(await all(backend.list('index'))).toEqual([{ name: fileOf('index', content).name, size: 12 }])
    })

    for (const type of ['data', 'index', 'snapshots', 'locks', 'keys'] as const) {
      test(`a file in ${type} is saved once, loaded whole or in part, listed with its size, and removed`, async () => {
        const content = Buffer.from(`0123456789 in ${type}`)
        const file = fileOf(type, content)
        await backend.save(file, content)
        expect(text(await backend.load(file, 'all'))).toBe(`0123456789 in ${type}`)
        expect(text(await backend.load(file, { offset: 3, length: 4 }))).toBe('3456')
        expect(await all(backend.list(type))).toEqual([{ name: file.name, size: content.length }])
        await backend.remove(file)
        expect(await all(backend.list(type))).toEqual([])
        await expect(backend.load(file, 'all')).rejects.toMatchObject({ code: 'BACKEND_NOT_FOUND' })
      })
    }

    test('the config is one file without a name', async () => {
      expect(await all(backend.list('config'))).toEqual([])
      await expect(backend.load(config, 'all')).rejects.toMatchObject({ code: 'BACKEND_NOT_FOUND', file: 'config' })
      await backend.save(config, Buffer.from('the config'))
      expect(text(await backend.load(config, 'all'))).toBe('the config')
      expect(await all(backend.list('config'))).toEqual([{ name: '', size: 10 }])
      await expect(backend.save(config, Buffer.from('another'))).rejects.toMatchObject({ code: 'BACKEND_EXISTS' })
      expect(text(await backend.load(config, 'all'))).toBe('the config')
    })

    test('a range is exact to the byte, and one past the end is an error, never short', async () => {
      const content = randomBytes(70_001)
      const file = fileOf('data', content)
      await backend.save(file, content)
      for (const [offset, length] of [
        [0, 1],
        [70_000, 1],
        [0, 70_001],
        [1, 70_000],
        [32_768, 4096],
        [5, 0],
        [70_001, 0],
      ] as const) {
        const part = await backend.load(file, { offset, length })
        expect(Buffer.compare(part, content.subarray(offset, offset + length))).toBe(0)
      }
      for (const [offset, length] of [
        [70_000, 2],
        [70_001, 1],
        [0, 70_002],
        [90_000, 10],
      ] as const) {
        await expect(backend.load(file, { offset, length })).rejects.toMatchObject({ code: 'BACKEND_OUT_OF_RANGE' })
      }
    })

    test('what does not exist is an error that names it', async () => {
      const file = { type: 'data', name: 'ab'.repeat(32) } as const
      const missing = { code: 'BACKEND_NOT_FOUND', file: `data/ab/${file.name}` }
      await expect(backend.load(file, 'all')).rejects.toMatchObject(missing)
      await expect(backend.load(file, { offset: 0, length: 1 })).rejects.toMatchObject(missing)
      await expect(backend.load(file, { offset: 0, length: 0 })).rejects.toMatchObject(missing)
      const outcome = await backend.remove(file).catch((error: unknown) => error)
      if (options.tellsMissing || outcome !== undefined) expect(outcome).toMatchObject(missing)
    })

    test('a name is written once', async () => {
      const content = Buffer.from('the first')
      const file = fileOf('snapshots', content)
      await backend.save(file, content)
      const outcome = await backend.save(file, content).catch((error: unknown) => error)
      if (options.mayRepeat !== true || outcome !== undefined) {
        expect(outcome).toMatchObject({ code: 'BACKEND_EXISTS', file: `snapshots/${file.name}` })
      }
      expect(text(await backend.load(file, 'all'))).toBe('the first')
    })

    test('an empty file is a file', async () => {
      const file = fileOf('data', new Uint8Array())
      await backend.save(file, new Uint8Array())
      expect((await backend.load(file, 'all')).length).toBe(0)
      expect(await all(backend.list('data'))).toEqual([{ name: file.name, size: 0 }])
      await expect(backend.load(file, { offset: 0, length: 1 })).rejects.toMatchObject({ code: 'BACKEND_OUT_OF_RANGE' })
    })

    test('a large file comes back as it was', async () => {
      const content = randomBytes(20 << 20)
      const file = fileOf('data', content)
      await backend.save(file, content)
      expect(Buffer.compare(await backend.load(file, 'all'), content)).toBe(0)
    })

    test('many files at once arrive all', async () => {
      const contents = Array.from({ length: 40 }, (_, i) => Buffer.from(`file ${i} `.repeat(1 + i * 20)))
      await Promise.all(contents.map((content) => backend.save(fileOf('data', content), content)))
      const loaded = await Promise.all(contents.map((content) => backend.load(fileOf('data', content), 'all')))
      expect(loaded.map(text)).toEqual(contents.map(text))
      const sizes = new Map((await all(backend.list('data'))).map(({ name, size }) => [name, size]))
      expect(sizes).toEqual(new Map(contents.map((content) => [fileOf('data', content).name, content.length])))
    })

    test('of two who save one name, one is told, and the file is whole', async () => {
      const content = randomBytes(300_000)
      const file = fileOf('data', content)
      const outcomes = await Promise.allSettled([backend.save(file, content), backend.save(file, content)])
      expect(outcomes.map(({ status }) => status)).toContain('fulfilled')
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'BACKEND_EXISTS' })
      }
      expect(Buffer.compare(await backend.load(file, 'all'), content)).toBe(0)
    })

    test('a save that is aborted on its way leaves nothing that is not whole', async () => {
      const reason = new Error('enough')
      for (const delay of [0, 1, 5, 20]) {
        const content = randomBytes(8 << 20)
        const file = fileOf('data', content)
        const stop = new AbortController()
        const timer = setTimeout(() => stop.abort(reason), delay)
        const outcome = await backend.save(file, content, stop.signal).catch((error: unknown) => error)
        clearTimeout(timer)
        expect(outcome === undefined || outcome === reason).toBe(true)
        const sizes = async () => (await all(backend.list('data'))).filter(({ name }) => name === file.name)
        const isWhole = async () => (await sizes()).every(({ size }) => size === content.length)
        if (options.showsUploads === true) await expect.poll(isWhole, { timeout: 20_000 }).toBe(true)
        else expect(await isWhole()).toBe(true)
      }
    })

    test('every call throws the reason of a signal that was aborted before', async () => {
      const reason = new Error('enough')
      const stopped = AbortSignal.abort(reason)
      const content = Buffer.from('x')
      const file = fileOf('index', content)
      await expect(backend.save(file, content, stopped)).rejects.toBe(reason)
      expect(await all(backend.list('index'))).toEqual([])
      await backend.save(file, content)
      await expect(backend.load(file, 'all', stopped)).rejects.toBe(reason)
      await expect(backend.remove(file, stopped)).rejects.toBe(reason)
      await expect(all(backend.list('index', stopped))).rejects.toBe(reason)
      expect(await all(backend.list('index'))).toHaveLength(1)
    })

    test('files that come and go while a list is read do not break it, and those that stay are in it once', async () => {
      const contents = Array.from({ length: 30 }, (_, i) => Buffer.from(`stays ${i}`))
      const passing = Array.from({ length: 30 }, (_, i) => Buffer.from(`passes ${i}`))
      await Promise.all([...contents, ...passing].map((content) => backend.save(fileOf('index', content), content)))
      const names: string[] = []
      for await (const { name } of backend.list('index')) {
        names.push(name)
        const gone = passing.pop()
        if (gone === undefined) continue
        await backend.remove(fileOf('index', gone))
        const fresh = Buffer.from(`comes ${names.length}`)
        await backend.save(fileOf('index', fresh), fresh)
      }
      expect(new Set(names).size).toBe(names.length)
      for (const content of contents) expect(names).toContain(fileOf('index', content).name)
    })

    test('its location and its errors hold no secret', async () => {
      const failures: unknown[] = []
      const keep = (error: unknown) => void failures.push(error)
      const missing = { type: 'data', name: 'cd'.repeat(32) } as const
      await backend.load(missing, 'all').catch(keep)
      await backend.save(config, Buffer.from('one'))
      await backend.save(config, Buffer.from('two')).catch(keep)
      expect(failures).toHaveLength(2)
      const shown = [backend.location, ...failures.map(everythingOf)].join('\n')
      for (const secret of secrets) expect(shown).not.toContain(secret)
    })

    // the last one: removing so many files takes as long as making them
    test(`a list of ${options.many} files is complete`, async () => {
      const contents = Array.from({ length: options.many }, (_, i) => Buffer.from(`number ${i}`))
      const queue = contents.values()
      const work = async () => {
        for (const content of queue) await backend.save(fileOf('locks', content), content)
      }
      await Promise.all(Array.from({ length: 16 }, work))
      const names = (await all(backend.list('locks'))).map(({ name }) => name)
      expect(names.length).toBe(options.many)
      expect(new Set(names)).toEqual(new Set(contents.map((content) => fileOf('locks', content).name)))
      const [first] = names
      for await (const { name } of backend.list('locks')) expect(name).toMatch(/^[0-9a-f]{64}$/) // and again, with a break
      for await (const { name } of backend.list('locks')) {
        if (name !== first) break
      }
    }, 60_000)
  })
}

/** Notes every file that may exist. */
function remembering(backend: Backend, saved: Set<FileName>): Backend {
  return {
    ...backend,
    save(file, bytes, signal) {
      saved.add(file)
      return backend.save(file, bytes, signal)
    },
  }
}

function unlessMissing(error: unknown): void {
  if (!isRepositoryError(error, 'BACKEND_NOT_FOUND')) throw error
}

/** Message, code, causes and what else a logger would find. */
function everythingOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return `${error.stack} ${JSON.stringify(error, Object.getOwnPropertyNames(error))} ${everythingOf(error.cause)}`
}
