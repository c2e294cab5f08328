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
  return plan.action === 'incremental' ? `incremental from ${plan.base}` : `${plan.action}: ${plan.reason}`
}

test('a disk whose last snapshot still serves as base is read by changed blocks, over NBD', () => {
  expect(reasonOf({}, intact)).toBe('incremental from snap-1')
  expect(planDisk(disk, intact, usual, true).source).toBe('nbd')
})

test('every full read and every comparison has its own reason', () => {
  const none: DiskHistory = { previous: undefined, base: undefined }
  expect(reasonOf({}, none, usual, false)).toBe('full: first-point')
  expect(reasonOf({}, none)).toBe('full: new-disk')
  expect(reasonOf({}, intact, { full: true, source: undefined })).toBe('full: forced')
  expect(reasonOf({ storage: { ...storage, canTrack: false } }, intact)).toBe('compare: cannot-track')
  expect(reasonOf({ storage: { ...storage, whyUntracked: 'licence' }, tracked: false }, intact)).toBe(
    'compare: cannot-track',
  )
  expect(reasonOf({ storage: { ...storage, whyUntracked: 'licence' } }, intact)).toBe('incremental from snap-1')
  expect(reasonOf({ tracked: false }, intact)).toBe('compare: tracking-off')
  expect(reasonOf({}, { previous, base: { state: 'missing' } })).toBe('compare: base-missing')
  expect(reasonOf({}, { previous: { ...previous, snapshot: null }, base: undefined })).toBe('compare: base-missing')
  expect(reasonOf({}, { previous, base: { state: 'unusable', detail: 'reverted' } })).toBe('compare: base-unusable')
  expect(reasonOf({ size: bytes(1 << 29) }, intact)).toBe('compare: size-decreased')
  expect(reasonOf({ storage: { ...storage, uuid: 'sr-2' } }, intact)).toBe('compare: storage-changed')
})

test('another disk in the place of the old one is compared with it', () => {
  expect(reasonOf({ vdiUuid: 'vdi-2' }, intact)).toBe('compare: disk-replaced')
})

test('the estimate is what the last increment took, the used bytes where holes are shown, or the whole disk', () => {
  const changed = { ...previous, action: 'incremental', bytes: { ...previous.bytes, changed: bytes(65_536) } } as const
  const estimate = (over: Partial<Disk>, history: DiskHistory, options = usual) =>
    planDisk({ ...disk, ...over }, history, options, true).estimate
  expect(estimate({}, { ...intact, previous: changed })).toBe(65_536)
  expect(estimate({ tracked: false, used: bytes(1 << 20) }, intact)).toBe(1 << 20)
  expect(estimate({ tracked: false, used: bytes(1 << 20) }, intact, { full: false, source: 'raw' })).toBe(1 << 30)
  expect(estimate({ tracked: false }, intact)).toBe(1 << 30)
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
