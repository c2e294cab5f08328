import { dataOf, type CardPlacement, type DiskPlacement, type NewVmPlan, type Place } from '@tidemark/engine'
import { size } from './units.ts'

/** What a restore will make, as the difference between what the point says and what the pool will have. */
export function planText(plan: NewVmPlan): string {
  const { pool, name, settings, disks, cards, notes } = plan
  const cpus = `${settings.virtualCpus} virtual CPUs, ${size(settings.memory)} of memory, ${settings.firmware}`
  return [
    `plan: a new VM on ${pool.isSame ? 'the same pool' : 'another pool'}, '${pool.name}'; ${size(dataOf(plan))} of data to send`,
    `  name    ${changed(name.was, name.will)}`,
    `  as is   ${cpus}`,
    ...disks.map((disk) => `  disk ${disk.record.position}  ${diskText(disk)}`),
    ...cards.map((card) => `  card ${card.device}  ${cardText(card)}`),
    ...notes.map((note) => `  note    ${note}`),
  ].join('\n')
}

export const diskText = ({ record, storage, data }: DiskPlacement): string =>
  `'${record.name}' ${size(record.size)}, ${size(data)} of data: ${moved(record.storage, storage)}` +
  (storage.free === undefined ? '' : ` with ${size(storage.free)} free`)

function cardText({ mac, network }: CardPlacement): string {
  if (network.will === undefined) return `'${network.was.name}' -> no card`
  const address = mac.will === mac.was ? `${mac.was} kept` : `${mac.was} -> a new address`
  return `${moved(network.was, network.will)}; ${address} (${mac.why})`
}

const changed = (was: string, will: string): string => (was === will ? `'${was}'` : `'${was}' -> '${will}'`)

const moved = (was: Place, will: Place): string =>
  was.uuid === will.uuid
    ? `'${will.name}', where it was`
    : `'${was.name}' (${was.uuid.slice(0, 8)}) -> '${will.name}' (${will.uuid.slice(0, 8)})`

export const planForPrograms = ({ pool, name, settings, disks, cards, notes }: NewVmPlan) => ({
  pool,
  name,
  settings,
  disks: disks.map(diskForPrograms),
  cards,
  notes,
})

export const diskForPrograms = ({ record, storage, rule, data }: DiskPlacement) => ({
  position: record.position,
  vdi: record.vdi,
  size: record.size,
  data,
  storage: { was: record.storage, will: storage, rule },
})
