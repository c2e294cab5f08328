import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { generate } from '../generate/generate.ts'

test('the generated files are what the generator writes from the committed class file', async () => {
  const files = await generate()
  expect([...files.keys()]).toEqual(['src/generated/classes.ts', 'src/generated/types.ts'])
  for (const [path, text] of files) {
    const committed = await readFile(new URL(`../${path}`, import.meta.url), 'utf8')
    expect(committed === text, `${path} is stale: run node packages/xenapi/generate/generate.ts`).toBe(true)
  }
})

test('every generated type can be imported from the package', async () => {
  const types = (await generate()).get('src/generated/types.ts') ?? ''
  const names = [...types.matchAll(/^export (?:type|interface) (\w+)/gm)].map(([, name]) => name)
  const index = await readFile(new URL('../src/index.ts', import.meta.url), 'utf8')
  expect(names.length).toBeGreaterThan(100)
  expect(names.filter((name) => !index.includes(`  ${name},\n`))).toEqual([])
})
