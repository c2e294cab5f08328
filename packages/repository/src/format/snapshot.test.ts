import { expect, test } from 'vitest'
import { blobId, snapshotId } from '../id.ts'
import { decodeSnapshot, encodeSnapshot } from './snapshot.ts'

const id = snapshotId('ab'.repeat(32))
const tree = blobId('cd'.repeat(32))
const time = new Date('2026-11-22T10:00:00.250Z')

test('keys come in the order of restic, and what is empty is left out', () => {
  const json = encodeSnapshot({ time, tree, paths: ['/p/v'], hostname: 'h', tags: [], programVersion: 'tidemark 1' })
  expect(Buffer.from(json).toString()).toBe(
    `{"time":"2026-11-22T10:00:00.25Z","tree":"${tree}","paths":["/p/v"],"hostname":"h","program_version":"tidemark 1"}`,
  )
})

test('what was written is read back', () => {
  const summary = {
    backupStart: time,
    backupEnd: time,
    filesNew: 1,
    filesChanged: 2,
    filesUnmodified: 3,
    dirsNew: 4,
    dirsChanged: 5,
    dirsUnmodified: 6,
    dataBlobs: 7,
    treeBlobs: 8,
    dataAdded: 9,
    dataAddedPacked: 10,
    totalFilesProcessed: 11,
    totalBytesProcessed: 12,
  }
  const snapshot = {
    time,
    parent: id,
    tree,
    paths: ['/p/v'],
    hostname: 'h',
    username: 'u',
    tags: ['a'],
    original: id,
    summary,
  }
  expect(decodeSnapshot(encodeSnapshot(snapshot), id)).toEqual({ id, ...snapshot })
})

test('a time with nanoseconds and an offset is understood and kept; a snapshot without a tree is damage', () => {
  const json = `{"time":"2026-11-22T11:00:00.250999999+01:00","tree":"${tree}","paths":null,"unknown":1}`
  expect(decodeSnapshot(Buffer.from(json), id)).toEqual({
    id,
    time,
    timeText: '2026-11-22T11:00:00.250999999+01:00',
    tree,
    paths: [],
  })
  expect(() => decodeSnapshot(Buffer.from('{"time":"2026-11-22T11:00:00Z"}'), id)).toThrow(
    expect.objectContaining({ code: 'REPOSITORY_DAMAGED', file: `snapshots/${id}` }),
  )
})
