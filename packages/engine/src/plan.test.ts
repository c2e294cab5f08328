import { bytes } from '@tidemark/blocks'
import { expect, test } from 'vitest'
import { explain, planDisk, type DiskHistory, type PlanOptions } from './plan.ts'
import type { Disk } from './pool.ts'
import type { DiskRecord } from './vm-record.ts'

const storage = { uuid: 'sr-1', name: 'Local storage', type: 'ext', canTrack: true }
const disk: Disk = { position: 0, vdiUuid: 'vdi-1', name: 'system', size: bytes(1 << 30), storage, tracked: true }
const previous: DiskRecord = {
  position: 0,
  vdi: 'vdi-1',
  name: 'system',
  size: bytes(1 << 30),
  storage: { uuid: 'sr-1', name: 'Local storage', type: 'ext' },
  snapshot: 'snap-1',
  base: null,
  action: 'full',
  reason: '',
  source: 'vhd',
  bytes: { changed: bytes(0), read: bytes(0), new: bytes(0), stored: bytes(0) },
}
const intact: DiskHistory = { previous, base: { state: 'usable' } }
const usual: PlanOptions = { full: false, source: undefined }
const reasonOf = (over: Partial<Disk>, history: DiskHistory, options = usual, vmHasPoints = true) => {
  const plan = planDisk({ ...disk, ...over }, history, options, vmHasPoints)
  return plan.action === 'full' ? plan.reason : `incremental from ${plan.base}`
}

test('a disk whose last snapshot still serves as base is read by changed blocks, over NBD', () => {
  expect(reasonOf({}, intact)).toBe('incremental from snap-1')
  expect(planDisk(disk, intact, usual, true).source).toBe('nbd')
})

test('every full read has its own reason', () => {
  const none: DiskHistory = { previous: undefined, base: undefined }
  expect(reasonOf({}, none, usual, false)).toBe('first-point')
  expect(reasonOf({}, none)).toBe('new-disk')
  expect(reasonOf({}, intact, { full: true, source: undefined })).toBe('forced')
  expect(reasonOf({ storage: { ...storage, canTrack: false } }, intact)).toBe('cannot-track')
  expect(reasonOf({ storage: { ...storage, whyUntracked: 'licence' }, tracked: false }, intact)).toBe('cannot-track')
  expect(reasonOf({ storage: { ...storage, whyUntracked: 'licence' } }, intact)).toBe('incremental from snap-1')
  expect(reasonOf({ tracked: false }, intact)).toBe('tracking-off')
  expect(reasonOf({}, { previous, base: { state: 'missing' } })).toBe('base-missing')
  expect(reasonOf({}, { previous: { ...previous, snapshot: null }, base: undefined })).toBe('base-missing')
  expect(reasonOf({}, { previous, base: { state: 'unusable', detail: 'reverted' } })).toBe('base-unusable')
  expect(reasonOf({ size: bytes(1 << 29) }, intact)).toBe('size-decreased')
  expect(reasonOf({ storage: { ...storage, uuid: 'sr-2' } }, intact)).toBe('storage-changed')
})

test('growth alone is no reason for a full read', () => {
  expect(reasonOf({ size: bytes(2 ** 31) }, intact)).toBe('incremental from snap-1')
})

test('a full read takes the VHD stream, which shows the holes, as long as VHD can hold the disk', () => {
  const first = { previous: undefined, base: undefined }
  expect(planDisk(disk, first, usual, false).source).toBe('vhd')
  expect(planDisk({ ...disk, size: bytes(3 * 1024 ** 4) }, first, usual, false).source).toBe('nbd')
  expect(planDisk(disk, first, { full: false, source: 'raw' }, false).source).toBe('raw')
})

test("the pool's own words are part of the sentence", () => {
  const plan = planDisk(disk, { previous, base: { state: 'unusable', detail: 'its tracking is gone' } }, usual, true)
  expect(explain(plan)).toContain('its tracking is gone')
})
