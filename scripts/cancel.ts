// Backups and restores stopped by Ctrl-C at moments of chance: how long each took to end, and whether the next run left the pool clean.
// npm run cancel -- [--runs 20] [--seed 1]. docs/runs.md
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { parseArgs } from 'node:util'
import { MiB } from '@tidemark/blocks'
import { cancelled, type Moment } from '../test/support/cancelled.ts'
import { guestWrites, openBench, succeed } from '../test/support/pool.ts'

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '20' }, seed: { type: 'string', default: '1' } },
})
const SIZE = 512 * MiB
const stages = ['metadata', 'snapshot', 'disks', 'saving', 'clean-up']

await using bench = await openBench()
const vm = await bench.lab.control.createVm({ name: 'web', disks: [{ size: SIZE }] })
const vdi = vm.disks[0]?.uuid ?? ''
const blocks = Array.from({ length: SIZE / 65536 / 2 }, (_, i) => i)
await guestWrites(bench.lab, vdi, blocks, 'first')
await succeed(bench.tidemark('backup', 'web'))

/** From 0 to 1, the same for the same words. */
const chance = (...words: (string | number)[]): number =>
  createHash('sha256').update(words.join(' ')).digest().readUInt32BE(0) / 2 ** 32

const took: Record<string, number[]> = {}
let restores = 0
for (let n = 0; n < Number(values.runs); n++) {
  for (const kind of ['stage', 'reading', 'silence', 'restore'] as const) {
    const drawn = chance(values.seed, kind, n)
    const moved: Moment = { moved: Math.floor((drawn * SIZE) / 3) }
    const stage: Moment = { stage: stages[Math.floor(drawn * stages.length)] ?? 'disks' }
    if (kind !== 'restore') await guestWrites(bench.lab, vdi, blocks, `${kind} ${n}`)
    const args = kind === 'restore' ? ['restore', 'web', '--new-vm', '--name', `copy ${n}`] : ['backup', 'web']
    const stop = () => cancelled(bench, args, kind === 'stage' ? stage : moved, 'SIGINT')
    // a pool that lets a call of the tidying hang
    const hang = { id: `hang ${n}`, at: 'request', match: { method: '*VM.destroy' }, do: { action: 'hang' } } as const
    const silent = () => bench.withFaults([hang], () => cancelled(bench, args, { stage: 'clean-up' }, 'SIGINT'))
    const { code, ms } = await (kind === 'silence' ? silent() : stop())
    assert([0, 130].includes(code), `${kind} ${n} ended with ${code}`)
    ;(took[kind] ??= []).push(ms)
    if (kind === 'restore' && code === 0) restores++
    if (kind !== 'restore') await succeed(bench.tidemark('backup', 'web'))
  }
}
await succeed(bench.tidemark('restore', 'web', '--new-vm', '--name', 'last'))
await succeed(bench.tidemark('verify', 'web', '--against-pool'))
await using admin = await bench.admin()
const vms = Object.values(await admin.VM.get_all_records()).filter(
  (each) => !each.is_a_template && !each.is_control_domain,
)
const vdis = Object.values(await admin.VDI.get_all_records())
assert.equal(vms.filter((each) => each.is_a_snapshot).length, 0, 'snapshots are left')
assert.equal(vms.length, 2 + restores, 'VMs are left')
assert.equal(vdis.filter((each) => !each.is_a_snapshot).length, 2 + restores, 'disks are left')
assert.deepEqual(await bench.lab.control.invariants(), [])
for (const [kind, all] of Object.entries(took)) {
  const sorted = all.toSorted((a, b) => a - b)
  const at = (share: number) => ((sorted[Math.floor((sorted.length - 1) * share)] ?? NaN) / 1000).toFixed(2)
  console.log(`${kind}: ${all.length} stopped, median ${at(0.5)} s, longest ${at(1)} s`)
}
console.log('the pool is clean, and the newest point is the disk')
