import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { MiB } from '@tidemark/blocks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { guestWrites, openBench, sha256, type Bench } from './support/pool.ts'

const run = promisify(execFile)
let bench: Bench
let disk: string
let target: { port: number; right: string; wrong: string }

/** A lab disk, what get_nbd_info says of it, and two folders of authorities: the lab's certificate, and another lab's. */
beforeAll(async () => {
  bench = await openBench()
  const vm = await bench.lab.control.createVm({ name: 'web', disks: [{ name: 'system', size: 16 * MiB }] })
  disk = vm.disks[0]?.uuid ?? ''
  await guestWrites(bench.lab, disk, [0, 13, 255], 'outsider')
  const [right, wrong] = [join(bench.directory, 'right'), join(bench.directory, 'wrong')]
  await mkdir(right)
  await mkdir(wrong)
  await using other = await openBench()
  await using admin = await bench.admin()
  const [info] = await admin.VDI.get_nbd_info(await admin.VDI.get_by_uuid(disk))
  if (info === undefined) throw new Error('the lab offers no NBD')
  await writeFile(join(right, 'ca-cert.pem'), info.cert)
  await writeFile(join(wrong, 'ca-cert.pem'), other.lab.certificate)
  target = { port: info.port, right, wrong }
})
afterAll(() => bench[Symbol.asyncDispose]())

/** Every reader gets a session of its own: export names are made from it. */
async function withExport(work: (exportname: string) => Promise<void>): Promise<void> {
  await using admin = await bench.admin()
  const [info] = await admin.VDI.get_nbd_info(await admin.VDI.get_by_uuid(disk))
  await work(info?.exportname ?? '')
}

const uri = (exportname: string, authorities: string): string =>
  `nbds://127.0.0.1:${target.port}/${encodeURIComponent(exportname)}?tls-certificates=${authorities}`

test('nbdinfo and nbdcopy read a lab disk over TLS with the right certificate, and refuse a wrong one', async () => {
  await withExport(async (exportname) => {
    const { stdout } = await run('nbdinfo', ['--json', uri(exportname, target.right)])
    expect(JSON.parse(stdout)).toMatchObject({ exports: [{ 'export-size': 16 * MiB, is_read_only: true }] })
    const copy = join(bench.directory, 'nbdcopy.raw')
    await run('nbdcopy', [uri(exportname, target.right), copy])
    expect(await sha256(copy)).toBe(await bench.lab.control.sha256(disk))
    await expect(run('nbdinfo', [uri(exportname, target.wrong)])).rejects.toThrow(/certificate|TLS/i)
    await expect(run('nbdcopy', [uri(exportname, target.wrong), join(bench.directory, 'refused.raw')])).rejects.toThrow(
      /certificate|TLS/i,
    )
  })
})

test('qemu-img reads a lab disk over TLS with the right certificate, and refuses a wrong one', async () => {
  await withExport(async (exportname) => {
    const image = `driver=nbd,host=127.0.0.1,port=${target.port},export=${exportname},tls-creds=tls0`
    const credentials = (folder: string) => `tls-creds-x509,id=tls0,endpoint=client,dir=${folder},verify-peer=on`
    const convert = (folder: string, to: string) =>
      run('qemu-img', ['convert', '--object', credentials(folder), '--image-opts', '-O', 'raw', image, to])
    const copy = join(bench.directory, 'qemu.raw')
    await convert(target.right, copy)
    expect(await sha256(copy)).toBe(await bench.lab.control.sha256(disk))
    await expect(convert(target.wrong, join(bench.directory, 'refused.raw'))).rejects.toThrow(/certificate|TLS|issuer/i)
  })
})
