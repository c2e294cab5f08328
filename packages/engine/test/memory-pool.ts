import { bytes, CBT_BLOCK, extent, toBitmap, type Bytes, type Extents } from '@tidemark/blocks'
import type { Chunk, Disk, DiskSource, Leftover, Pool, SourceKind, Storage, Vm, VmSnapshot } from '@tidemark/engine'

const storage: Storage = { uuid: 'sr-1', name: 'Local storage', type: 'ext', canTrack: true }

/** A disk of the small pool: its bytes, and what was written since its last snapshot. */
interface MemoryDisk {
  data: Uint8Array<ArrayBuffer>
  tracked: boolean
  written: Set<number>
}

interface Frozen {
  readonly uuid: string
  readonly of: string
  data: Uint8Array | undefined
  /** Blocks written between the snapshot before and this one; undefined when tracking was off. */
  readonly changed: Set<number> | undefined
  readonly repository: string
}

/** One VM with disks in memory, tracked as a pool does. Shares no code with the lab. */
export interface MemoryPool extends Pool {
  readonly vm: Vm
  readonly disks: ReadonlyMap<string, MemoryDisk>
  /** Snapshots that exist now, data or not. */
  readonly frozen: Frozen[]
  /** Every byte range that was read, by source kind. */
  readonly reads: { readonly kind: SourceKind; readonly offset: number; readonly length: number }[]
  write(vdi: string, block: number, fill: number): void
  grow(vdi: string, size: number): void
  /** Called before each call of the pool; may throw. */
  before: (call: string) => void
  /** Whether sources tell their holes. */
  showHoles: boolean
  /** Changed blocks that bitmaps leave out. */
  hides: (block: number) => boolean
  /** The disk's bytes under another UUID, as after a revert. */
  replace(vdi: string): string
}

export function memoryPool(sizes: readonly number[]): MemoryPool {
  const disks = new Map(
    sizes.map((size, i) => [`vdi-${i}`, { data: new Uint8Array(size), tracked: false, written: new Set<number>() }]),
  )
  const frozen: Frozen[] = []
  const taken = new Map<string, { name: string; repository: string; own: readonly Frozen[]; takenAt: Date }>()
  const reads: MemoryPool['reads'] = []
  let made = 0
  const describeDisk = (vdiUuid: string, { data, tracked }: MemoryDisk): Disk => ({
    position: Number(vdiUuid[4]),
    vdiUuid,
    name: vdiUuid,
    size: bytes(data.length),
    storage,
    tracked,
  })
  const known = (uuid: string): MemoryDisk => {
    const disk = disks.get(uuid)
    if (disk === undefined) throw new Error(`no disk ${uuid}`)
    return disk
  }
  /** What was written before a snapshot that goes counts for the next one. */
  const drop = (uuid: string) => {
    const at = frozen.findIndex((each) => each.uuid === uuid)
    const [gone] = frozen.splice(at, 1)
    const next = frozen.slice(at).find((each) => each.of === gone?.of)
    for (const block of gone?.changed ?? [])
      (next ?? { changed: disks.get(gone?.of ?? '')?.written }).changed?.add(block)
  }

  const held = (uuid: string): VmSnapshot => {
    const { own, takenAt } = taken.get(uuid) ?? { own: [], takenAt: new Date() }
    return {
      uuid,
      takenAt,
      disks: new Map(own.map((copy) => [copy.of, frozenDisk(copy)])),
      async keepAsBase() {
        pool.before('keepAsBase')
        for (const copy of own) copy.data = undefined
        taken.delete(uuid)
      },
      async [Symbol.asyncDispose]() {
        if (taken.delete(uuid)) for (const copy of own) drop(copy.uuid)
      },
    }
  }

  const pool: MemoryPool = {
    disks,
    frozen,
    reads,
    before: () => {},
    showHoles: true,
    hides: () => false,
    get vm(): Vm {
      const list = [...disks].map(([uuid, disk]) => describeDisk(uuid, disk))
      return { uuid: 'vm-1', name: 'web', powerState: 'Running', tags: [], disks: list }
    },
    identity: { uuid: 'pool-1', name: 'memory' },
    write(vdi, block, fill) {
      const disk = known(vdi)
      disk.data.fill(fill, block * CBT_BLOCK, (block + 1) * CBT_BLOCK)
      disk.written.add(block)
    },
    grow(vdi, size) {
      const disk = known(vdi)
      const data = new Uint8Array(size)
      data.set(disk.data)
      disk.data = data
    },
    replace(vdi) {
      const disk = known(vdi)
      const uuid = `vdi-${vdi.slice(4)}00`
      disks.delete(vdi)
      disks.set(uuid, { ...disk, tracked: false })
      return uuid
    },
    vms: async () => [pool.vm],
    async baseOf(_, uuid) {
      pool.before('baseOf')
      return frozen.some((each) => each.uuid === uuid) ? { state: 'usable' } : { state: 'missing' }
    },
    async enableTracking({ vdiUuid }) {
      pool.before('enableTracking')
      known(vdiUuid).tracked = true
      known(vdiUuid).written = new Set()
    },
    async exportMetadata() {
      pool.before('exportMetadata')
      return new TextEncoder().encode('settings')
    },
    async snapshot(vm, { repository, leftOut, name }): Promise<VmSnapshot> {
      pool.before('snapshot')
      const own = vm.disks
        .filter(({ vdiUuid }) => !leftOut.some((each) => each.vdiUuid === vdiUuid))
        .map(({ vdiUuid }) => {
          const disk = known(vdiUuid)
          const changed = disk.tracked ? disk.written : undefined
          disk.written = new Set()
          const copy: Frozen = { uuid: `snap-${++made}`, of: vdiUuid, data: disk.data.slice(), changed, repository }
          frozen.push(copy)
          return copy
        })
      const uuid = `vm-snap-${made}`
      taken.set(uuid, { name, repository, own, takenAt: new Date() })
      return held(uuid)
    },
    async reopenSnapshot(_, { uuid, disks: wanted }) {
      pool.before('reopenSnapshot')
      const own = taken.get(uuid)?.own ?? []
      return wanted.every((each) => own.some((copy) => copy.of === each && frozen.includes(copy)))
        ? held(uuid)
        : undefined
    },
    leftovers: async () =>
      [...taken].map(([uuid, { name, repository, own }]): Leftover => {
        const none = { disk: undefined, point: undefined, position: undefined, mark: undefined, usedBy: [] }
        return { ...none, kind: 'vm-snapshot', uuid, name, repository, vm: 'vm-1', disks: own.map((copy) => copy.uuid) }
      }),
    finishLeftover: async ({ uuid }, point) => held(uuid).keepAsBase(point),
    removeLeftover: async ({ uuid }) => held(uuid)[Symbol.asyncDispose](),
    async dropOldBases({ vdiUuid }, repository, keep) {
      pool.before('dropOldBases')
      const old = frozen.filter((each) => each.of === vdiUuid && each.repository === repository && each.uuid !== keep)
      for (const { uuid } of old) drop(uuid)
    },
    holdsData: async () => false,
    openDisk: async (uuid, kind) => source(known(uuid).data, kind),
    trials: {
      boot: async () => ({ tookMs: 1, system: {}, networks: {}, data: {} }),
      destroy: async () => {},
    },
    restore: {
      facts: async () => ({
        storages: [storage],
        networks: [{ uuid: 'net-1', name: 'Pool-wide network' }],
        macs: new Map(),
        vms: new Set(['vm-1']),
        hosts: [],
      }),
      settingsOf: () => ({
        name: 'web',
        virtualCpus: 1,
        memory: bytes(0),
        firmware: 'BIOS',
        hasTpm: false,
        isSuspended: false,
        cards: [],
      }),
      attachDisk: async () => '1',
      async createDisk({ size }) {
        pool.before('createDisk')
        const uuid = `vdi-${disks.size}`
        disks.set(uuid, { data: new Uint8Array(size), tracked: false, written: new Set() })
        return { uuid, size, isZeroed: true }
      },
      async destroyDisk(uuid) {
        disks.delete(uuid)
      },
      releaseDisk: async () => {},
      diskState: async (uuid) => (disks.has(uuid) ? { size: bytes(known(uuid).data.length), usedBy: [] } : undefined),
      markTorn: async () => {},
      clearTorn: async () => {},
      writesParts: true,
      async writeDisk(uuid, { extents, body }) {
        pool.before('writeDisk')
        const places = extents.flatMap(({ offset, length }) => Array.from({ length }, (_, i) => offset + i))
        let at = 0
        for await (const part of body()) for (const byte of part) known(uuid).data[places[at++] ?? -1] = byte
      },
      changedSince: async () => ({ known: false, detail: 'a small pool' }),
      safetySnapshots: async () => [],
      async importVm(_, { name }) {
        pool.before('importVm')
        return { ...pool.vm, uuid: 'vm-2', name }
      },
    },
  }

  function frozenDisk(copy: Frozen) {
    const size: Bytes = bytes(copy.data?.length ?? 0)
    return {
      uuid: copy.uuid,
      size,
      tracked: copy.changed !== undefined,
      async changedSince(base: string) {
        pool.before('changedSince')
        const from = frozen.findIndex((each) => each.uuid === base)
        const to = frozen.indexOf(copy)
        const between = frozen.slice(from + 1, to + 1).filter((each) => each.of === copy.of)
        if (from < 0 || between.some(({ changed }) => changed === undefined))
          return { known: false as const, detail: 'unrelated' }
        const blocks = new Set(between.flatMap(({ changed }) => [...(changed ?? [])]))
        const marks = [...blocks].filter((block) => !pool.hides(block)).map((block) => extent(block * CBT_BLOCK, 1))
        return { known: true as const, bitmap: toBitmap(marks, size) }
      },
      async open(kind: SourceKind) {
        pool.before('open')
        return source(copy.data ?? new Uint8Array(), kind)
      },
    }
  }

  function source(data: Uint8Array, kind: SourceKind): DiskSource {
    return {
      kind,
      size: bytes(data.length),
      async *read(extents: Extents): AsyncGenerator<Chunk> {
        for (const { offset, length } of extents) {
          pool.before('read')
          if (pool.showHoles && kind === 'vhd') yield* blocksOf(offset, length)
          else yield* pieces(offset, length)
        }
      },
      async [Symbol.asyncDispose]() {},
    }

    function* pieces(offset: number, length: number): Generator<Chunk> {
      reads.push({ kind, offset, length })
      const half = Math.ceil(length / 2) // chunks of any size
      yield { offset, data: data.subarray(offset, offset + half) }
      if (half < length) yield { offset: offset + half, data: data.subarray(offset + half, offset + length) }
    }

    function* blocksOf(offset: number, length: number): Generator<Chunk> {
      for (let at = offset; at < offset + length; at += VHD_BLOCK) {
        const part = Math.min(VHD_BLOCK, offset + length - at)
        pool.before('block')
        if (data.subarray(at, at + part).some((byte) => byte !== 0)) yield* pieces(at, part)
        else yield { offset: at, length: part, data: 'zero' }
      }
    }
  }
  return pool
}

const VHD_BLOCK = 2 * 1024 * 1024
