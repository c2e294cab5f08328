import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')
const temporary: string[] = []
afterEach(() => {
  for (const path of temporary.splice(0)) rmSync(path, { recursive: true, force: true })
})

/** What the linter says of one file with these lines. The import rules stand in `.oxlintrc.json`. */
function lint(folder: string, text: string): string {
  const directory = mkdtempSync(join(root, folder, 'planted-'))
  temporary.push(directory)
  const file = join(directory, 'planted.ts')
  writeFileSync(file, text)
  const { stdout, status } = spawnSync(process.execPath, [join(root, 'node_modules/.bin/oxlint'), file], {
    cwd: root,
    encoding: 'utf8',
  })
  return status === 0 ? 'clean' : stdout
}

test('an import that goes up, sideways, or past a port is refused; the way down is open', () => {
  const refused = (folder: string, line: string) => expect(lint(folder, line), line).toContain('no-restricted-imports')
  refused('packages/blocks/src', "export { open } from 'node:fs'\n")
  refused('packages/blocks/src', "export { openNbd } from '@tidemark/nbd'\n")
  refused('packages/xenapi/src', "export { bytes } from '@tidemark/blocks'\n")
  refused('packages/nbd/src', "export type { Repository } from '@tidemark/repository'\n")
  refused('packages/repository/src', "export { openNbd } from '@tidemark/nbd'\n")
  refused('packages/repository/src/backends', "export { Sealer } from '../../format/crypto.ts'\n")
  refused('packages/engine/src', "export { login } from '@tidemark/xenapi'\n")
  refused('packages/engine/src/xen', "export { startLab } from '@tidemark/lab'\n")
  refused('packages/lab/src', "export type { Pool } from '@tidemark/engine'\n")
  refused('packages/lab/src', "export { login } from '@tidemark/xenapi'\n")
  expect(lint('packages/engine/src/xen', "export { login } from '@tidemark/xenapi'\n")).toBe('clean')
  expect(lint('packages/lab/src', "export type { VdiRef } from '@tidemark/xenapi'\n")).toBe('clean')
  expect(lint('packages/nbd/src', "export { bytes } from '@tidemark/blocks'\n")).toBe('clean')
}, 120_000)

test('every file of every package keeps the rules', () => {
  const args = [join(root, 'node_modules/.bin/oxlint'), '--deny-warnings', 'packages']
  const { stdout, status } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  expect(status, stdout).toBe(0)
  expect(Number(/on (\d+) files/.exec(stdout)?.[1])).toBeGreaterThan(200)
}, 120_000)

test('each package declares what it imports, has a README, and lists its public names one by one', () => {
  for (const name of readdirSync(join(root, 'packages'))) {
    const folder = join(root, 'packages', name)
    expect(readdirSync(folder)).toContain('README.md')
    const sources = readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' })
    expect(sources.filter((file) => /(^|\/)(utils?|helpers|common)(\.ts|\/|$)/.test(file))).toEqual([])
    for (const file of sources.filter((each) => each.endsWith('index.ts'))) {
      expect(readFileSync(join(folder, 'src', file), 'utf8')).not.toMatch(/export \*/)
    }
  }
})
