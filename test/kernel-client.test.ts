import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startLab } from '@tidemark/lab'
import { login } from '@tidemark/xenapi'
import { expect, test } from 'vitest'
import { bootKernel } from './kernel/machine.ts'
import { guestWrites } from './support/pool.ts'

const PASSWORD = 'correct horse'

/** An address of this machine that another one can use: its own, or one that is added for the time of the test. */
async function reachableAddress(stack: AsyncDisposableStack): Promise<string> {
  const own = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
  const usable = own.find(({ family, internal }) => family === 'IPv4' && !internal)
  if (usable !== undefined) return usable.address
  const added = '198.51.100.77'
  await promisify(execFile)('ip', ['addr', 'add', `${added}/32`, 'dev', 'lo'])
  stack.defer(async () => void (await promisify(execFile)('ip', ['addr', 'del', `${added}/32`, 'dev', 'lo'])))
  return added
}

test(
  'the kernel of a Debian machine reads a snapshot with the five values of get_nbd_info',
  { timeout: 300_000 },
  async () => {
    await using stack = new AsyncDisposableStack()
    const directory = await mkdtemp(join(tmpdir(), 'tm-kernel-'))
    stack.defer(() => rm(directory, { recursive: true }))
    const options = { password: PASSWORD, httpsPort: 0, nbdPort: 0, address: await reachableAddress(stack) }
    const lab = stack.use(await startLab({ ...options, directory: join(directory, 'lab') }))
    const other = stack.use(await startLab({ ...options, directory: join(directory, 'other') }))
    const { disks } = await lab.control.createVm({ name: 'vm', disks: [{ size: 16 << 20 }] })
    const [disk] = disks
    if (disk === undefined) throw new Error('a disk was asked for')
    await guestWrites(lab, disk.uuid, [0, 3, 100, 255], 'kernel')

    const trust = { kind: 'fingerprint', sha256: lab.fingerprint } as const
    const session = stack.use(await login({ url: lab.url, trust }, { username: 'root', password: PASSWORD }))
    const snapshot = await session.VDI.snapshot(await session.VDI.get_by_uuid(disk.uuid))
    const sha256 = await lab.control.sha256(disk.uuid)
    await guestWrites(lab, disk.uuid, [3], 'later')
    const [info] = await session.VDI.get_nbd_info(snapshot)
    if (info === undefined) throw new Error('nowhere to read from')

    const { address, port, exportname, cert, subject } = info
    const settings = { address, port, exportname, subject }
    const said = await bootKernel(directory, {
      init: join(import.meta.dirname, 'kernel/init'),
      modules: ['virtio_pci', 'virtio_net', 'virtio_rng', 'nbd'],
      files: {
        settings: Object.entries(settings)
          .map(([name, value]) => `${name}='${value}'\n`)
          .join(''),
        'ca.pem': cert,
        'wrong-ca.pem': other.certificate,
      },
    })
    const told = said.split(/\r?\n/).flatMap((line) => /TIDEMARK (\S+) (\S+)/.exec(line)?.slice(1, 3).join(' ') ?? [])
    expect(told, said).toContain('wrong-authority refused')
    expect(told, said).toContain(`bytes ${16 << 20}`)
    expect(told, said).toContain(`sha256 ${sha256}`)
    expect(said).toMatch(/TIDEMARK disconnected/)
    // the pool lets go of the disk, as after any reader
    await expect.poll(() => session.VDI.get_VBDs(snapshot), { timeout: 10_000 }).toEqual([])
  },
)
