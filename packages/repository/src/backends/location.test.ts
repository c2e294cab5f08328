import { expect, test } from 'vitest'
import { parseLocation } from './location.ts'

test('a path and local: are a directory', () => {
  expect(parseLocation('/srv/backup')).toEqual({ kind: 'local', path: '/srv/backup' })
  expect(parseLocation('local:/srv/a:b')).toEqual({ kind: 'local', path: '/srv/a:b' })
  expect(parseLocation('./here')).toEqual({ kind: 'local', path: './here' })
})

test('S3 is spelled as restic spells it', () => {
  const bucket = { kind: 's3', endpoint: 'https://s3.example.org', bucket: 'backup', prefix: 'pool/one' }
  expect(parseLocation('s3:s3.example.org/backup/pool/one')).toEqual(bucket)
  expect(parseLocation('s3://s3.example.org/backup/pool/one/')).toEqual(bucket)
  expect(parseLocation('s3:https://s3.example.org/backup/pool/one')).toEqual(bucket)
  expect(parseLocation('s3:http://127.0.0.1:9000/backup')).toEqual({
    kind: 's3',
    endpoint: 'http://127.0.0.1:9000',
    bucket: 'backup',
    prefix: '',
  })
})

test('a REST server keeps its user and gains a last slash', () => {
  expect(parseLocation('rest:https://vm@backup.example.org:8000/pool')).toEqual({
    kind: 'rest',
    url: 'https://backup.example.org:8000/pool/',
    username: 'vm',
  })
  expect(parseLocation('rest:http://127.0.0.1:8000')).toEqual({
    kind: 'rest',
    url: 'http://127.0.0.1:8000/',
    username: '',
  })
})

test('a secret in a URL is refused, and not repeated', () => {
  for (const url of ['rest:https://vm:secret@host/', 's3:https://AKEY:secret@host/bucket']) {
    const parse = () => parseLocation(url)
    expect(parse).toThrow(expect.objectContaining({ code: 'REPOSITORY_INPUT' }))
    expect(parse).not.toThrow(/secret/)
  }
})

test('what cannot be a repository is told with what to write instead', () => {
  const refused: [string, string, RegExp][] = [
    ['', 'REPOSITORY_INPUT', /path or a URL/],
    ['s3:', 'REPOSITORY_INPUT', /s3:<host>/],
    ['s3:host', 'REPOSITORY_INPUT', /no bucket/],
    ['rest:ftp://host/', 'REPOSITORY_INPUT', /rest:https/],
    ['rest:nothing', 'REPOSITORY_INPUT', /rest:https/],
    ['https://host/', 'REPOSITORY_INPUT', /rest:https/],
    ['sftp:host:/srv', 'REPOSITORY_UNSUPPORTED', /rclone serve restic/],
  ]
  for (const [url, code, message] of refused) {
    const parse = () => parseLocation(url)
    expect(parse, url).toThrow(expect.objectContaining({ code }))
    expect(parse, url).toThrow(message)
  }
})
