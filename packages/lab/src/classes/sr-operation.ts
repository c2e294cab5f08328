import type { SmRecord, SrRef, StorageOperations } from '@tidemark/xenapi'
import { apiEnums } from '@tidemark/xenapi/codec'
import type { Refusal } from '../calls/failure.ts'
import type { Database } from '../database/database.ts'
import { supports } from './sr-driver.ts'

/** What may be done to an SR, and what is said otherwise. xapi: xapi_sr_operations.ml */

/** Why an operation is refused; undefined when it may go on. One operation at a time, except for plugs beside each other. */
export function srRefusal(db: Database, ref: SrRef, operation: StorageOperations): Refusal | undefined {
  const { type, current_operations } = db.get('SR', ref)
  if (!supports(driverFeatures(db, type), operation)) return ['SR_OPERATION_NOT_SUPPORTED', ref]
  if (operation === 'destroy' || operation === 'forget') {
    const inTheWay = ofLeaving(db, ref, operation)
    if (inTheWay !== undefined) return inTheWay
  }
  const running = Object.entries(current_operations)
  const other = operation === 'plug' ? running.find(([, each]) => each !== 'plug') : running[0]
  return other && ['OTHER_OPERATION_IN_PROGRESS', 'SR', ref, other[1], other[0]]
}

function ofLeaving(db: Database, ref: SrRef, operation: 'destroy' | 'forget'): Refusal | undefined {
  const { PBDs, VDIs } = db.get('SR', ref)
  if (PBDs.some((pbd) => db.get('PBD', pbd).currently_attached)) return ['SR_HAS_PBD', ref]
  if (operation === 'forget') return undefined
  if (PBDs.length === 0) return ['SR_HAS_NO_PBDS', ref]
  const holdsDisks = VDIs.some((vdi) => {
    const { managed, type } = db.get('VDI', vdi)
    return managed && type !== 'rrd'
  })
  return holdsDisks ? ['SR_NOT_EMPTY'] : undefined
}

/** What the driver for a type of SR can do, as SM.features says it. */
export const driverFeatures = (db: Database, type: string): SmRecord['features'] =>
  db.all('SM').find(([, driver]) => driver.type === type)?.[1].features ?? {}

const ALL = (apiEnums['storage_operations'] ?? []) as readonly StorageOperations[]

/** What SR.allowed_operations says. */
export const allowedOnSr = (db: Database, sr: SrRef): readonly StorageOperations[] =>
  ALL.filter((operation) => srRefusal(db, sr, operation) === undefined)
