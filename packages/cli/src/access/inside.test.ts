import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { placeInside } from './inside.ts'

let root: string
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'tm-inside-'))
  await mkdir(join(root, 'usr/lib'), { recursive: true })
  await writeFile(join(root, 'usr/lib/os-release'), 'guest')
  await symlink('/usr/lib', join(root, 'lib'))
  await symlink('../../../../../../etc', join(root, 'usr/up'))
  await mkdir(join(root, 'etc'))
  await writeFile(join(root, 'etc/passwd'), 'guest')
  await symlink('/lib/os-release', join(root, 'etc/os-release'))
  await symlink('loop', join(root, 'loop'))
})
afterAll(() => rm(root, { recursive: true }))

test('absolute links, links upwards and dots stay inside of the guest', async () => {
  expect(await placeInside(root, '/lib/os-release')).toBe(join(root, 'usr/lib/os-release'))
  expect(await placeInside(root, '/usr/up/passwd')).toBe(join(root, 'etc/passwd'))
  expect(await placeInside(root, '../../etc/./passwd')).toBe(join(root, 'etc/passwd'))
  expect(await placeInside(root, '/')).toBe(root)
})

test('a link that is named itself is not followed', async () => {
  expect(await placeInside(root, 'etc/os-release')).toBe(join(root, 'etc/os-release'))
})

test('what is not there, or leads in a circle, is told', async () => {
  await expect(placeInside(root, 'etc/nothing')).rejects.toMatchObject({ code: 'CLI_USAGE' })
  await expect(placeInside(root, 'etc/passwd/more')).rejects.toMatchObject({ code: 'CLI_USAGE' })
  await expect(placeInside(root, 'loop/more')).rejects.toMatchObject({ code: 'CLI_USAGE' })
})
