import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { blockIndex, decodeBitmap, isMarked, bytes, MiB } from '@tidemark/blocks'
import { expect, test } from 'vitest'
import { openLabControl, startLab, type Lab, type LabControl } from '../src/index.ts'
import { bareCall, loggedIn, quick, type RawClient } from './harness.ts'

const VICTIM = fileURLToPath(new URL('victim.ts', import.meta.url))
const KILLS = 4
const BLOCKS = 64

/** What the lab has acknowledged. */
interface Acknowledged {
  /** The last value written to each block. */
  readonly blocks: Map<number, number>
  /** Snapshots in order, each with the blocks written since the one before. */
  readonly snapshots: { ref: string; written: Set<number>; label: string }[]
  /** Written since the last snapshot, acknowledged or not. */
  written: Set<number>
  /** Blocks with an acknowledged write that began after the first snapshot. */
  readonly certain: Set<number>
  /** The write that was under way when the lab died: it may have happened. */
  doubtful: { block: number; value: number } | undefined
}

test(
  'a lab killed at any moment opens again with every acknowledged write, call and change log',
  { timeout: 60_000 },
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tidemark-lab-kill-'))
    let child: ChildProcess | undefined
    try {
      const known: Acknowledged = {
        blocks: new Map(),
        snapshots: [],
        written: new Set(),
        certain: new Set(),
        doubtful: undefined,
      }
      const { disk, uuid } = await makeDisk(directory)
      for (let round = 0; round < KILLS; round++) {
        child = spawn(process.execPath, ['--conditions=@tidemark/source', VICTIM, directory], {
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        if (child.stdout !== null) await once(child.stdout, 'data')
        const control = await openLabControl(directory)
        const killed = killLater(child, 150 + 200 * round)
        const guest = writeUntilDeath(control, uuid, known, round)
        await callUntilDeath(control, disk, known).catch(() => undefined) // it ends by the death of the lab
        await Promise.all([guest, killed])
        await expectAcknowledged(directory, { disk, uuid }, known)
      }
      expect(known.snapshots.length).toBeGreaterThan(0) // how many is the machine's affair
    } finally {
      child?.kill('SIGKILL')
      await rm(directory, { recursive: true, force: true })
    }
  },
)

async function makeDisk(directory: string): Promise<{ disk: string; uuid: string }> {
  await using lab = await startLab({ ...quick, directory })
  const vm = await lab.control.createVm({ name: 'vm', disks: [{ size: 4 * MiB, tracked: true }] })
  return { disk: vm.disks[0]?.ref ?? '', uuid: vm.disks[0]?.uuid ?? '' }
}

async function killLater(child: ChildProcess, afterMs: number): Promise<void> {
  await sleep(afterMs)
  child.kill('SIGKILL')
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}

/** One block after the other, each with a new value, until the lab is gone. */
async function writeUntilDeath(control: LabControl, uuid: string, known: Acknowledged, round: number): Promise<void> {
  for (let count = 0; ; count++) {
    const [block, value] = [(count * 7 + round) % BLOCKS, (round * 50 + count) % 251]
    known.doubtful = { block, value }
    known.written.add(block)
    const isAfterFirst = known.snapshots.length > 0
    try {
      await control.writeDisk(uuid, block * 65_536, new Uint8Array(4096).fill(value))
    } catch {
      return
    }
    known.blocks.set(block, value)
    if (isAfterFirst) known.certain.add(block)
    known.doubtful = undefined
  }
}

/** Snapshots and renames, until the lab is gone. */
async function callUntilDeath(control: LabControl, disk: string, known: Acknowledged): Promise<void> {
  const { url, certificate, username } = await control.info()
  const lab = { url, certificate, username, password: quick.password } as Lab
  const client = await loggedIn({ lab })
  for (;;) {
    const before = known.written
    known.written = new Set()
    const ref = (await client.call('VDI.snapshot', disk).catch((error: unknown) => {
      for (const block of before) known.written.add(block)
      throw error
    })) as string
    // what was written while the snapshot was made may be on either side of it
    const written = new Set([...before, ...known.written])
    known.snapshots.push({ ref, written, label: '' })
    const label = `snapshot ${known.snapshots.length}`
    await client.call('VDI.set_name_label', ref, label)
    Object.assign(known.snapshots.at(-1) ?? {}, { label })
  }
}

async function expectAcknowledged(
  directory: string,
  { disk, uuid }: { readonly disk: string; readonly uuid: string },
  known: Acknowledged,
): Promise<void> {
  await using lab = await startLab({ ...quick, directory })
  for (const [block, value] of known.blocks) {
    const allowed = known.doubtful?.block === block ? [value, known.doubtful.value] : [value]
    const [found] = await lab.control.readDisk(uuid, block * 65_536, 1)
    expect(allowed).toContain(found)
  }
  if (known.doubtful !== undefined) {
    const [found = 0] = await lab.control.readDisk(uuid, known.doubtful.block * 65_536, 1)
    known.blocks.set(known.doubtful.block, found)
  }
  const client = await loggedIn({ lab })
  expect(await client.call('VDI.get_cbt_enabled', disk)).toBe(true)
  for (const { ref, label } of known.snapshots) {
    const found = await client.call('VDI.get_name_label', ref)
    if (label !== '') expect(found).toBe(label)
  }
  await expectMarked(client, disk, known)
}

/** Nothing is marked that was not written, and every acknowledged write since the first snapshot is. */
async function expectMarked(client: RawClient, disk: string, known: Acknowledged): Promise<void> {
  const [first, ...later] = known.snapshots
  if (first === undefined) return
  let from = first.ref
  for (const { ref, written } of later) {
    const bitmap = decodeBitmap((await client.call('VDI.list_changed_blocks', from, ref)) as string, bytes(4 * MiB))
    const marked = Array.from({ length: BLOCKS }, (_, block) => block).filter((block) =>
      isMarked(bitmap, blockIndex(block)),
    )
    for (const block of marked) expect([...written]).toContain(block)
    from = ref
  }
  const last = (await client.call('VDI.list_changed_blocks', first.ref, disk)) as string
  const bitmap = decodeBitmap(last, bytes(4 * MiB))
  for (const block of known.certain) expect(isMarked(bitmap, blockIndex(block))).toBe(true)
}

test('one process at a time has a lab directory open', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-lab-lock-'))
  try {
    await using lab = await startLab({ ...quick, directory })
    await expect(startLab({ ...quick, directory })).rejects.toMatchObject({ code: 'LAB_IN_USE' })
    await expect(bareCall(lab, 'system.listMethods', [])).resolves.toContain('VDI.snapshot')
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})

test('certificate, objects and disks are the same after a restart, sessions are not', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-lab-restart-'))
  try {
    const settings = { ...quick, directory }
    const first = await startLab(settings)
    const old = await loggedIn({ lab: first })
    const vm = await first.control.createVm({ name: 'vm', disks: [{ size: 2 * MiB }], running: true })
    await first.control.writeDisk(vm.disks[0]?.uuid ?? '', 0, Buffer.from('kept'))
    const snapshot = (await old.call('VM.snapshot', vm.ref, 'point')) as string
    const record = await old.call('VM.get_record', snapshot)
    await first.stop()
    await using second = await startLab(settings)
    expect(second.fingerprint).toBe(first.fingerprint)
    const client = await loggedIn({ lab: second })
    expect(await client.call('VM.get_record', snapshot)).toEqual(record)
    expect(Buffer.from(await second.control.readDisk(vm.disks[0]?.uuid ?? '', 0, 4)).toString()).toBe('kept')
    await expect(bareCall(second, 'VM.get_all', [old.session])).rejects.toMatchObject({
      failure: ['SESSION_INVALID', old.session],
    })
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
})
