import { execFile } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CBT_BLOCK } from '@tidemark/blocks'
import { startLab } from '@tidemark/lab'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { xeCommands } from '../packages/cli/src/xe/table.ts'
import { guestWrites, openBench, sha256, type Bench } from './support/pool.ts'
import { runXe, spawnXe } from './support/xe.ts'

const SIZE = 8 << 20

let bench: Bench
let vm: string
let disk: string

beforeAll(async () => {
  bench = await openBench()
  const made = await bench.lab.control.createVm({ name: 'web1', disks: [{ size: SIZE }] })
  vm = made.uuid
  disk = made.disks[0]?.uuid ?? ''
}, 60_000)
afterAll(async () => {
  await bench[Symbol.asyncDispose]()
})

/** The output of a command that must succeed, without the last line break. */
async function xe(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runXe(bench, args)
  expect(stderr, args.join(' ')).toBe('')
  expect(code, args.join(' ')).toBe(0)
  return stdout.replace(/\n$/, '')
}

/** What a command that must fail says. */
async function failing(...args: readonly string[]): Promise<string> {
  const { code, stderr } = await runXe(bench, args)
  expect(code, args.join(' ')).toBe(1)
  return stderr
}

/** Waits until only these VMs, named by uuid, have a disk: hosts let go of it a moment after a transfer. */
const heldBy = (uuid: string, vms: string, reach: readonly string[] = []) =>
  vi.waitFor(
    async () => expect(await xe(...reach, 'vbd-list', `vdi-uuid=${uuid}`, 'params=vm-uuid', '--minimal')).toBe(vms),
    10_000,
  )

async function destroyDisk(uuid: string): Promise<void> {
  await heldBy(uuid, '')
  await xe('vdi-destroy', `uuid=${uuid}`)
}

const file = (name: string) => join(bench.directory, name)

/** Numbers of the bits that are set, the first being the highest of the first byte. */
const bitsOf = (base64: string): readonly number[] =>
  [...Buffer.from(base64, 'base64')].flatMap((byte, at) =>
    Array.from({ length: 8 }, (_, bit) => bit).flatMap((bit) => ((byte & (0x80 >> bit)) === 0 ? [] : [at * 8 + bit])),
  )

test('the procedure of the changed block tracking guide, typed', async () => {
  await guestWrites(bench.lab, disk, [0, 1, 5, 100], 'before')
  await xe('vdi-enable-cbt', `uuid=${disk}`)
  expect(await xe('vdi-param-get', 'param-name=cbt-enabled', `uuid=${disk}`)).toBe('true')

  const first = await xe('vdi-snapshot', `uuid=${disk}`)
  await xe('vdi-export', `uuid=${first}`, `filename=${file('first.raw')}`)
  expect((await stat(file('first.raw'))).size).toBe(SIZE)
  await xe('vdi-data-destroy', `uuid=${first}`)
  expect(await xe('vdi-param-get', 'param-name=type', `uuid=${first}`)).toBe('CBT metadata')

  await guestWrites(bench.lab, disk, [5, 7, 127], 'after')
  const second = await xe('vdi-snapshot', `uuid=${disk}`)
  const bitmap = await xe('vdi-list-changed-blocks', `vdi-from-uuid=${first}`, `vdi-to-uuid=${second}`)
  expect(Buffer.from(bitmap, 'base64')).toHaveLength(SIZE / CBT_BLOCK / 8)
  expect(bitsOf(bitmap)).toEqual([5, 7, 127])

  await xe('vdi-export', `uuid=${second}`, `filename=${file('second.raw')}`, 'format=raw')
  const merged = await readFile(file('first.raw'))
  const newer = await readFile(file('second.raw'))
  for (const block of bitsOf(bitmap)) newer.copy(merged, block * CBT_BLOCK, block * CBT_BLOCK, (block + 1) * CBT_BLOCK)
  expect(merged.equals(newer)).toBe(true)
  await writeFile(file('merged.raw'), merged)

  const sr = await xe('vdi-param-get', 'param-name=sr-uuid', `uuid=${disk}`)
  const restored = await xe('vdi-create', `sr-uuid=${sr}`, 'name-label=restored', 'virtual-size=8MiB', 'tags:x=')
  expect(await xe('vdi-param-get', `uuid=${restored}`, 'param-name=virtual-size')).toBe(String(SIZE))
  await xe('vdi-import', `uuid=${restored}`, `filename=${file('merged.raw')}`)
  await xe('vdi-export', `uuid=${restored}`, `filename=${file('restored.raw')}`)
  expect(await sha256(file('restored.raw'))).toBe(await sha256(file('second.raw')))

  await xe('vdi-disable-cbt', `uuid=${disk}`)
  expect(await xe('vdi-param-get', 'param-name=cbt-enabled', `uuid=${disk}`)).toBe('false')
  for (const uuid of [first, second, restored]) await destroyDisk(uuid)
  expect(await xe('vdi-list', '--minimal')).toBe(disk)
}, 60_000)

test('a disk goes through VHD files, whole and as differences to an older one', async () => {
  await guestWrites(bench.lab, disk, [3], 'vhd 1')
  const base = await xe('vdi-snapshot', `uuid=${disk}`)
  await guestWrites(bench.lab, disk, [64], 'vhd 2')
  const newer = await xe('vdi-snapshot', `uuid=${disk}`)
  await xe('vdi-export', `uuid=${base}`, 'format=vhd', `filename=${file('base.vhd')}`)
  await xe('vdi-export', `uuid=${newer}`, 'format=vhd', `base=${base}`, `filename=${file('delta.vhd')}`)
  expect((await stat(file('delta.vhd'))).size).toBeLessThan((await stat(file('base.vhd'))).size)
  const sr = await xe('pool-list', 'params=default-SR', '--minimal')
  const copy = await xe('vdi-create', `sr-uuid=${sr}`, 'name-label=copy', `virtual-size=${SIZE}`)
  for (const name of ['base.vhd', 'delta.vhd'])
    await xe('vdi-import', `uuid=${copy}`, 'format=vhd', `filename=${file(name)}`)
  const [there, here] = await Promise.all(
    [newer, copy].map(async (uuid) => (await runXe(bench, ['vdi-export', `uuid=${uuid}`, 'filename='])).bytes),
  )
  expect(there).toHaveLength(SIZE)
  expect(here?.equals(there ?? Buffer.alloc(0))).toBe(true)
  for (const uuid of [base, newer, copy]) await destroyDisk(uuid)
}, 60_000)

test('a disk goes out as qcow2, which qemu-img reads, and comes back', async () => {
  await guestWrites(bench.lab, disk, [9, 77], 'qcow2')
  await xe('vdi-export', `uuid=${disk}`, 'format=qcow2', `filename=${file('disk.qcow2')}`)
  const convert = ['convert', '-f', 'qcow2', '-O', 'raw', file('disk.qcow2'), file('disk.raw')]
  await promisify(execFile)('qemu-img', convert)
  expect(await sha256(file('disk.raw'))).toBe(await bench.lab.control.sha256(disk))
  const sr = await xe('pool-list', 'params=default-SR', '--minimal')
  const copy = await xe('vdi-create', `sr-uuid=${sr}`, 'name-label=back', `virtual-size=${SIZE}`)
  await xe('vdi-import', `uuid=${copy}`, 'format=qcow2', `filename=${file('disk.qcow2')}`, '--minimal')
  expect(await bench.lab.control.sha256(copy)).toBe(await bench.lab.control.sha256(disk))
  await destroyDisk(copy)
}, 60_000)

test('a raw disk comes from the standard input; a stream of unknown length is refused', async () => {
  const sr = await xe('pool-list', 'params=default-SR', '--minimal')
  const copy = await xe('vdi-create', `sr-uuid=${sr}`, 'name-label=piped', `virtual-size=${SIZE}`)
  const bytes = Buffer.alloc(SIZE, 7)
  const run = await runXe(bench, ['vdi-import', `uuid=${copy}`, 'filename=', 'progress=true'], { input: bytes })
  expect(run).toMatchObject({ code: 0, stdout: '' })
  expect(run.stderr).toMatch(/> {2}\(100% ETA 00:00:00\)\nTotal time: 00:00:0\d\n$/)
  const back = await runXe(bench, ['vdi-export', `uuid=${copy}`, 'filename='])
  expect(back.bytes.equals(bytes)).toBe(true)
  const vhd = await runXe(bench, ['vdi-import', `uuid=${copy}`, 'filename=', 'format=vhd'], { input: bytes })
  expect(vhd.stderr).toContain('how long an upload is')
  await destroyDisk(copy)
})

test('an export does not write over a file, and an import needs one', async () => {
  await writeFile(file('there'), 'kept')
  expect(await failing('vdi-export', `uuid=${disk}`, `filename=${file('there')}`)).toContain(
    'Operation failed. Error: file',
  )
  expect(await readFile(file('there'), 'utf8')).toBe('kept')
  expect(await failing('vdi-import', `uuid=${disk}`, `filename=${file('nowhere')}`)).toBe(
    `Operation failed. Error: file '${file('nowhere')}' does not exist\n`,
  )
})

test('an export that is stopped leaves no file, no task and no disk in use', async () => {
  const stop = new AbortController()
  const words = ['vdi-export', `uuid=${disk}`, `filename=${file('stopped')}`, 'progress=true']
  const run = runXe(bench, words, { signal: stop.signal, heard: () => stop.abort(new Error('Ctrl-C')) })
  await expect(run).rejects.toThrow('Ctrl-C')
  await expect(stat(file('stopped'))).rejects.toMatchObject({ code: 'ENOENT' })
  expect(await xe('task-list', 'status=pending', '--minimal')).toBe('')
  await heldBy(disk, vm)
})

test('the description of a VM goes out and comes back as a new VM with other disks', async () => {
  const sr = await xe('pool-list', 'params=default-SR', '--minimal')
  const other = await xe('vdi-create', `sr-uuid=${sr}`, 'name-label=other', `virtual-size=${SIZE}`)
  expect(await xe('vm-export', 'vm=web1', 'metadata=true', `filename=${file('web1.xva')}`)).toBe('Export succeeded')
  const uuid = await xe('vm-import', `filename=${file('web1.xva')}`, 'metadata=true', `vdi:${disk}=${other}`)
  expect(uuid).not.toBe(vm)
  expect(await xe('vm-list', `uuid=${uuid}`, 'params=name-label', '--minimal')).toBe('web1')
  expect(await xe('vbd-list', `vm-uuid=${uuid}`, 'params=vdi-uuid', '--minimal')).toBe(other)
  expect(await failing('vm-snapshot', 'vm=web1', 'new-name-label=x')).toBe(
    'Error: Multiple matches VMs found. --multiple required to complete the operation\n',
  )
  const several = await runXe(bench, ['vm-resume', 'vm=web1', '--multiple'])
  expect(several).toMatchObject({ code: 1, stderr: '' })
  expect(several.stdout.match(/^operation failed on [-0-9a-f]{36}: The VM is not in a power state/gm)).toHaveLength(2)
  await xe('vm-param-set', `uuid=${uuid}`, 'name-label=web2')
  expect(await xe('vm-disk-list', 'vm=web2', 'vbd-params=userdevice', 'vdi-params=uuid,virtual-size')).toBe(
    `Disk 0 VBD:\nuserdevice ( RW)    : 0\n\n\nDisk 0 VDI:\nuuid ( RO)            : ${other}\n    virtual-size ( RO): ${SIZE}\n\n`,
  )
  const no = await runXe(bench, ['vm-uninstall', 'vm=web2'], { input: Buffer.from('no\n') })
  expect(no.stdout).toMatch(/\nType 'yes' to continue\nAborted \(you typed: 'no'\)\n$/)
  const gone = await xe('vm-uninstall', 'vm=web2', '--force')
  expect(gone.split('\n')[1]).toBe(`VM : ${uuid} (web2)`)
  expect(await xe('vm-list', 'name-label=web2', '--minimal')).toBe('')
})

test('a VM with its disks goes out as XVA and comes back, disks equal', async () => {
  await guestWrites(bench.lab, disk, [1, 90], 'xva')
  expect(await xe('vm-export', `uuid=${vm}`, `filename=${file('whole.xva')}`)).toBe('Export succeeded')
  const sr = await xe('pool-list', 'params=default-SR', '--minimal')
  const uuid = await xe('vm-import', `filename=${file('whole.xva')}`, `sr-uuid=${sr}`)
  const copy = await xe('vbd-list', `vm-uuid=${uuid}`, 'type=Disk', 'params=vdi-uuid', '--minimal')
  expect(copy).not.toBe(disk)
  expect(await bench.lab.control.sha256(copy)).toBe(await bench.lab.control.sha256(disk))
  await heldBy(copy, uuid)
  await xe('vm-uninstall', `uuid=${uuid}`, '--force')
  expect(await xe('vdi-list', `uuid=${copy}`, '--minimal')).toBe('')
  const piped = await runXe(bench, ['vm-export', `uuid=${vm}`, 'filename=', 'compress=true'])
  expect(piped.stdout).toBe('')
  await writeFile(file('packed.xva'), piped.bytes)
  const again = await xe('vm-import', `filename=${file('packed.xva')}`)
  expect(await xe('vm-list', `uuid=${again}`, 'params=name-label', '--minimal')).toBe('web1')
  await heldBy(await xe('vbd-list', `vm-uuid=${again}`, 'type=Disk', 'params=vdi-uuid', '--minimal'), again)
  await xe('vm-uninstall', `uuid=${again}`, '--force')
}, 60_000)

test('lists select by fields, members and keys, and show the fields that are asked for', async () => {
  await xe('vdi-param-set', `uuid=${disk}`, 'name-label=data, raw', 'other-config:owner=me', 'other-config:team=a')
  await xe('vdi-param-add', `uuid=${disk}`, 'param-name=tags', 'param-key=gold')
  expect(await xe('vdi-list', 'other-config:owner=me', 'tags:contains=gold', 'params=uuid,name-label')).toBe(
    `uuid ( RO)          : ${disk}\n    name-label ( RW): data, raw\n\n`,
  )
  expect(await xe('vdi-list', 'other-config-team=a', 'params=name-label', '--minimal')).toBe('data\\, raw')
  expect(await xe('vdi-list', 'managed=true', 'tags:contains=silver', '--minimal')).toBe('')
  expect(await xe('vdi-param-get', `uuid=${disk}`, 'param-name=other-config', 'param-key=team')).toBe('a')
  expect(await failing('vdi-param-get', `uuid=${disk}`, 'param-name=other-config', 'param-key=no')).toBe(
    'Error: Key no not found in map\n',
  )
  await xe('vdi-param-set', `uuid=${disk}`, 'other-config:team=b')
  await xe('vdi-param-remove', `uuid=${disk}`, 'param-name=other-config', 'param-key=owner')
  expect(await xe('vdi-param-get', `uuid=${disk}`, 'param-name=other-config')).toMatch(/(^|; )team: b($|;)/)
  await xe('vdi-param-clear', `uuid=${disk}`, 'param-name=tags')
  expect(await xe('vdi-param-get', `uuid=${disk}`, 'param-name=tags')).toBe('')
  expect(await failing('vdi-list', 'colour=red')).toBe("Error: Unknown field 'colour'\n")
  expect(await failing('vdi-param-set', `uuid=${disk}`, 'virtual-size=1')).toBe(
    "Error: Field 'virtual-size' is read-only.\n",
  )
  expect(await failing('vdi-param-get', `uuid=${disk}`, 'param-name=colour')).toBe(
    'Error code: Missing parameter\nError parameters: colour\n',
  )
})

/** What stands left of the colons. */
const labels = (text: string): readonly string[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.slice(0, line.indexOf(': ')))

test('lists have the labels, the order and the columns of transcripts that administrators published', async () => {
  const storage = await xe('pool-list', 'params=default-SR', '--minimal')
  expect(labels(await xe('sr-list', `uuid=${storage}`, 'params=all')).join('\n')).toBe(
    `uuid ( RO)                    
              name-label ( RW)
        name-description ( RW)
                    host ( RO)
      allowed-operations (SRO)
      current-operations (SRO)
                    VDIs (SRO)
                    PBDs (SRO)
      virtual-allocation ( RO)
    physical-utilisation ( RO)
           physical-size ( RO)
                    type ( RO)
            content-type ( RO)
                  shared ( RW)
           introduced-by ( RO)
             is-tools-sr ( RO)
            other-config (MRW)
               sm-config (MRO)
                   blobs ( RO)
     local-cache-enabled ( RO)
                    tags (SRW)
               clustered ( RO)`,
  )
  expect(labels(await xe('vdi-list', `uuid=${disk}`, 'params=all')).join('\n')).toBe(
    `uuid ( RO)                    
              name-label ( RW)
        name-description ( RW)
           is-a-snapshot ( RO)
             snapshot-of ( RO)
               snapshots ( RO)
           snapshot-time ( RO)
      allowed-operations (SRO)
      current-operations (SRO)
                 sr-uuid ( RO)
           sr-name-label ( RO)
               vbd-uuids (SRO)
         crashdump-uuids (SRO)
            virtual-size ( RO)
    physical-utilisation ( RO)
                location ( RO)
                    type ( RO)
                sharable ( RO)
               read-only ( RO)
            storage-lock ( RO)
                 managed ( RO)
     parent ( RO) [DEPRECATED]
                 missing ( RO)
            is-tools-iso ( RO)
            other-config (MRW)
           xenstore-data (MRO)
               sm-config (MRO)
                 on-boot ( RW)
           allow-caching ( RW)
         metadata-latest ( RO)
        metadata-of-pool ( RO)
                    tags (SRW)
             cbt-enabled ( RO)`,
  )
  const drive = await xe('vbd-list', `vdi-uuid=${disk}`, 'params=all')
  expect(labels(drive)).toHaveLength(25)
  expect(labels(drive).slice(-5)).toEqual([
    '        qos_algorithm_params (MRW)',
    '    qos_supported_algorithms (SRO)',
    '                other-config (MRW)',
    '                 io_read_kbs ( RO)',
    '                io_write_kbs ( RO)',
  ])
  expect(drive).toContain('\n                  attachable ( RO): <expensive field>\n')
  expect(labels(await xe('vm-list', `uuid=${vm}`))).toEqual([
    'uuid ( RO)           ',
    '     name-label ( RW)',
    '    power-state ( RO)',
  ])
  expect(labels(await xe('vm-list', `uuid=${vm}`, 'params=dom-id,resident-on'))).toEqual([
    'resident-on ( RO)    ',
    '         dom-id ( RO)',
  ])
  expect(labels(await xe('pbd-list', `sr-uuid=${storage}`))).toEqual([
    'uuid ( RO)                  ',
    '             host-uuid ( RO)',
    '               sr-uuid ( RO)',
    '         device-config (MRO)',
    '    currently-attached ( RO)',
  ])
})

test('a network gets and loses its purpose as the guide says', async () => {
  const network = await xe('network-list', 'bridge=xenbr0', '--minimal')
  await xe('network-param-clear', 'param-name=purpose', `uuid=${network}`)
  await xe('network-param-add', 'param-name=purpose', 'param-key=nbd', `uuid=${network}`)
  expect(await xe('network-param-get', 'param-name=purpose', `uuid=${network}`)).toBe('nbd')
  const refused = await failing('network-param-add', 'param-name=purpose', 'param-key=insecure_nbd', `uuid=${network}`)
  expect(refused).toMatch(/\nnew_purpose: insecure_nbd\nconflicting_purpose: nbd\n$/)
  await xe('network-param-remove', 'param-name=purpose', 'param-key=nbd', `uuid=${network}`)
  expect(await xe('network-list', 'purpose:contains=nbd', '--minimal')).toBe('')
  await xe('network-param-add', 'param-name=purpose', 'param-key=nbd', `uuid=${network}`)
})

test('where a disk can be read over NBD is told with the session only when it is kept', async () => {
  const shown = await xe('vdi-nbd-info', `uuid=${disk}`)
  expect(shown).toMatch(/^address \( RO\) +: 127\.0\.0\.1:\d+\n/)
  expect(shown).not.toContain('OpaqueRef')
  expect(await xe('vdi-nbd-info', `uuid=${disk}`, '--minimal')).toMatch(/^127\.0\.0\.1:\d+$/)
  const kept = await spawnXe(bench, ['vdi-nbd-info', `uuid=${disk}`, 'keep-session=true'])
  expect(kept.stdout).toContain(`/${disk}?session_id=OpaqueRef:`)
})

test('a VM is started, snapshotted, brought back, stopped and rid of its snapshot', async () => {
  await xe('vm-start', 'vm=web1')
  expect(await xe('vm-list', 'power-state=running', 'is-control-domain=false', '--minimal')).toBe(vm)
  const snapshot = await xe('vm-snapshot', `uuid=${vm}`, 'new-name-label=before', 'new-name-description=an update')
  expect(await xe('snapshot-list', `snapshot-of=${vm}`, 'params=uuid,name-description')).toBe(
    `uuid ( RO)                : ${snapshot}\n    name-description ( RW): an update\n\n`,
  )
  expect(await failing('vm-destroy', `uuid=${vm}`)).toMatch(
    new RegExp(`^The VM is not in a power state .*\\nvm: ${vm} \\(web1\\)\\nexpected: .*\\nactual: Running\\n$`, 'i'),
  )
  await xe('vm-reboot', 'vm=web1', '--force')
  await xe('vm-shutdown', 'vm=web1', '--force')
  expect(await xe('vm-param-get', `uuid=${vm}`, 'param-name=power-state')).toBe('halted')
  const before = await bench.lab.control.sha256(disk)
  await guestWrites(bench.lab, disk, [2], 'to be undone')
  await xe('snapshot-revert', `snapshot-uuid=${snapshot}`)
  disk = await xe('vbd-list', `vm-uuid=${vm}`, 'type=Disk', 'params=vdi-uuid', '--minimal')
  expect(await bench.lab.control.sha256(disk)).toBe(before)
  const template = await xe('snapshot-clone', `uuid=${snapshot}`, 'new-name-label=from before')
  expect(await xe('template-list', 'name-label=from before', '--minimal')).toBe(template)
  await xe('template-uninstall', `template-uuid=${template}`, '--force')
  expect(await failing('template-uninstall', `template-uuid=${vm}`, '--force')).toContain('is not a VM template')
  await xe('snapshot-uninstall', `uuid=${snapshot}`, '--force')
  expect(await xe('snapshot-list', '--minimal')).toBe('')
  expect(await failing('snapshot-destroy', `uuid=${vm}`)).toContain('is not a VM snapshot')
  expect(await failing('vm-start', 'vm=nobody')).toBe('Error: No matching VMs found\n')
}, 60_000)

test('VMs and disks are cloned, copied, grown and attached', async () => {
  const sr = await xe('pool-list', 'params=default-SR', '--minimal')
  const copies = [
    await xe('vm-clone', 'vm=web1', 'new-name-label=clone'),
    await xe('vm-copy', 'vm=web1', 'new-name-label=copy', `sr-uuid=${sr}`),
  ]
  expect(await xe('vm-list', 'name-label=copy', '--minimal')).toBe(copies[1])
  for (const uuid of copies) {
    await heldBy(await xe('vbd-list', `vm-uuid=${uuid}`, 'type=Disk', 'params=vdi-uuid', '--minimal'), uuid)
    await xe('vm-uninstall', `uuid=${uuid}`, '--force')
  }
  const clone = await xe('vdi-clone', `uuid=${disk}`, 'new-name-label=grown')
  await xe('vdi-resize', `uuid=${clone}`, 'disk-size=16MiB')
  expect(await xe('vdi-list', 'name-label=grown', 'params=virtual-size', '--minimal')).toBe(String(2 * SIZE))
  const copy = await xe('vdi-copy', `uuid=${clone}`, `sr-uuid=${sr}`)
  expect(await failing('vdi-copy', `uuid=${clone}`)).toContain('either sr-uuid')
  const vbd = await xe('vbd-create', `vm-uuid=${vm}`, `vdi-uuid=${copy}`, 'device=3', 'mode=RO')
  expect(await xe('vbd-list', `uuid=${vbd}`, 'params=userdevice,mode')).toBe(
    'userdevice ( RW)    : 3\n          mode ( RW): RO\n\n',
  )
  expect(await failing('vbd-create', `vm-uuid=${vm}`, 'device=4')).toBe(
    'Error: Empty VBDs can only be made for type=CD\n',
  )
  await xe('vbd-destroy', `uuid=${vbd}`)
  await xe('sr-scan', `uuid=${sr}`)
  for (const uuid of [clone, copy]) await destroyDisk(uuid)
  const network = await xe('network-create', 'name-label=back', 'MTU=9000')
  const vif = await xe('vif-create', `vm-uuid=${vm}`, `network-uuid=${network}`, 'device=1', 'mac=02:00:00:00:00:0A')
  expect(await xe('vif-list', 'MAC=02:00:00:00:00:0a', 'params=uuid,MTU')).toBe(
    `uuid ( RO)    : ${vif}\n     MTU ( RO): 9000\n\n`,
  )
  await xe('vif-destroy', `uuid=${vif}`)
  await xe('network-destroy', `uuid=${network}`)
}, 60_000)

test('a member of a pool is as good an address as its coordinator, and has disks of its own', async () => {
  const directory = file('pool')
  const password = 'pool'
  const network = { httpsPort: 0, nbdPort: 0, addressWithPort: true }
  await using lab = await startLab({ directory, password, hosts: 2, ...network })
  const [, member] = lab.hosts
  await writeFile(file('authorities'), lab.hosts.map(({ certificate }) => certificate).join('\n'))
  await writeFile(file('pool-pwf'), `root\n${password}\n`)
  const { hostname, port } = new URL(member?.url ?? '')
  const reach = ['-s', hostname, '-p', port, '-pwf', file('pool-pwf'), '--ca', file('authorities')]
  await expect(runXe(bench, [...reach.slice(0, 6), 'vm-list'])).rejects.toThrow(member?.fingerprint) // nobody to ask
  const second = await xe(...reach, 'host-list', 'params=name-label', `uuid=${member?.uuid}`, '--minimal')
  const sr = await xe(...reach, 'sr-list', 'type=ext', `host=${second}`, '--minimal')
  const made = await xe(...reach, 'vdi-create', `sr-uuid=${sr}`, 'name-label=far', `virtual-size=${SIZE}`)
  const { uuid: halted } = await lab.control.createVm({ name: 'bound', disks: [] })
  await xe(...reach, 'vbd-create', `vm-uuid=${halted}`, `vdi-uuid=${made}`, 'device=0')
  await xe(...reach, 'vm-start', 'vm=bound', `on=${second}`)
  await xe(...reach, 'vm-shutdown', 'vm=bound', '--force')
  const bytes = randomBytes(SIZE)
  await writeFile(file('far.raw'), bytes)
  await xe(...reach, 'vdi-import', `uuid=${made}`, `filename=${file('far.raw')}`)
  const back = await runXe(bench, [...reach, 'vdi-export', `uuid=${made}`, 'filename='])
  expect(back.bytes.equals(bytes)).toBe(true)
  const pbd = await xe(...reach, 'pbd-list', `sr-uuid=${sr}`, '--minimal')
  await heldBy(made, halted, reach)
  await xe(...reach, 'pbd-unplug', `uuid=${pbd}`)
  const nowhere = await runXe(bench, [...reach, 'vm-start', 'vm=bound'])
  expect(nowhere.stdout.match(/Cannot start here \[.*sr: .*\]/g)).toHaveLength(2)
  expect(nowhere).toMatchObject({
    code: 1,
    stderr: 'There were no servers available to complete the specified operation.\n',
  })
  expect(
    await failing(
      ...reach,
      'vm-destroy',
      `uuid=${await xe(...reach, 'vm-list', 'is-control-domain=true', `resident-on=${member?.uuid}`, '--minimal')}`,
    ),
  ).toContain('reason: A control domain')
}, 60_000)

test('every list of every class answers, in full and with --minimal', async () => {
  for (const name of xeCommands.keys()) {
    if (!/^[a-z]+-list$/.test(name)) continue
    const full = await xe(name, 'params=all')
    const uuids = (await xe(name, 'params=uuid', '--minimal')).split(',').filter((uuid) => uuid !== '')
    expect(full.match(/^uuid \( RO\) +: .*$/gm)?.map((line) => line.replace(/.*: /, '')) ?? [], name).toEqual(uuids)
    const [uuid] = uuids
    if (uuid === undefined) continue
    const one = await xe(name.replace('-list', '-param-list'), `uuid=${uuid}`)
    expect(one.split('\n')[0], name).toMatch(new RegExp(`^uuid \\( RO\\) +: ${uuid}$`))
  }
})

test('every command is reachable: without its parameters it asks for them', async () => {
  for (const { name, required } of xeCommands.values()) {
    const [first] = required
    if (first !== undefined)
      expect(await failing(name)).toBe(`Required parameter not found: ${first}\nFor usage run: 'tidemark xe help'\n`)
  }
  const unknown = randomUUID()
  for (const { name, required } of xeCommands.values()) {
    if (required[0] !== 'uuid') continue
    const rest = required.slice(1).map((each) => `${each}=1`)
    expect(await failing(name, `uuid=${unknown}`, ...rest), name).toMatch(
      new RegExp(`^The uuid you supplied was invalid\\.\\ntype: \\w+\\nuuid: ${unknown}\\n$`),
    )
  }
}, 60_000)

test('as a process: words on the standard output, trouble on the standard error, and the exit codes of xe', async () => {
  const [host, port] = new URL(bench.lab.url).host.split(':') as [string, string]
  await writeFile(file('pwf'), 'root\ncorrect horse\n')
  const runs = [
    spawnXe(bench, ['-s', host, '-p', port, '-pwf', file('pwf'), 'vdi-list', '--minimal']),
    spawnXe(bench, ['vdi-param-get', 'uuid=1', 'param-name=type', '--pool', 'lab']),
    spawnXe(bench, ['vdi-export', '--help']),
  ]
  const [listed, unknown, helped] = await Promise.all(runs)
  expect(listed).toMatchObject({ code: 0, stdout: `${disk}\n`, stderr: '' })
  const told = 'The uuid you supplied was invalid.\ntype: VDI\nuuid: 1\n'
  expect(unknown).toMatchObject({ code: 1, stdout: '', stderr: told })
  expect(helped).toMatchObject({ code: 0, stdout: expect.stringContaining('reqd params     : uuid, filename\n') })
}, 60_000)

test('somebody waits for the answer: what a pool cannot do now is told at once', async () => {
  const busy = ['OTHER_OPERATION_IN_PROGRESS', 'VDI', 'OpaqueRef:1', 'snapshot', 'OpaqueRef:2']
  await bench.lab.control.failCall({ method: 'Async.VDI.update', times: 1, failure: busy })
  expect(await failing('vdi-update', `uuid=${disk}`)).toBe(
    'Another operation involving the object is currently in progress\n' +
      'class: VDI\nobject: OpaqueRef:1\noperation_type: snapshot\noperation_ref: OpaqueRef:2\n',
  )
  await writeFile(file('any'), 'x')
  const nobody = ['-s', '127.0.0.1', '-p', '1', '--nossl', '-pwf', file('any'), 'vm-list']
  await expect(runXe(bench, nobody)).rejects.toMatchObject({ code: 'XENAPI_UNREACHABLE' })
})

test('a wrong password and an unknown command are told as xe tells them', async () => {
  await writeFile(file('wrong'), 'root\nwrong\n')
  expect(await failing('-pwf', file('wrong'), 'vm-list')).toBe(
    "Authentication failed\nFor usage run: 'tidemark xe help'\n",
  )
  expect(await failing('vdi-lsit')).toBe("Unknown command: vdi-lsit\nFor usage run: 'tidemark xe help'\n")
}, 60_000)
