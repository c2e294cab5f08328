// xen-api as XO's server uses it: connect, mirror, follow, call.
import { isDeepStrictEqual } from 'node:util'
import { Xapi } from '@xen-orchestra/xapi'

let client
/** How often each method was called. */
let calls
/** How many events have come. */
let events

/** The connection of this process. */
export const xapi = () => client

/** @param options url, auth, transport ('auto', 'json-rpc', 'xml-rpc'), allowUnauthorized, preferNbd, … */
export async function connect(options) {
  calls = {}
  events = 0
  client = new Xapi({ debounce: 20, vdiDestroyRetryWhenInUse: { delay: 200, tries: 50 }, ...options })
  const send = client._call
  client._call = (method, ...rest) => {
    calls[method] = (calls[method] ?? 0) + 1
    return send.call(client, method, ...rest)
  }
  const take = client._processEvents
  client._processEvents = (some) => {
    events += some.length
    return take.call(client, some)
  }
  await client.connect()
  if (options.watchEvents !== false) await client.objectsFetched
  return { pool: client.pool.uuid, types: client._types, objects: Object.keys(client.objects.all).length }
}

export async function disconnect() {
  await client.disconnect()
}

/** How often each method was called since the last question. */
export function callCounts() {
  const counts = { ...calls }
  for (const method of Object.keys(calls)) delete calls[method]
  return counts
}

export const eventCount = () => events

export const call = (method, ...args) => client.call(method, ...args)

export const callAsync = (method, ...args) => client.callAsync(method, ...args)

/** Waits until every event up to now has come; answers the object as the mirror has it then. */
export async function barrier(ref) {
  const object = await client.barrier(ref)
  return object === undefined ? undefined : plain(object)
}

export const mirrored = (ref) => {
  const object = client.getObject(ref, undefined)
  return object === undefined ? undefined : { class: object.$type, record: plain(object) }
}

/** What the mirror says of an object's neighbours: XO's `$` getters. */
export const neighbours = (ref, field) => [client.getObject(ref)[`$${field}`]].flat().map((each) => each?.uuid)

/** Begins to read a disk and cancels the task of it. Answers how the task ends for its watcher. */
export async function cancelledExport(vdi) {
  const task = await client.createTask('to be cancelled')
  const settled = client.watchTask(task).then(
    () => 'success',
    (error) => error.message,
  )
  const { body } = await client.getResource('/export_raw_vdi/', { query: { format: 'raw', vdi }, task })
  body.on('error', () => undefined)
  await client.call('task.cancel', task)
  const outcome = await settled
  body.destroy()
  return outcome
}

/**
 * Where the mirror is not what get_all_records says, of every class. A difference counts when it is still there after the
 * events of the comparison itself have come.
 */
export async function differences({ patienceMs = 5_000 } = {}) {
  await client.barrier()
  const until = Date.now() + patienceMs
  for (;;) {
    const found = await compared()
    if (found.differences.length === 0 || Date.now() > until) return found
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function compared() {
  const mirror = new Map()
  for (const type of client._types) mirror.set(type, new Map())
  for (const object of Object.values(client.objects.all)) mirror.get(object.$type)?.set(object.$ref, object)
  const records = await Promise.all(client._types.map((type) => recordsOf(type)))
  const differences = client._types.flatMap((type, i) => differing(type, records[i], mirror.get(type)))
  return { classes: client._types.length, objects: records.reduce((sum, each) => sum + each.size, 0), differences }
}

async function recordsOf(type) {
  return new Map(Object.entries(await client.call(`${type}.get_all_records`)))
}

function differing(type, records, mirror) {
  const wrong = [...records].flatMap(([ref, record]) => {
    const mine = mirror.get(ref)
    if (mine === undefined) return [`${type} ${ref} is missing in the mirror`]
    return Object.keys(record).flatMap((field) =>
      isDeepStrictEqual(record[field], mine[field])
        ? []
        : [`${type} ${ref} ${field}: ${JSON.stringify(mine[field])}, not ${JSON.stringify(record[field])}`],
    )
  })
  const gone = [...mirror.keys()]
    .filter((ref) => !records.has(ref))
    .map((ref) => `${type} ${ref} is gone, not in the mirror`)
  return [...wrong, ...gone]
}

const plain = (object) => Object.fromEntries(Object.entries(object))
