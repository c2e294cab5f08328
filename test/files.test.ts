import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { openBench, succeed, type Bench } from './support/pool.ts'

let bench: Bench
let directory: string

/** A GUID partition table, a FAT partition, and an LVM volume with ext4: made by libguestfs, as an installer would. */
const RECIPE = `
run
part-init /dev/sda gpt
part-add /dev/sda p 2048 34815
part-add /dev/sda p 34816 -2048
mkfs vfat /dev/sda1
pvcreate /dev/sda2
vgcreate vg0 /dev/sda2
lvcreate root vg0 60
mkfs ext4 /dev/vg0/root
mount /dev/vg0/root /
mkdir-p /etc/app
write /etc/app/config "answer = 42"
mkdir-p /usr/share/doc
write /usr/share/doc/readme "read me"
ln-s /usr/share /share
ln-s /etc/app/config /current
mkdir /boot
mount /dev/sda1 /boot
write /boot/loader.txt "boot"
`

/** QEMU as it is where KVM cannot do what the guest asks of it, for the first guest: it says so, and stands still. */
const GIVES_UP_ONCE = `#!/bin/sh
case "$*" in
  *-kernel*) if mkdir "$0.gave-up" 2>/dev/null; then echo 'KVM internal error. Suberror: 1' >&2; exec sleep 600; fi ;;
esac
exec qemu-system-x86_64 "$@"
`

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tm-files-'))
  const image = join(directory, 'disk.img')
  await writeFile(join(directory, 'recipe'), `sparse ${image} 96M\n${RECIPE}`)
  await guestfish('-f', join(directory, 'recipe'))
  bench = await openBench()
  await bench.lab.control.createVm({ name: 'db', disks: [{ image }] })
  await succeed(bench.tidemark('backup', 'db'))
}, 300_000)

afterAll(async () => {
  await bench[Symbol.asyncDispose]()
  await rm(directory, { recursive: true })
})

const guestfish = (...args: string[]) =>
  promisify(execFile)('guestfish', args, {
    env: { ...process.env, LIBGUESTFS_BACKEND: 'direct', LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg' },
  })

test('file systems behind a partition table and LVM are listed', { timeout: 300_000 }, async () => {
  const { fileSystems } = await succeed(bench.tidemark('files', 'db'))
  expect(fileSystems).toEqual([
    { device: '/dev/sda1', type: 'vfat', at: null },
    { device: '/dev/vg0/root', type: 'ext4', at: null },
  ])
})

test('a machine that KVM starts and then gives up is started without it', { timeout: 300_000 }, async () => {
  const qemu = join(directory, 'qemu')
  await writeFile(qemu, GIVES_UP_ONCE, { mode: 0o755 })
  vi.stubEnv('LIBGUESTFS_HV', qemu)
  const { fileSystems } = await succeed(bench.tidemark('files', 'db').finally(() => vi.unstubAllEnvs()))
  expect(fileSystems).toHaveLength(2)
  expect((await stat(`${qemu}.gave-up`)).isDirectory()).toBe(true)
})

test('files are extracted where the links of the guest lead, and links stay links', { timeout: 300_000 }, async () => {
  const to = join(directory, 'out')
  await succeed(bench.tidemark('files', 'db', '/share/doc', '/etc/app', '/current', '--fs', 'vg0/root', '--to', to))
  expect((await readdir(to)).sort()).toEqual(['app', 'current', 'doc'])
  expect(await readFile(join(to, 'doc/readme'), 'utf8')).toBe('read me')
  expect(await readFile(join(to, 'app/config'), 'utf8')).toBe('answer = 42')
  expect(await readlink(join(to, 'current'))).toBe('/etc/app/config')
})

test(
  'without an operating system and with several file systems one has to be named',
  { timeout: 300_000 },
  async () => {
    const refused = await bench.tidemark('files', 'db', '/etc')
    expect([refused.code, refused.last['code']]).toEqual([2, 'CLI_USAGE'])
    expect(refused.last['message']).toMatch(/\/dev\/vg0\/root \(ext4\)/)
  },
)
