import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MiB } from '@tidemark/blocks'
import { startLab, type Lab } from '@tidemark/lab'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { guestWrites } from './support/pool.ts'
import { XenOrchestra } from './support/xen-orchestra.ts'

const auth = { user: 'root', password: 'correct horse' }
let directory: string
let lab: Lab
let xo: XenOrchestra
let vm: string
let disk: { readonly ref: string; readonly uuid: string }

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tm-xo-faults-'))
  lab = await startLab({ directory: join(directory, 'lab'), password: auth.password, httpsPort: 0, nbdPort: 0 })
  const made = await lab.control.createVm({ name: 'web', disks: [{ size: 8 * MiB, tracked: true }], running: true })
  vm = made.ref
  disk = made.disks[0] ?? { ref: '', uuid: '' }
  await guestWrites(lab, disk.uuid, [0, 50, 127], 'before the faults')
  xo = new XenOrchestra()
  const callRetryWhenTooManyPendingTasks = { delay: 50, tries: 5 }
  await xo.do('connect', { url: lab.url, auth, allowUnauthorized: true, callRetryWhenTooManyPendingTasks })
})
afterEach(() => lab.control.assertFaultsFired())
afterAll(async () => {
  await xo[Symbol.asyncDispose]()
  await lab[Symbol.asyncDispose]()
  await rm(directory, { recursive: true, force: true })
})

test('a pool with too much to do is asked again', async () => {
  await lab.control.failCall({ method: 'Async.VM.snapshot', times: 2, failure: ['TOO_MANY_PENDING_TASKS'] })
  const snapshot = await xo.do('callAsync', 'VM.snapshot', vm, 'at last')
  expect(await xo.do('call', 'VM.get_name_label', snapshot)).toBe('at last')
  await xo.do('method', 'VM_destroy', snapshot)
})

test('an export that fails after its head is seen by the answer in the place of data', async () => {
  const fault = { at: 'disk-read', match: { vdi: disk.uuid }, do: { action: 'io-error' }, times: 'always' } as const
  await lab.control.planFaults({ faults: [{ id: 'unreadable', ...fault }] })
  const path = join(directory, 'never.raw')
  await expect(xo.do('exportDisk', disk.ref, path, { format: 'raw' })).rejects.toThrow(
    'invalid HTTP header in response',
  )
  await lab.control.clearFaults()
})

test('an NBD connection that is cut is made anew, and the disk read in full', async () => {
  const [info] = await xo.do('call', 'VDI.get_nbd_info', disk.ref)
  const fault = { at: 'nbd-reply', match: { vdi: disk.uuid }, after: 20, do: { action: 'cut' } } as const
  await lab.control.planFaults({ faults: [{ id: 'cut', ...fault }] })
  const whole = { size: 8 * MiB, sha256: await lab.control.sha256(disk.uuid) }
  expect(await xo.do('readOverNbd', info)).toEqual(whole)
})

test('a broken change log sends XO to the stream, which has every change', async () => {
  const base = await xo.do('call', 'VDI.snapshot', disk.ref)
  await guestWrites(lab, disk.uuid, [70], 'after the base')
  const newer = await xo.do('call', 'VDI.snapshot', disk.ref)
  await lab.control.breakTracking(await xo.do('call', 'VDI.get_uuid', newer))
  const read = await xo.do('readDisk', { vdiRef: newer, baseRef: base, preferNbd: true })
  expect(read).toMatchObject({ nbd: true, cbt: false, blocks: [2] })
  for (const ref of [newer, base]) await xo.do('method', 'VDI_destroy', ref)
})

test('afterwards mirror and pool agree', async () => {
  expect(await xo.do('differences')).toMatchObject({ differences: [] })
  expect(await lab.control.invariants()).toEqual([])
})
