import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { MiB } from '@tidemark/blocks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeCertificates, type Certificates } from '../packages/nbd/test/certificates.ts'
import { startCeph } from '../packages/repository/test/support/ceph.ts'
import { serveRestic } from '../packages/repository/test/support/rclone.ts'
import { guestWrites, openBench, sha256, succeed, type Bench, type Line } from './support/pool.ts'

const REST_PASSWORD = 'the-rest-password'
let bench: Bench
let certificates: Certificates
let disk: string
beforeAll(async () => {
  ;[bench, certificates] = await Promise.all([openBench(), makeCertificates()])
  const vm = await bench.lab.control.createVm({ name: 'web', disks: [{ name: 'system', size: 8 * MiB }] })
  disk = vm.disks[0]?.uuid ?? ''
  await guestWrites(bench.lab, disk, [0, 5, 6, 100], 'first')
})
afterAll(async () => {
  await bench[Symbol.asyncDispose]()
  await certificates[Symbol.asyncDispose]()
})

const pem = (name: string) => join(certificates.directory, name)

/** rclone on a directory, over TLS, for clients with a certificate and a password. */
const serve = (appendOnly: boolean) =>
  serveRestic(join(bench.directory, 'served'), {
    appendOnly,
    username: 'vm',
    password: REST_PASSWORD,
    certificate: pem('server-cert.pem'),
    key: pem('server-key.pem'),
    clientCa: pem('ca-cert.pem'),
  })

const urlOf = (server: string, user = 'vm') => `rest:${server.replace('https://', `https://${user}@`)}pool/`

test('over REST with TLS, a repository to which one can only add takes backups, and doctor proves it', async () => {
  const restPassword = join(bench.directory, 'rest-password')
  await writeFile(restPassword, `${REST_PASSWORD}\n`)
  const storage = ['--password-file', bench.passwordFile, '--rest-password-file', restPassword]
  const tls = [
    '--ca',
    pem('ca-cert.pem'),
    '--client-cert',
    pem('client-cert.pem'),
    '--client-key',
    pem('client-key.pem'),
  ]
  {
    await using server = await serve(false)
    await succeed(bench.tidemark('repo', 'init', 'open', urlOf(server.url), ...storage, ...tls))
  }
  await using server = await serve(true)
  const distrust = await bench.tidemark('repo', 'add', 'untrusted', urlOf(server.url), ...storage)
  expect(distrust.last).toMatchObject({ code: 'BACKEND_DENIED' }) // at once: trust does not come by waiting
  await succeed(bench.tidemark('repo', 'add', 'guarded', urlOf(server.url), '--append-only', ...storage, ...tls))
  const { points } = await succeed(bench.tidemark('backup', 'web', '--repo', 'guarded'))
  await succeed(bench.tidemark('check', '--read-data', '--repo', 'guarded'))
  const directory = join(bench.directory, 'files')
  const { files } = await succeed(bench.tidemark('restore', 'web', '--repo', 'guarded', '--to-dir', directory))
  const restored = await Promise.all((files as Line[]).map(({ path }) => sha256(String(path))))
  expect(restored).toEqual([await bench.lab.control.sha256(disk)])
  const run = await bench.tidemark('doctor', '--repo', 'guarded')
  expect(run.code, JSON.stringify(run.last)).toBe(0)
  expect(run.last['findings']).toMatchObject([
    {
      subject: 'protection',
      verdict: 'good',
      details: { removal: 'refused', overwriting: 'refused', remains: 'in place' },
    },
    { subject: 'locks', verdict: 'good' },
  ])
  expect(JSON.stringify(run.lines) + run.stderr).not.toContain(REST_PASSWORD)
  for (const removing of [['forget', String((points as Line[])[0]?.['id'])], ['prune']]) {
    const refused = await bench.tidemark(...removing, '--repo', 'guarded')
    expect(refused.code, JSON.stringify(refused.last)).toBe(1)
    expect(refused.last).toMatchObject({
      code: 'REPOSITORY_APPEND_ONLY',
      message: expect.stringContaining('nothing was changed'),
    })
  }

  const ofRestic = urlOf(server.url, `vm:${REST_PASSWORD}`)
  await writeFile(pem('client.pem'), certificates.client.cert + certificates.client.key)
  const trust = [
    '--password-file',
    bench.passwordFile,
    '--cacert',
    pem('ca-cert.pem'),
    '--tls-client-cert',
    pem('client.pem'),
  ]
  const checked = await promisify(execFile)('restic', ['--no-cache', '-r', ofRestic, ...trust, 'check', '--read-data'])
  expect(checked.stdout).toContain('no errors were found')
}, 120_000)

test('over S3 with TLS, with keys from the environment, from a file and from a profile', async () => {
  await using ceph = await startCeph({ certificate: pem('server-cert.pem'), key: pem('server-key.pem') })
  const user = await ceph.user('backup')
  process.env['AWS_ACCESS_KEY_ID'] = user.accessKeyId
  process.env['AWS_SECRET_ACCESS_KEY'] = user.secretAccessKey
  try {
    const url = `s3:${ceph.secureEndpoint}/backups/pool/one`
    const given = ['--password-file', bench.passwordFile, '--ca', pem('ca-cert.pem'), '--object-lock-days', '3']
    const made = await succeed(bench.tidemark('repo', 'init', 'bucket', url, ...given))
    expect(made).toMatchObject({ path: url })
    const secretFile = join(bench.directory, 's3-secret')
    await writeFile(secretFile, `${user.secretAccessKey}\n`)
    delete process.env['AWS_ACCESS_KEY_ID']
    delete process.env['AWS_SECRET_ACCESS_KEY']
    const byFile = ['--s3-key-id', user.accessKeyId, '--s3-secret-file', secretFile]
    await succeed(bench.tidemark('repo', 'add', 'bucket', url, ...given, ...byFile))
    await succeed(bench.tidemark('backup', 'web', '--repo', 'bucket'))
    const renewed = await succeed(bench.tidemark('repo', 'renew-retention', '--repo', 'bucket'))
    expect(renewed).toMatchObject({ days: 3 })
    expect(renewed['extended']).toBe(renewed['files'])

    process.env['AWS_PROFILE'] = 'backups'
    process.env['AWS_SHARED_CREDENTIALS_FILE'] = join(bench.directory, 'credentials')
    const { accessKeyId, secretAccessKey } = user
    const profile = `[backups]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n`
    await writeFile(join(bench.directory, 'credentials'), profile)
    const plain = `s3:${ceph.endpoint}/backups/pool/one`
    const run = await bench.tidemark('doctor', '--repo', plain, '--repo-password-file', bench.passwordFile)
    expect(run.code).toBe(3) // opened without its Object Lock, a new file has none
    expect(run.last['findings'][0]).toMatchObject({ verdict: 'attention', details: { remains: 'no' } })
    const output = JSON.stringify([made, renewed, run])
    expect(output).not.toContain(user.secretAccessKey)
  } finally {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_PROFILE', 'AWS_SHARED_CREDENTIALS_FILE']) {
      delete process.env[name]
    }
  }
}, 120_000)

test('a password in a URL is refused before anything is asked, and not repeated', async () => {
  const run = await bench.tidemark(
    'repo',
    'init',
    'bad',
    'rest:https://vm:hunter2@127.0.0.1:9/',
    '--password-file',
    bench.passwordFile,
  )
  expect(run.code).toBe(1)
  expect(run.last).toMatchObject({ type: 'error', code: 'REPOSITORY_INPUT' })
  expect(JSON.stringify(run.lines) + run.stderr).not.toContain('hunter2')
})
