// @xen-orchestra/xapi: what XO's server does with VMs and disks.
import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { xapi } from './connect.mjs'

/** Any method of XO's Xapi class by its name: VM_snapshot, VM_destroy, VDI_create, VDI_destroy, … */
export const method = (name, ...args) => xapi()[name](...args)

/** Writes a disk, or what changed since `baseRef`, to a file. */
export async function exportDisk(ref, path, { format, baseRef }) {
  const stream = await xapi().VDI_exportContent(ref, { format, baseRef })
  await pipeline(stream, createWriteStream(path))
}

/** Reads a file into a disk that exists. */
export async function importDisk(ref, path, format) {
  const stream = createReadStream(path)
  stream.length = (await stat(path)).size
  await xapi().VDI_importContent(ref, stream, { format })
}

/** Reads a file into a new disk of an SR. */
export async function importNewDisk(srRef, path, options) {
  const stream = createReadStream(path)
  stream.length = (await stat(path)).size
  return xapi().SR_importVdi(srRef, stream, options)
}

/** An XVA, to a file. */
export async function exportVm(ref, path, options) {
  const { body, task } = await xapi().VM_export(ref, options)
  await pipeline(body, createWriteStream(path))
  await task
}

export async function importVm(path, srRef) {
  const stream = createReadStream(path)
  stream.length = (await stat(path)).size
  return xapi().VM_import(stream, srRef)
}

export const changedBlocks = async (ref, baseRef) => (await xapi().VDI_listChangedBlock(ref, baseRef)).toString('hex')

/** What XO's own choice of a way reads (CBT and NBD, or a stream), block by block. */
export async function readDisk({ vdiRef, baseRef, preferNbd }) {
  const { XapiDiskSource } = await import('@xen-orchestra/xapi')
  const disk = new XapiDiskSource({ xapi: xapi(), vdiRef, baseRef, preferNbd })
  await disk.init()
  const hash = createHash('sha256')
  const blocks = []
  try {
    for await (const { index, data } of disk.diskBlocks()) {
      blocks.push(index)
      hash.update(data)
    }
    return { nbd: disk.useNbd(), cbt: disk.useCbt(), size: disk.getVirtualSize(), blocks, sha256: hash.digest('hex') }
  } finally {
    await disk.close()
  }
}
