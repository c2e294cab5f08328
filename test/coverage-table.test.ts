import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, test } from 'vitest'
import { rowsOf, rowsWithoutTests } from './support/table.ts'

const TABLE = readFileSync(resolve(import.meta.dirname, '../docs/lab-coverage.md'), 'utf8')

/** Calls and handlers that third-party clients make: XenAPI.py, the samples, cbttests, xe, Xen Orchestra. */
const CALLS = [
  ...'session.login_with_password session.logout session.get_this_host system.listMethods'.split(' '),
  ...'pool.get_all pool.get_all_records pool.get_master pool.add_to_other_config pool.remove_from_other_config'.split(
    ' ',
  ),
  ...'host.get_address host.get_hostname host.get_by_uuid host.get_API_version_major network.get_all'.split(' '),
  ...'network.add_purpose network.remove_purpose network.get_MTU SR.get_by_uuid SR.get_record SR.scan'.split(' '),
  ...'SR.get_allowed_operations SM.get_all_records event.from event.inject task.create task.destroy'.split(' '),
  ...'task.cancel task.get_status task.get_record task.get_result task.set_progress task_create task_set_status'.split(
    ' ',
  ),
  ...'VDI.create VDI.destroy VDI.snapshot VDI.clone VDI.resize VDI.copy VDI.enable_cbt VDI.disable_cbt'.split(' '),
  ...'VDI.data_destroy VDI.list_changed_blocks VDI.get_nbd_info VDI.checksum VDI.set_name_label'.split(' '),
  ...'VDI.get_cbt_enabled VDI.get_snapshot_of VDI.get_snapshots VDI.get_snapshot_time VDI.get_virtual_size'.split(' '),
  ...'VBD.create VBD.destroy VBD.plug VBD.unplug VBD.unplug_force VIF.create VIF.destroy VM.create VM.snapshot'.split(
    ' ',
  ),
  ...'VM.destroy VM.clone VM.get_allowed_VBD_devices VM.get_allowed_VIF_devices VM.start VM.hard_shutdown'.split(' '),
  ...'VM.clean_shutdown VM.set_is_a_template VM.add_tags VM.update_allowed_operations VM.set_bios_strings'.split(' '),
  ...'VM.add_to_blocked_operations VM.remove_from_blocked_operations VM.revert VM.get_VTPMs VTPM.create'.split(' '),
  ...'/RPC2 /xmlrpc /jsonrpc /export_raw_vdi /import_raw_vdi /export_metadata /import_metadata /export /import'.split(
    ' ',
  ),
]

/** Files that rows name by a short name. */
const shortNames = new Map(
  [...TABLE.matchAll(/`(XO[^`]*)` (?:stands )?for\s+`([^`]+)`/g)].map(([, short = '', path = '']) => [short, path]),
)

test('every call and handler of the third-party clients has a row', () => {
  const missing = CALLS.filter((call) => !mentions(call))
  expect(missing).toEqual([])
})

/** By its whole name, or as one of `Class.a`, `b`, `c`. */
const mentions = (call: string): boolean => new RegExp(`${call.replace('.', String.raw`\.`)}(?![\\w])`).test(TABLE)

test('every row names tests that exist', () => {
  const rows = rowsOf(TABLE).filter((row) => !row.startsWith('| call'))
  expect(rows.length).toBeGreaterThan(40)
  expect(rowsWithoutTests(rows, shortNames)).toEqual([])
})
