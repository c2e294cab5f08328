import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterEach, expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '..')
const temporary: string[] = []
afterEach(() => {
  for (const path of temporary.splice(0)) rmSync(path, { recursive: true, force: true })
})

interface Violation {
  readonly rule: { readonly name: string }
  readonly from: string
  readonly to: string
}

function violations(): Violation[] {
  const cruise = join(root, 'node_modules/.bin/depcruise')
  const args = [cruise, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'packages']
  const report = runAnyway(args)
  const { summary } = JSON.parse(report) as { summary: { violations: Violation[]; totalCruised: number } }
  expect(summary.totalCruised).toBeGreaterThan(50)
  return summary.violations
}

/** The program exits with the number of violations; its report is wanted either way. */
function runAnyway(args: string[]): string {
  try {
    return execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28 })
  } catch (error) {
    return (error as { stdout: string }).stdout
  }
}

test('imports go down only, never between neighbours, and never in a circle', () => {
  expect(violations().map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`)).toEqual([])
}, 120_000)

test('a forbidden import is found: blocks reaching up and to node, a backend reaching into the format', () => {
  const plant = (folder: string, text: string) => {
    const directory = mkdtempSync(join(root, folder, 'planted-'))
    temporary.push(directory)
    writeFileSync(join(directory, 'planted.ts'), text)
  }
  plant('packages/blocks/src', "import 'node:fs'\nimport '@tidemark/nbd'\n")
  plant('packages/repository/src/backends', "import '../../format/pack.ts'\n")
  plant('packages/engine/src', "import '@tidemark/xenapi'\n")
  const names = new Set(violations().map(({ rule }) => rule.name))
  expect(names).toContain('blocks-imports-down-only')
  expect(names).toContain('blocks-runs-anywhere')
  expect(names).toContain('backends-do-not-know-the-format')
  expect(names).toContain('only-engine-xen-speaks-to-pools')
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
