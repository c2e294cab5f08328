import type { VbdConstructor, VdiConstructor, VdiRef, VdiType, VmRef } from '@tidemark/xenapi'
import type { Call, Handlers } from '../calls/call.ts'
import { failure } from '../calls/failure.ts'
import { createVbd } from './vbd.ts'
import { createVdi, destroyVdi } from './vdi.ts'
import { operateOnVm } from './vm-operation.ts'
import { setIsTemplate } from './vm.ts'

export const vmProvisionHandlers: Handlers = {
  'VM.provision': (call, vm: VmRef) => operateOnVm(call, vm, 'provision', () => provision(call, vm)),
}

/** One disk that a template asks for. */
interface WantedDisk {
  readonly device: string
  /** Bytes. */
  readonly size: number
  /** Uuid of the SR. */
  readonly sr: string
  readonly bootable: boolean
  readonly type: VdiType
}

/** Makes a VM of a template's clone: the disks that its other_config asks for, all of them or none. xapi: xapi_templates.ml */
async function provision(call: Call, vm: VmRef): Promise<void> {
  const { db } = call.pool
  await setIsTemplate(call, vm, false)
  const made: VdiRef[] = []
  try {
    for (const disk of wantedDisks(db.get('VM', vm).other_config['disks'])) made.push(await addDisk(call, vm, disk))
  } catch (error) {
    for (const vdi of made) await destroyVdi({ ...call, signal: call.pool.closing }, vdi)
    throw error
  }
  const { disks: _, postinstall: __, ...other_config } = db.get('VM', vm).other_config
  db.update('VM', vm, { other_config })
}

/** `<provision><disk device="0" size="…" sr="uuid" bootable="true" type="system"/></provision>` */
function wantedDisks(xml: string | undefined): WantedDisk[] {
  if (xml === undefined) return []
  if (!/^\s*<provision\b/.test(xml)) failure('INTERNAL_ERROR', 'other_config:disks is no provision element')
  return [...xml.matchAll(/<disk\b([^>]*)>/g)].map(([, text = '']) => {
    const attributes = new Map(
      [...text.matchAll(/(\w+)\s*=\s*["']([^"']*)["']/g)].map(([, name, value]) => [name, value]),
    )
    const attribute = (name: string): string =>
      attributes.get(name) ?? failure('INTERNAL_ERROR', `a disk of other_config:disks has no ${name}`)
    return {
      device: attribute('device'),
      size: Number(attribute('size')),
      sr: attribute('sr'),
      bootable: attribute('bootable') === 'true',
      type: (attributes.get('type') ?? 'system') as VdiType,
    }
  })
}

async function addDisk(call: Call, VM: VmRef, { device, size, sr, bootable, type }: WantedDisk): Promise<VdiRef> {
  const { db } = call.pool
  const SR = db.findByUuid('SR', sr) ?? failure('UUID_INVALID', 'sr', sr)
  const disk: VdiConstructor = {
    name_label: device,
    name_description: 'Created by template provisioner',
    SR,
    virtual_size: size,
    type,
    sharable: false,
    read_only: false,
    other_config: {},
  }
  const VDI = await createVdi(call, disk)
  const drive: VbdConstructor = {
    VM,
    VDI,
    userdevice: device,
    bootable,
    mode: 'RW',
    type: 'Disk',
    unpluggable: type !== 'system',
    empty: false,
    other_config: { owner: '' },
    qos_algorithm_type: '',
    qos_algorithm_params: {},
  }
  try {
    createVbd(call, drive)
  } catch (error) {
    await destroyVdi({ ...call, signal: call.pool.closing }, VDI)
    throw error
  }
  return VDI
}
