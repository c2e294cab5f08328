// @vates/nbd-client, alone and with several connections.
import { createHash } from 'node:crypto'
import NbdClient from '@vates/nbd-client'
import MultiNbdClient from '@vates/nbd-client/multi.mjs'

const BLOCK = 64 * 1024

/** SHA-256 of a whole disk, over one connection. @param info one record of VDI.get_nbd_info */
export async function readOverNbd(info) {
  const client = new NbdClient(info)
  return digest(client, async (blocks, hash) => {
    for (const { index } of blocks) hash.update(await client.readBlock(index, BLOCK))
  })
}

/** The same over several connections at once. @param info all records of VDI.get_nbd_info */
export async function readOverManyNbd(info, nbdConcurrency) {
  const client = new MultiNbdClient(info, { nbdConcurrency })
  return digest(client, async (blocks, hash) => {
    for await (const block of client.readBlocks(() => blocks)) hash.update(block)
  })
}

async function digest(client, read) {
  const hash = createHash('sha256')
  await client.connect()
  try {
    const size = Number(client.exportSize)
    await read(blocksOf(size), hash)
    return { size, sha256: hash.digest('hex') }
  } finally {
    await client.disconnect()
  }
}

function* blocksOf(size) {
  for (let index = 0; index * BLOCK < size; index++) yield { index, size: BLOCK }
}
