import { NULL_REF, type SrRef, type VdiRef, type VdiType } from '@tidemark/xenapi'
import { action, making, refOf, uuidOf } from '../action.ts'
import { refused } from '../complaint.ts'
import type { Command, Job } from '../command.ts'
import { readSize } from '../params.ts'

const NULL_SR = NULL_REF as SrRef
const NULL_VDI = NULL_REF as VdiRef

export const vdiCommands: readonly Command[] = [
  {
    name: 'vdi-create',
    required: ['sr-uuid', 'name-label', 'virtual-size'],
    optional: ['sm-config:', 'sharable', 'tags:', 'type'],
    help: "Make a disk and print its uuid. The type is 'system', 'user', 'suspend' or 'crashdump'.",
    run: create,
  },
  action('vdi-destroy', 'VDI', { help: 'Destroy a disk.' }, ({ session, signal }, vdi) =>
    session.Async.VDI.destroy(vdi, { signal }),
  ),
  action('vdi-forget', 'VDI', { help: 'Forget a disk and leave its data alone.' }, ({ session, signal }, vdi) =>
    session.Async.VDI.forget(vdi, { signal }),
  ),
  action('vdi-update', 'VDI', { help: 'Read a disk anew from its storage.' }, ({ session, signal }, vdi) =>
    session.Async.VDI.update(vdi, { signal }),
  ),
  action(
    'vdi-resize',
    'VDI',
    { help: 'Grow a disk.', required: ['disk-size'], optional: ['online'] },
    ({ session, signal }, vdi, { params }) => {
      const size = readSize('disk-size', params.need('disk-size'))
      return params.find('online') === 'true'
        ? session.Async.VDI.resize_online(vdi, size, { signal })
        : session.Async.VDI.resize(vdi, size, { signal })
    },
  ),
  making(
    'vdi-snapshot',
    'VDI',
    { help: 'Snapshot a disk and print the uuid of the snapshot.', optional: ['driver-params-'] },
    ({ session, signal }, vdi, { params }) =>
      session.Async.VDI.snapshot(vdi, Object.fromEntries(params.map('driver-params')), { signal }),
  ),
  making(
    'vdi-clone',
    'VDI',
    { help: 'Clone a disk.', optional: ['driver-params-', 'new-name-label', 'new-name-description'] },
    clone,
  ),
  making(
    'vdi-copy',
    'VDI',
    {
      help: 'Copy a disk, or what differs from base-vdi-uuid, into a new disk on a storage or over an existing disk.',
      optional: ['sr-uuid', 'base-vdi-uuid', 'into-vdi-uuid'],
    },
    copy,
  ),
  action('vdi-enable-cbt', 'VDI', { help: 'Have the changed blocks of a disk tracked.' }, ({ session, signal }, vdi) =>
    session.Async.VDI.enable_cbt(vdi, { signal }),
  ),
  action('vdi-disable-cbt', 'VDI', { help: 'End the tracking of changed blocks.' }, ({ session, signal }, vdi) =>
    session.Async.VDI.disable_cbt(vdi, { signal }),
  ),
  action(
    'vdi-data-destroy',
    'VDI',
    { help: 'Delete the data of a snapshot and keep its log of changed blocks.' },
    ({ session, signal }, vdi) => session.Async.VDI.data_destroy(vdi, { signal }),
  ),
  {
    name: 'vdi-list-changed-blocks',
    required: ['vdi-from-uuid', 'vdi-to-uuid'],
    optional: [],
    help: 'Print the blocks that changed between two disks: a bitmap in base64, a bit for each 64 KiB.',
    run: listChangedBlocks,
  },
  {
    name: 'vdi-nbd-info',
    required: ['uuid'],
    optional: ['keep-session'],
    help: 'Show where a disk can be read over NBD. The export name holds the session, so it is shown only with keep-session=true, which does not log out.',
    isOurs: true,
    run: nbdInfo,
  },
]

const CREATABLE: readonly string[] = ['system', 'user', 'suspend', 'crashdump'] satisfies readonly VdiType[]

async function create({ pool, params, printer }: Job): Promise<void> {
  const sr = await refOf(pool, 'SR', params.need('sr-uuid'))
  const virtualSize = readSize('virtual-size', params.need('virtual-size'))
  const type = params.find('type') ?? 'user'
  if (!CREATABLE.includes(type)) throw refused(`Unknown vdi type: ${type}`)
  const vdi = await pool.session.Async.VDI.create(
    {
      SR: sr,
      name_label: params.need('name-label'),
      name_description: '',
      virtual_size: virtualSize,
      type: type as VdiType,
      sharable: params.flag('sharable'),
      read_only: false,
      other_config: {},
      xenstore_data: {},
      sm_config: Object.fromEntries(params.map('sm-config')),
      tags: params.map('tags').map(([tag]) => tag),
    },
    { signal: pool.signal },
  )
  printer.list([await uuidOf(pool, 'VDI', vdi)])
}

async function clone({ session, signal }: Job['pool'], vdi: VdiRef, { params }: Job): Promise<VdiRef> {
  const made = await session.Async.VDI.clone(vdi, Object.fromEntries(params.map('driver-params')), { signal })
  const [name, description] = [params.find('new-name-label'), params.find('new-name-description')]
  if (name !== undefined) await session.VDI.set_name_label(made, name, { signal })
  if (description !== undefined) await session.VDI.set_name_description(made, description, { signal })
  return made
}

async function copy(pool: Job['pool'], vdi: VdiRef, { params }: Job): Promise<VdiRef> {
  const [base, sr, into] = [params.find('base-vdi-uuid'), params.find('sr-uuid'), params.find('into-vdi-uuid')]
  if ((sr === undefined) === (into === undefined)) {
    throw refused('Please specify either sr-uuid, for a new disk there, or into-vdi-uuid, an existing disk to write to')
  }
  const baseRef = base === undefined ? NULL_VDI : await refOf(pool, 'VDI', base)
  const srRef = sr === undefined ? NULL_SR : await refOf(pool, 'SR', sr)
  const intoRef = into === undefined ? NULL_VDI : await refOf(pool, 'VDI', into)
  return pool.session.Async.VDI.copy(vdi, srRef, baseRef, intoRef, { signal: pool.signal })
}

async function listChangedBlocks({ pool, params, printer }: Job): Promise<void> {
  const from = await refOf(pool, 'VDI', params.need('vdi-from-uuid'))
  const to = await refOf(pool, 'VDI', params.need('vdi-to-uuid'))
  printer.line(await pool.session.Async.VDI.list_changed_blocks(from, to, { signal: pool.signal }))
}

async function nbdInfo({ pool, params, printer }: Job): Promise<void> {
  const vdi = await refOf(pool, 'VDI', params.need('uuid'))
  const isKept = params.flag('keep-session')
  const places = await pool.session.VDI.get_nbd_info(vdi, { signal: pool.signal })
  printer.table(
    places.map(({ exportname, address, port, subject, cert }) => [
      ['address ( RO)', address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`],
      ['exportname ( RO)', isKept ? exportname : '<holds the session: ask with keep-session=true>'],
      ['subject ( RO)', subject],
      ['cert ( RO)', cert],
    ]),
  )
}
