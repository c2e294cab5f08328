import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { fetchCertificate, login } from '@tidemark/xenapi'
import { openNbd } from '@tidemark/nbd'
import { startLab, type Lab, type LabHostInfo } from '../src/index.ts'
import { bareCall, http, loggedIn, testLab, type RawClient } from './harness.ts'

const hostsOf = ({ hosts }: Lab): [LabHostInfo, LabHostInfo, ...LabHostInfo[]] => {
  const [first, second, ...others] = hosts
  if (first === undefined || second === undefined) throw new Error('the pool has fewer than two hosts')
  return [first, second, ...others]
}

const srOfType = async (client: RawClient, type: string, host?: string): Promise<string> => {
  const records = (await client.call('SR.get_all_records')) as Record<string, { type: string; PBDs: string[] }>
  for (const [ref, record] of Object.entries(records)) {
    if (record.type !== type) continue
    if (host === undefined) return ref
    for (const pbd of record.PBDs) if ((await client.call('PBD.get_host', pbd)) === host) return ref
  }
  throw new Error(`no SR of type ${type}`)
}

const refOf = async (client: RawClient, { uuid }: LabHostInfo): Promise<string> =>
  (await client.call('host.get_by_uuid', uuid)) as string

test('each host answers at an address of its own, with a certificate of its own', async () => {
  await using bench = await testLab({ hosts: 3 })
  const { hosts } = bench.lab
  expect(hosts.map(({ url }) => new URL(url).hostname)).toEqual(['127.0.0.1', '127.0.0.2', '127.0.0.3'])
  expect(new Set(hosts.map(({ url }) => new URL(url).port)).size).toBe(1)
  const shown = await Promise.all(hosts.map(({ url }) => fetchCertificate(url)))
  expect(shown.map(({ sha256 }) => sha256)).toEqual(hosts.map(({ fingerprint }) => fingerprint))
  expect(new Set(hosts.map(({ fingerprint }) => fingerprint)).size).toBe(3)
  const client = await loggedIn(bench)
  const records = Object.values((await client.call('host.get_all_records')) as Record<string, { address: string }>)
  expect(records.map(({ address }) => address)).toEqual(['127.0.0.1', '127.0.0.2', '127.0.0.3'])
})

test('a member answers every call of a session with the address of its coordinator', async () => {
  await using bench = await testLab({ hosts: 2 })
  const [, member] = hostsOf(bench.lab)
  const { session } = await loggedIn(bench)
  const slave = { failure: ['HOST_IS_SLAVE', '127.0.0.1'] }
  await expect(bareCall(member, 'session.login_with_password', ['root', 'wrong'])).rejects.toMatchObject(slave)
  await expect(bareCall(member, 'VM.get_all', [session])).rejects.toMatchObject(slave)
  await expect(bareCall(member, 'VM.no_such', [session])).rejects.toMatchObject(slave)
  await expect(bareCall(member, 'VM.get_all', [])).rejects.toMatchObject({
    failure: ['MESSAGE_PARAMETER_COUNT_MISMATCH', 'VM.get_all', '0', '-1'],
  })
  expect(await bareCall(member, 'system.listMethods', [])).toContain('VM.get_all_records')
})

test('our client follows a member to its coordinator', async () => {
  await using bench = await testLab({ hosts: 2 })
  const [coordinator, member] = hostsOf(bench.lab)
  const ca = bench.lab.hosts.map(({ certificate }) => certificate).join('\n')
  const credentials = { username: 'root', password: bench.lab.password }
  await using session = await login({ url: member.url, trust: { kind: 'authority', ca } }, credentials)
  expect(session.url).toBe(coordinator.url)
})

test('get_nbd_info names every host that has the SR plugged, IPv4 before IPv6, each with its certificate', async () => {
  await using bench = await testLab({ hosts: 2, ipv6: true })
  const { lab } = bench
  const [first, second] = hostsOf(lab)
  const client = await loggedIn(bench)
  const { disks } = await lab.control.createVm({ name: 'shared', disks: [{ size: 4 << 20 }] })
  const info = (await client.call('VDI.get_nbd_info', disks[0]?.ref ?? '')) as Record<string, string | number>[]
  expect(info.map(({ address }) => address)).toEqual(['127.0.0.1', 'fd00::1/64', '127.0.0.2', 'fd00::2/64'])
  expect(info.map(({ cert }) => cert)).toEqual([first, first, second, second].map(({ certificate }) => certificate))
  expect(new Set(info.map(({ subject }) => subject))).toEqual(new Set([first.hostname, second.hostname]))
  await client.call('PBD.unplug', await pbdOf(client, await srOfType(client, 'nfs'), await refOf(client, second)))
  const left = (await client.call('VDI.get_nbd_info', disks[0]?.ref ?? '')) as Record<string, string>[]
  expect(left.map(({ address }) => address)).toEqual(['127.0.0.1', 'fd00::1/64'])
})

const pbdOf = async (client: RawClient, sr: string, host: string): Promise<string> => {
  for (const pbd of (await client.call('SR.get_PBDs', sr)) as string[]) {
    if ((await client.call('PBD.get_host', pbd)) === host) return pbd
  }
  throw new Error('the host has no PBD of this SR')
}

test('every host serves the disks that it sees over NBD, and no other', async () => {
  await using bench = await testLab({ hosts: 2 })
  const { lab } = bench
  const client = await loggedIn(bench)
  const [first, second] = hostsOf(lab)
  const local = (await client.call('SR.get_uuid', await srOfType(client, 'ext', await refOf(client, first)))) as string
  const { disks } = await lab.control.createVm({ name: 'vm', disks: [{ size: 4 << 20 }, { size: 4 << 20, sr: local }] })
  const [shared, own] = disks
  if (shared === undefined || own === undefined) throw new Error('two disks were asked for')
  await lab.control.writeDisk(shared.uuid, 0, Buffer.alloc(512, 7))
  const target = (host: LabHostInfo, uuid: string) => ({
    address: host.nbdAddress,
    exportName: `/${uuid}?session_id=${client.session}`,
    tls: { kind: 'authority', ca: host.certificate, subject: host.hostname } as const,
  })
  await using reader = await openNbd(target(second, shared.uuid))
  expect((await reader.read(0, 512))[511]).toBe(7)
  const [vbd = ''] = ((await client.call('VDI.get_VBDs', shared.ref)) as string[]).slice(-1)
  expect(await client.call('VM.get_resident_on', (await client.call('VBD.get_VM', vbd)) as string)).toBe(
    await refOf(client, second),
  )
  await expect(openNbd(target(second, own.uuid))).rejects.toMatchObject({ name: 'NbdError' })
})

test('a VM starts where its disks are', async () => {
  await using bench = await testLab({ hosts: 2 })
  const client = await loggedIn(bench)
  const [first, second] = await Promise.all(hostsOf(bench.lab).map((host) => refOf(client, host)))
  if (first === undefined || second === undefined) throw new Error('two hosts')
  const local = await srOfType(client, 'ext', second)
  const sr = (await client.call('SR.get_uuid', local)) as string
  const { ref: vm } = await bench.lab.control.createVm({ name: 'vm', disks: [{ size: 4 << 20, sr }] })
  expect(await client.call('VM.get_possible_hosts', vm)).toEqual([second])
  expect(await client.failure('VM.start_on', vm, first, false, false)).toEqual(['VM_REQUIRES_SR', vm, local])
  await client.call('host.disable', second)
  expect(await client.failure('VM.start_on', vm, second, false, false)).toEqual(['HOST_DISABLED', second])
  expect(await client.failure('VM.start', vm, false, false)).toEqual(['NO_HOSTS_AVAILABLE'])
  await client.call('host.enable', second)
  await client.call('VM.start', vm, false, false)
  expect(await client.call('VM.get_resident_on', vm)).toBe(second)
})

test('a dead coordinator leaves a pool that goes on under another one, without its logins', async () => {
  await using bench = await testLab({ hosts: 2 })
  const { lab } = bench
  const [first, second] = hostsOf(lab)
  const { session } = await loggedIn(bench)
  await lab.control.stopHost(first.uuid)
  await expect(http(first, 'POST', '/jsonrpc')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  await expect(bareCall(second, 'VM.get_all', [session])).rejects.toMatchObject({
    failure: ['HOST_IS_SLAVE', '127.0.0.1'],
  })
  await lab.control.appointCoordinator(second.uuid)
  await sleep(200) // its toolstack starts anew
  await expect(bareCall(second, 'VM.get_all', [session])).rejects.toMatchObject({
    failure: ['SESSION_INVALID', session],
  })
  const again = (await bareCall(second, 'session.login_with_password', ['root', lab.password])) as string
  const [metrics] = (await bareCall(second, 'host_metrics.get_all', [again])) as string[]
  expect(await bareCall(second, 'host_metrics.get_live', [again, metrics ?? ''])).toBe(false)
  await lab.control.startHost(first.uuid)
  await expect(bareCall(first, 'VM.get_all', [again])).rejects.toMatchObject({
    failure: ['HOST_IS_SLAVE', '127.0.0.2'],
  })
})

test('designate_new_master ends all connections and logins', async () => {
  await using bench = await testLab({ hosts: 2 })
  const [first, second] = hostsOf(bench.lab)
  const trust = { kind: 'fingerprint', sha256: first.fingerprint } as const
  await using session = await login({ url: first.url, trust }, { username: 'root', password: bench.lab.password })
  const other = await session.host.get_by_uuid(second.uuid)
  await session.pool.designate_new_master(other)
  const slave = { failure: ['HOST_IS_SLAVE', '127.0.0.2'] }
  await expect(bareCall(first, 'VM.get_all', [session.ref])).rejects.toMatchObject(slave)
  await expect(bareCall(second, 'VM.get_all', [session.ref])).rejects.toMatchObject({
    failure: ['SESSION_INVALID', session.ref],
  })
})

test('a pool that exists keeps its hosts, their certificates and their uuids', async () => {
  await using bench = await testLab({ hosts: 2 })
  const before = bench.lab.hosts.map(({ uuid, fingerprint }) => ({ uuid, fingerprint }))
  await bench.lab.stop()
  await using again = await startLab({
    directory: bench.directory,
    password: bench.lab.password,
    httpsPort: 0,
    nbdPort: 0,
    hosts: 5,
  })
  expect(again.hosts.map(({ uuid, fingerprint }) => ({ uuid, fingerprint }))).toEqual(before)
})

test('drivers differ: ISO and device SRs make no disks, raw iSCSI no snapshots, and only VHD drivers track changes', async () => {
  await using bench = await testLab({
    storages: [
      { name: 'vhd', type: 'lvmoiscsi' },
      { name: 'raw', type: 'iscsi' },
    ],
  })
  const client = await loggedIn(bench)
  const disk = (SR: string) => ({
    SR,
    virtual_size: 4 << 20,
    type: 'user',
    sharable: false,
    read_only: false,
    other_config: {},
  })
  const iso = await srOfType(client, 'iso')
  expect(await client.failure('VDI.create', disk(iso))).toEqual(['SR_OPERATION_NOT_SUPPORTED', iso])
  const raw = await srOfType(client, 'iscsi')
  const vdi = (await client.call('VDI.create', disk(raw))) as string
  for (const method of ['VDI.snapshot', 'VDI.clone', 'VDI.enable_cbt']) {
    expect(await client.failure(method, vdi), method).toEqual(['SR_OPERATION_NOT_SUPPORTED', raw])
  }
  const can = async (type: string) =>
    ((await client.call('SR.get_allowed_operations', await srOfType(client, type))) as string[]).includes(
      'vdi_enable_cbt',
    )
  expect([await can('lvmoiscsi'), await can('iscsi'), await can('iso')]).toEqual([true, false, false])
})

test('an old release knows no tracking and no JSON-RPC, and a licence may forbid tracking', async () => {
  await using old = await testLab({ unknownMessages: ['VDI.enable_cbt', 'VDI.get_nbd_info'], jsonRpc: false })
  const call = Buffer.from('{"method":"host.get_all","params":[],"id":1}')
  const { status, headers, body } = await http(old.lab, 'POST', '/jsonrpc', call)
  expect([status, headers['content-type']]).toEqual([200, 'text/xml'])
  expect(body.toString()).toContain('Failed to parse supplied XML')
  const trust = { kind: 'fingerprint', sha256: old.lab.fingerprint } as const
  const credentials = { username: 'root', password: old.lab.password }
  await using session = await login({ url: old.lab.url, trust }, credentials)
  expect(session.api).toBe('xml')
  const { disks } = await old.lab.control.createVm({ name: 'vm', disks: [{ size: 4 << 20 }] })
  const [disk = { uuid: '' }] = disks
  const vdi = await session.VDI.get_by_uuid(disk.uuid)
  await expect(session.VDI.enable_cbt(vdi)).rejects.toMatchObject({
    failure: ['MESSAGE_METHOD_UNKNOWN', 'VDI.enable_cbt'],
  })
  expect(await session.call('system.listMethods', [])).not.toContain('VDI.get_nbd_info')

  await using poor = await testLab({ restrictions: { restrict_cbt: 'true' } })
  const client = await loggedIn(poor)
  const made = await poor.lab.control.createVm({ name: 'vm', disks: [{ size: 4 << 20 }] })
  expect(await client.failure('VDI.enable_cbt', made.disks[0]?.ref ?? '')).toEqual(['LICENSE_RESTRICTION', 'CBT'])
})

test('an SR is made, unplugged, forgotten and destroyed', async () => {
  await using bench = await testLab({ hosts: 2 })
  const client = await loggedIn(bench)
  const [host = ''] = (await client.call('host.get_all')) as string[]
  const made = (type: string) => ['SR.create', host, { server: 'nas' }, 0, 'new', '', type, '', true, {}] as const
  expect(await client.failure(...made('zfs'))).toEqual(['SR_UNKNOWN_DRIVER', 'zfs'])
  const sr = (await client.call(...made('nfs'))) as string
  const pbds = (await client.call('SR.get_PBDs', sr)) as string[]
  expect(pbds).toHaveLength(2)
  expect(await client.failure('SR.forget', sr)).toEqual(['SR_HAS_PBD', sr])
  expect(await client.failure('PBD.destroy', pbds[0] ?? '')).toEqual([
    'OPERATION_NOT_ALLOWED',
    'PBD is currently attached',
  ])
  for (const pbd of pbds) await client.call('PBD.unplug', pbd)
  await client.call('SR.destroy', sr)
  expect(await client.failure('SR.get_uuid', sr)).toEqual(['HANDLE_INVALID', 'SR', sr])
  expect(await client.failure('PBD.get_uuid', pbds[0] ?? '')).toEqual(['HANDLE_INVALID', 'PBD', pbds[0]])
})
