import { bytes, GiB, MiB } from '@tidemark/blocks'
import { expect, test } from 'vitest'
import type { Disk } from './pool.ts'
import { assertSpace, snapshotNeeds } from './space.ts'

const disk = (storage: string, size: number, allocation: 'whole' | 'written', free: number): Disk => ({
  position: 0,
  vdiUuid: `${storage}-${size}`,
  name: 'system',
  size: bytes(size),
  storage: {
    uuid: storage,
    name: storage,
    type: allocation === 'whole' ? 'lvm' : 'ext',
    canTrack: true,
    space: { free: bytes(free), allocation },
  },
  tracked: true,
})

test('where disks are allocated whole, a snapshot may take their full sizes, all disks of one storage together', () => {
  const [need] = snapshotNeeds([disk('thick', 10 * GiB, 'whole', GiB), disk('thick', 20 * GiB, 'whole', GiB)])
  expect(need?.need).toBeGreaterThanOrEqual(30 * GiB)
  expect(need?.need).toBeLessThan(30.2 * GiB)
})

test('elsewhere it takes next to nothing', () => {
  const [need] = snapshotNeeds([disk('thin', 100 * GiB, 'written', GiB)])
  expect(need?.need).toBeLessThan(256 * MiB)
})

test('a snapshot that may fill a storage is refused with what to do; one that fits is not', () => {
  expect(() => assertSpace([disk('thick', 10 * GiB, 'whole', 10 * GiB)])).toThrow(
    /'thick' \(lvm\) has 10.0 GiB free.*--ignore-space/,
  )
  expect(() =>
    assertSpace([disk('thick', 10 * GiB, 'whole', 11 * GiB), disk('thin', 99 * GiB, 'written', GiB)]),
  ).not.toThrow()
})

test('each storage counts for itself', () => {
  const disks = [disk('one', 10 * GiB, 'whole', 11 * GiB), disk('two', 10 * GiB, 'whole', 11 * GiB)]
  expect(() => assertSpace(disks)).not.toThrow()
})
