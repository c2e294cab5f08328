import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { blockIndex, bytes, CBT_BLOCK, isMarked } from '@tidemark/blocks'
import { expect, test } from 'vitest'
import { openStorage, type Storage } from '../src/storage/index.ts'
import { REGION, REGIONS, Report } from './storage-report.ts'

const KILLS = 12

test(
  'a storage killed at any moment keeps every acknowledged write, snapshot and mark',
  { timeout: 120_000 },
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'lab-kill-'))
    try {
      const report = new Report()
      {
        await using storage = await openStorage({ directory })
        await storage.create('disk', bytes(REGIONS * REGION))
        await storage.enableTracking('disk')
      }
      for (let kill = 0; kill < KILLS; kill++) {
        await liveAndDie(directory, report, 20 + Math.random() * 250)
        await using storage = await openStorage({ directory })
        await expectNothingLost(storage, report)
        await forgetOld(storage, report)
      }
      expect(report.nextStamp).toBeGreaterThan(KILLS) // it did work; how much is the machine's affair
      expect(report.snapshots.size).toBeGreaterThan(0)
    } finally {
      await rm(directory, { recursive: true })
    }
  },
)

/** Lets the victim work for a while after its first words, and kills it in the middle of whatever it does. */
async function liveAndDie(directory: string, report: Report, lifeMs: number): Promise<void> {
  const victim = fileURLToPath(new URL('storage-victim.ts', import.meta.url))
  const args = ['--conditions=@tidemark/source', victim, directory, `${report.nextStamp}`, `${report.nextSnapshot}`]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })
  const ended = once(lines, 'close')
  const ready = once(lines, 'line')
  lines.on('line', (line) => report.line(line))
  await Promise.race([ready, exited])
  await setTimeout(lifeMs)
  child.kill('SIGKILL')
  const [, signal] = (await exited) as [number | null, string | null]
  await ended
  expect(signal).toBe('SIGKILL') // anything else is an error of the victim, printed above
}

async function expectNothingLost(storage: Storage, report: Report): Promise<void> {
  const present: { id: string; begun: number; done: number }[] = []
  for (const [number, { begun, done, gone, data }] of report.snapshots) {
    const id = `snapshot${number}`
    if (storage.has(id)) expect(gone).not.toBe('yes')
    else expect(done === Infinity || gone !== 'no').toBe(true)
    if (!storage.has(id)) continue
    expect(storage.isTracked(id)).toBe(true)
    if (data !== 'perhaps') expect(storage.hasData(id)).toBe(data === 'yes')
    if (storage.hasData(id)) await expectStamps(storage, report, id, begun, done)
    present.push({ id, begun, done })
  }
  await expectStamps(storage, report, 'disk', Infinity, Infinity)
  present.push({ id: 'disk', begun: Infinity, done: Infinity })
  for (const [at, to] of present.entries()) {
    for (const from of present.slice(0, at)) await expectMarked(storage, report, from, to)
  }
}

/** Keeps the chain short from one life to the next. */
async function forgetOld(storage: Storage, report: Report): Promise<void> {
  const present = [...report.snapshots.keys()].filter((number) => storage.has(`snapshot${number}`))
  for (const number of present.slice(0, -4)) {
    await storage.destroy(`snapshot${number}`)
    report.destroyed(number)
  }
}

/** A snapshot shows one stamp per region; in the disk itself a write may have been cut off in the middle. */
async function expectStamps(storage: Storage, report: Report, id: string, begun: number, done: number): Promise<void> {
  for (let region = 0; region < REGIONS; region++) {
    const content = Buffer.from(await storage.read(id, region * REGION, REGION))
    const found = new Set<number>()
    for (let at = 0; at < REGION; at += 4) found.add(content.readUInt32LE(at))
    const { least, most } = report.stampsOf(region, begun, done)
    for (const stamp of found) {
      expect(stamp).toBeGreaterThanOrEqual(least)
      expect(stamp).toBeLessThanOrEqual(most)
    }
  }
}

/** Every write that was begun after the older one was there, and done before the newer one was begun, is marked. */
async function expectMarked(
  storage: Storage,
  report: Report,
  from: { id: string; done: number },
  to: { id: string; begun: number },
): Promise<void> {
  const bitmap = await storage.changedBlocks(from.id, to.id)
  for (const region of report.regionsWritten(from.done, to.begun)) {
    const last = Math.floor(((region + 1) * REGION - 1) / CBT_BLOCK)
    for (let block = Math.floor((region * REGION) / CBT_BLOCK); block <= last; block++) {
      expect(isMarked(bitmap, blockIndex(block))).toBe(true)
    }
  }
}
