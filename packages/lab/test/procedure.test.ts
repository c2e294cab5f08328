import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline/promises'
import { text } from 'node:stream/consumers'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MiB } from '@tidemark/blocks'
import { expect, test } from 'vitest'
import { loggedIn, run, testLab } from './harness.ts'

const PROCEDURE = fileURLToPath(new URL('python/procedure.py', import.meta.url))

test("Python's own XML-RPC client and nbdcopy carry out the documented procedure end to end", async () => {
  await using world = await testLab()
  const { control } = world.lab
  const vm = await control.createVm({ name: 'web server', disks: [{ size: 8 * MiB }] })
  const [disk] = vm.disks
  if (disk === undefined) throw new Error('the VM has no disk')
  await control.writeDisk(disk.uuid, 3 * MiB, Buffer.alloc(100_000, 'first'))

  const trust = await mkdtemp(join(tmpdir(), 'tidemark-lab-trust-'))
  const { url, password } = world.lab
  const child = spawn('python3', [PROCEDURE, url, world.caFile, password, disk.uuid, vm.uuid, trust])
  try {
    const problems = text(child.stderr)
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
    const next = async (): Promise<Record<string, unknown>> => {
      const { done, value } = await lines.next()
      if (done === true) throw new Error(`the procedure ended early: ${await problems}`)
      return JSON.parse(value) as Record<string, unknown>
    }
    expect(await next()).toMatchObject({ exported: 8 * MiB, record: 'cbt_metadata' })

    // block 13 of byte 1: a bitmap in the wrong bit order would show block 10
    await control.writeDisk(disk.uuid, 13 * 65_536 + 5, Buffer.from('second'))
    child.stdin.write('written\n')
    const second = await next()
    expect(second).toMatchObject({ size: 8 * MiB, bitmap: 16, changed: [13], subject: 'tidemark-lab' })

    const { restored, vm: newVm, name } = await next()
    expect(name).toBe('web server')
    expect(newVm).not.toBe(vm.uuid)
    expect(await control.sha256(String(restored))).toBe(await control.sha256(disk.uuid))
    const client = await loggedIn(world)
    const [vbd] = (await client.call(
      'VM.get_VBDs',
      await client.call('VM.get_by_uuid', String(newVm)),
    )) as readonly string[]
    const vdi = await client.call('VBD.get_VDI', vbd ?? '')
    expect(await client.call('VDI.get_uuid', vdi)).toBe(restored)
  } finally {
    child.kill()
    await rm(trust, { recursive: true, force: true })
  }
})

test('nbdinfo refuses a server whose certificate is not the one of get_nbd_info', async () => {
  await using world = await testLab()
  await using other = await testLab()
  const vm = await world.lab.control.createVm({ name: 'vm', disks: [{ size: 2 * MiB }] })
  const { session } = await loggedIn(world)
  const { host, port } = world.lab.nbdAddress
  const name = encodeURIComponent(`/${vm.disks[0]?.uuid}?session_id=${session}`)
  const uri = (directory: string) => `nbds://${host}:${port}/${name}?tls-certificates=${directory}`
  await writeFile(join(world.directory, 'ca-cert.pem'), world.lab.certificate)
  await writeFile(join(other.directory, 'ca-cert.pem'), other.lab.certificate)
  expect(Number(await run('nbdinfo', '--size', uri(world.directory)))).toBe(2 * MiB)
  await expect(run('nbdinfo', '--size', uri(other.directory))).rejects.toThrow(/certificate|TLS/i)
})
