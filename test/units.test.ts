import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { MiB } from '@tidemark/blocks'
import { expect, test } from 'vitest'
import { openBench, PASSWORD } from './support/pool.ts'

const UNITS = resolve(import.meta.dirname, '../packages/cli/systemd')
const MAIN = resolve(import.meta.dirname, '../packages/cli/src/main.ts')
const run = promisify(execFile)

/** Values of a setting of a unit, in their order. */
async function valuesOf(unit: string, setting: string): Promise<string[]> {
  const lines = (await readFile(join(UNITS, unit), 'utf8')).split('\n')
  return lines.filter((line) => line.startsWith(`${setting}=`)).map((line) => line.slice(setting.length + 1))
}

test('systemd knows every word of the units', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-units-'))
  try {
    await cp(UNITS, directory, { recursive: true })
    const units = (await readdir(directory)).map((name) => join(directory, name))
    expect(units).toHaveLength(4)
    for (const path of units) {
      const text = await readFile(path, 'utf8')
      await writeFile(path, text.replaceAll('/usr/bin/tidemark', '/bin/true')) // it asks for programs that are there
    }
    expect(await run('systemd-analyze', ['verify', '--man=no', ...units])).toEqual({ stdout: '', stderr: '' })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})

test('what the units run backs up, forgets and checks with nothing but what systemd gives it', async () => {
  await using bench = await openBench()
  await bench.lab.control.createVm({ name: 'web', disks: [{ size: 4 * MiB }] })
  const config = join(bench.directory, 'config.yaml')
  const plain = await readFile(config, 'utf8')
  const withoutPasswords = plain.replace(/^ +passwordFile: .*\n/gm, '').replace(/^( +)lab:$/m, '$1office:')
  expect(withoutPasswords).not.toEqual(plain)
  await writeFile(config, withoutPasswords)

  const start = async (unit: string, number: number): Promise<string> => {
    const credentials = join(bench.directory, unit)
    await mkdir(credentials, { recursive: true })
    for (const credential of await valuesOf(unit, 'LoadCredential'))
      await writeFile(join(credentials, credential.split(':')[0] ?? ''), `${PASSWORD}\n`)
    const line = (await valuesOf(unit, 'ExecStart'))[number] ?? ''
    const [, ...words] = line.replace('/etc/tidemark/config.yaml', config).replaceAll('%%', '%').split(' ')
    const env = {
      PATH: process.env['PATH'],
      CREDENTIALS_DIRECTORY: credentials,
      STATE_DIRECTORY: join(bench.directory, 'state'),
      TIDEMARK_CACHE_DIR: join(bench.directory, 'cache'),
    }
    return (await run(process.execPath, ['--conditions=@tidemark/source', MAIN, ...words], { env })).stdout
  }
  for (const changed of ['full', 'incremental'])
    expect(await start('tidemark-backup.service', 0)).toContain(`4.00 MiB: ${changed}`)
  expect(await start('tidemark-upkeep.service', 0)).toContain('2 stay, 0 forgotten') // both of this month, and the oldest of it stays too
  expect(await start('tidemark-upkeep.service', 1)).toContain('no errors were found')
})
