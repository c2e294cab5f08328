import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { configPath, loadConfig, saveEntry } from './config.ts'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tidemark-config-'))
})
afterEach(() => rm(directory, { recursive: true }))

test('a file that does not exist is an empty configuration', async () => {
  expect(await loadConfig(join(directory, 'none.yaml'))).toEqual({ pools: {}, repositories: {} })
})

test('an entry is added without losing comments, readable by its owner only', async () => {
  const path = join(directory, 'config.yaml')
  await writeFile(path, '# our pools\npools:\n  old: {url: "https://old"} # to be retired\n')
  await saveEntry(path, 'pools', 'office', { url: 'https://10.0.0.5', username: 'root', insecureNbd: false })
  const text = await readFile(path, 'utf8')
  expect(text).toContain('# our pools')
  expect(text).toContain('# to be retired')
  expect(Object.keys((await loadConfig(path)).pools)).toEqual(['old', 'office'])
  expect((await stat(path)).mode & 0o077).toBe(0)
})

test('an unknown key and broken YAML are refused with the place', async () => {
  const path = join(directory, 'config.yaml')
  await writeFile(path, 'pools:\n  a: {url: x, pasword: y}\n')
  await expect(loadConfig(path)).rejects.toMatchObject({
    code: 'CLI_CONFIG',
    message: expect.stringContaining('pools.a'),
  })
  await writeFile(path, 'pools: [')
  await expect(loadConfig(path)).rejects.toMatchObject({ code: 'CLI_CONFIG' })
})

test('the place of the file follows TIDEMARK_CONFIG, then XDG_CONFIG_HOME', () => {
  expect(configPath({ TIDEMARK_CONFIG: '/a/b.yaml' })).toBe('/a/b.yaml')
  expect(configPath({ XDG_CONFIG_HOME: '/x' })).toBe('/x/tidemark/config.yaml')
})
