import { decodeTyped, decodeXmlValue, parseType } from '@tidemark/xenapi/codec'
import { NULL_REF, type Download, type HandlerRequest, type SrRef, type VdiRef, type VmRef } from '@tidemark/xenapi'
import { refOf, uuidOf } from '../action.ts'
import { refused } from '../complaint.ts'
import type { Command, Job } from '../command.ts'
import type { Params } from '../params.ts'
import { forVms } from '../select-vms.ts'
import { openSource, saveTo, withProgress } from '../transfer.ts'
import { snapshotOf } from './snapshot.ts'

const archiveOptions = ['preserve-power-state', 'compress', 'metadata', 'excluded-device-types', 'include-snapshots']

export const transferCommands: readonly Command[] = [
  {
    name: 'vdi-export',
    required: ['uuid', 'filename'],
    optional: ['format', 'base', 'progress'],
    help: "Write a disk to a file; an empty filename is the standard output. 'format' is raw, vhd, qcow2 or tar, 'base' the uuid of an older disk: then only the differences, as vhd or qcow2.",
    run: exportVdi,
  },
  {
    name: 'vdi-import',
    required: ['uuid', 'filename'],
    optional: ['format', 'progress'],
    help: 'Write a file into a disk. An empty filename is the standard input, from which a raw disk can be read as it has a known length.',
    run: importVdi,
  },
  {
    name: 'vm-export',
    required: ['filename'],
    optional: archiveOptions,
    help: 'Write the selected VM to a file; with metadata=true only its description.',
    isCommon: true,
    takesVms: true,
    run: exportVms,
  },
  {
    name: 'snapshot-export-to-template',
    required: ['filename', 'snapshot-uuid'],
    optional: archiveOptions.slice(0, 4),
    help: 'Write a snapshot of a VM to a file, from which it comes back as a template.',
    isCommon: true,
    run: async (job) => exportOne(job, await snapshotOf(job), job.params.need('filename')),
  },
  {
    name: 'vm-import',
    required: ['filename'],
    optional: ['preserve', 'sr-uuid', 'force', 'dry-run', 'metadata', 'vdi:'],
    help: "Make a VM of a file and print its uuid. preserve=true keeps uuids and MAC addresses; with metadata=true, 'vdi:<uuid in the file>=<uuid>' names the disks to attach.",
    isCommon: true,
    run: importVms,
  },
]

async function exportVdi(job: Job): Promise<void> {
  const { pool, params, terminal } = job
  const vdi = await refOf(pool, 'VDI', params.need('uuid'))
  const format = params.find('format') ?? 'raw'
  const base = params.find('base')
  const total = format === 'raw' ? await pool.session.VDI.get_virtual_size(vdi, { signal: pool.signal }) : undefined
  const baseRef = base === undefined ? undefined : await refOf(pool, 'VDI', base)
  await using disk = await openDisk(job, vdi, format, baseRef)
  const body = params.flag('progress') ? withProgress(disk.body, total, terminal) : disk.body
  await saveTo(params.need('filename'), body, terminal)
}

function openDisk({ pool }: Job, vdi: VdiRef, format: string, base: VdiRef | undefined): Promise<Download> {
  const { session, signal } = pool
  if (format === 'raw' || format === 'vhd') return session.exportRawVdi(vdi, { format, base }, signal)
  const params = [['vdi', vdi], ['format', format], ...(base === undefined ? [] : [['base', base] as const])] as const
  return session.download({ label: 'VDI export', path: '/export_raw_vdi', params }, signal)
}

async function importVdi({ pool, params, terminal }: Job): Promise<void> {
  const { session, signal } = pool
  const filename = params.need('filename')
  const vdi = await refOf(pool, 'VDI', params.need('uuid'))
  const format = params.find('format') ?? 'raw'
  const { body, length: known } = await openSource(filename, terminal)
  const length = known ?? (format === 'raw' ? await session.VDI.get_virtual_size(vdi, { signal }) : undefined)
  if (length === undefined) throw unknownLength()
  const shown = params.flag('progress') ? withProgress(body, length, terminal) : body
  if (format === 'raw' || format === 'vhd') return session.importRawVdi(vdi, shown, { format, length }, signal)
  const request = {
    label: 'VDI import',
    path: '/import_raw_vdi',
    params: [
      ['vdi', vdi],
      ['format', format],
    ],
  } as const
  await session.upload(request, shown, length, signal)
}

const unknownLength = () =>
  refused('the pool wants to know how long an upload is, and a pipe does not tell: write to a file first')

/** Several VMs go to `<filename>`, `<filename>2`, `<filename>3` … */
async function exportVms(job: Job): Promise<void> {
  const filename = job.params.need('filename')
  let count = 0
  await forVms(job, { own: ['filename', ...archiveOptions] }, (vm) =>
    exportOne(job, vm, ++count > 1 ? `${filename}${count}` : filename),
  )
}

async function exportOne({ pool, params, terminal, printer }: Job, vm: VmRef, filename: string): Promise<void> {
  await using archive = await pool.session.download(archiveRequest(params, vm), pool.signal)
  await saveTo(filename, archive.body, terminal)
  if (filename !== '') printer.line('Export succeeded')
}

function archiveRequest(params: Params, vm: VmRef): HandlerRequest {
  const compress = params.find('compress')
  const isMetadata = params.flag('metadata')
  const query = [
    ['ref', vm],
    ['use_compression', compress === 'gzip' || compress === 'zstd' ? compress : String(params.flag('compress'))],
    ['preserve_power_state', String(params.flag('preserve-power-state'))],
    ['export_snapshots', String(params.flag('include-snapshots'))],
  ] as const
  const excluded = ['excluded_device_types', params.find('excluded-device-types') ?? ''] as const
  return {
    label: 'Export of VM',
    path: isMetadata ? '/export_metadata' : '/export',
    params: isMetadata ? [...query, excluded] : query,
  }
}

async function importVms({ pool, params, terminal, printer }: Job): Promise<void> {
  const isDryRun = params.flag('dry-run')
  const isMetadata = params.flag('metadata')
  if (isDryRun && !isMetadata) throw refused('Only metadata import function support dry-run')
  const sr = await storageFor(pool, params.find('sr-uuid'))
  const { body, length: known } = await openSource(params.need('filename'), terminal)
  const { pieces, length } = known === undefined && isMetadata ? await gathered(body) : { pieces: body, length: known }
  if (length === undefined) throw unknownLength()
  const request: HandlerRequest = {
    label: 'VM import',
    path: isMetadata ? '/import_metadata' : '/import',
    params: [
      ['restore', String(params.flag('preserve'))],
      ['force', String(params.flag('force'))],
      ['dry_run', String(isDryRun)],
      ['sr_id', sr],
      ...params.map('vdi').map(([from, to]) => [`vdi:${from}`, to] as const),
    ],
  }
  const result = await pool.session.upload(request, pieces, length, pool.signal)
  const vms = result === '' ? [] : (decodeTyped(parseType('VM ref set'), decodeXmlValue(result)) as readonly VmRef[])
  const uuids = await Promise.all(vms.map((vm) => uuidOf(pool, 'VM', vm)))
  printer.line((uuids.length === 0 && isDryRun ? ['xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx'] : uuids).join(','))
}

async function storageFor(pool: Job['pool'], uuid: string | undefined): Promise<SrRef> {
  if (uuid !== undefined) return refOf(pool, 'SR', uuid)
  const [found] = [...(await pool.all('pool')).values()]
  const sr = await pool.find('SR', found?.values['default_SR'])
  if (sr === undefined || sr.ref === NULL_REF) throw refused('No SR specified and Pool default SR is null')
  return sr.ref as SrRef
}

/** The most metadata that are held in memory when they come from a pipe. */
const METADATA_MAX = 64 << 20

async function gathered(
  body: AsyncIterable<Uint8Array>,
): Promise<{ readonly pieces: AsyncIterable<Uint8Array>; readonly length: number }> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > METADATA_MAX) throw refused('this is too long for the description of a VM')
    chunks.push(chunk)
  }
  return { pieces: each(chunks), length }
}

async function* each(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}
