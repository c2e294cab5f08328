import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { format } from 'oxfmt'
import { classesFile } from './classes-file.ts'
import { readModel } from './model.ts'
import { typesFile } from './types-file.ts'

/** The generated files, by path inside the package, formatted as they are committed. */
export async function generate(): Promise<ReadonlyMap<string, string>> {
  const model = await readModel(new URL('xenapi-classes.json', import.meta.url))
  const files = { 'src/generated/classes.ts': classesFile(model), 'src/generated/types.ts': typesFile(model) }
  return new Map(
    await Promise.all(Object.entries(files).map(async ([path, text]) => [path, await formatted(path, text)] as const)),
  )
}

async function formatted(path: string, text: string): Promise<string> {
  const { code, errors } = await format(path, text, {
    printWidth: 120,
    semi: false,
    singleQuote: true,
    trailingComma: 'all',
  })
  if (errors.length > 0) throw new Error(`${path}: ${errors[0]?.message ?? 'cannot be formatted'}`)
  return code
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of await generate()) await writeFile(new URL(`../${path}`, import.meta.url), text)
}
