import { LabError } from '../error.ts'
import type { Pool } from '../pool.ts'
import type { Storage } from '../storage/index.ts'
import type { PlannedFaults } from './planned.ts'
import { Room } from './room.ts'
import { pause } from './wait.ts'

const originals = new WeakMap<Storage, Storage>()

/** The storage itself, for looks that are no reads of the pool. */
export const unguarded = (storage: Storage): Storage => originals.get(storage) ?? storage

/**
 * The same storage, as the pool sees it: an SR that no host has plugged answers with I/O errors, one that is full takes
 * no more, and a plan may break single accesses.
 * @returns a storage whose calls also throw LabError LAB_STORAGE_IO, LAB_STORAGE_FULL
 */
export function guardStorage(storage: Storage, pool: () => Pool, planned: PlannedFaults): Storage {
  const room = new Room(storage, pool)
  const reading = async (id: string): Promise<void> => {
    assertReachable(pool(), id)
    const action = planned.event('disk-read', { vdi: id })?.action
    if (action?.action === 'io-error') throw broken(id)
    if (action?.action === 'delay') await pause(action.ms, pool().closing)
  }
  const writing = async (id: string, by: string): Promise<void> => {
    assertReachable(pool(), id)
    const action = planned.event('disk-write', { vdi: id, by })?.action
    if (action?.action === 'full') throw new LabError('LAB_STORAGE_FULL', `the SR of ${id} is full`)
    if (action?.action === 'io-error') throw broken(id)
    if (action?.action === 'delay') await pause(action.ms, pool().closing)
  }
  const guarded: Partial<Storage> = {
    async read(id, offset, length) {
      await reading(id)
      return storage.read(id, offset, length)
    },
    async readInto(id, offset, into) {
      await reading(id)
      return storage.readInto(id, offset, into)
    },
    async write(id, offset, data) {
      await writing(id, 'write')
      const isWritable = storage.has(id) && !storage.isFrozen(id) // else the storage says what is wrong
      const written = await room.take(id, isWritable ? storage.growth(id, offset, data.length) : 0)
      return storage.write(id, offset, data).finally(written)
    },
    async writeZeroes(id, offset, length) {
      assertReachable(pool(), id)
      return storage.writeZeroes(id, offset, length)
    },
    async trim(id, offset, length) {
      assertReachable(pool(), id)
      return storage.trim(id, offset, length)
    },
    async create(id, size) {
      await writing(id, 'create')
      return storage.create(id, size)
    },
    async snapshot(source, target) {
      await writing(source, 'snapshot')
      return storage.snapshot(source, target)
    },
    async clone(source, target) {
      await writing(source, 'clone')
      return storage.clone(source, target)
    },
  }
  const whole = new Proxy(storage, {
    get(target, name) {
      const member: unknown = Reflect.get(guarded, name) ?? Reflect.get(target, name)
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
  originals.set(whole, storage)
  return whole
}

const broken = (id: string): LabError => new LabError('LAB_STORAGE_IO', `an I/O error of ${id}, as planned`)

/** @throws LabError LAB_STORAGE_IO when no host has the disk's SR plugged */
function assertReachable({ db }: Pool, id: string): void {
  const vdi = db.findByUuid('VDI', id)
  if (vdi === undefined) return // it is being made
  const { SR } = db.get('VDI', vdi)
  const plugged = db.get('SR', SR).PBDs.some((pbd) => db.get('PBD', pbd).currently_attached)
  if (!plugged) throw new LabError('LAB_STORAGE_IO', `no host has the SR of ${id} plugged`)
}
