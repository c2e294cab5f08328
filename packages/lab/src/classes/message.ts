import type { Cls, MessageRecord, MessageRef } from '@tidemark/xenapi'
import type { Handlers } from '../calls/call.ts'
import type { Pool } from '../pool.ts'

export const messageHandlers: Handlers = {
  'message.create': ({ pool }, name: string, priority: number, cls: Cls, uuid: string, body: string) =>
    alert(pool, { name, priority, cls, uuid, body }),
  'message.destroy': ({ pool }, message: MessageRef) => {
    pool.db.remove('message', message)
  },
  'message.destroy_many': ({ pool }, messages: readonly MessageRef[]) => {
    pool.db.change((draft) => {
      for (const message of messages) draft.remove('message', message)
    })
  },
  'message.get_since': ({ pool }, since: Date) => select(pool, ({ timestamp }) => timestamp >= since),
  'message.get': ({ pool }, cls: Cls, uuid: string, since: Date) =>
    select(pool, (message) => message.cls === cls && message.obj_uuid === uuid && message.timestamp >= since),
}

export interface Alert {
  readonly name: string
  readonly priority: number
  readonly cls: Cls
  /** Of the object that it is about. */
  readonly uuid: string
  readonly body: string
}

/** Leaves a message for whoever looks after the pool. */
export const alert = ({ db, options }: Pool, { name, priority, cls, uuid, body }: Alert): MessageRef =>
  db.insert('message', { name, priority, cls, obj_uuid: uuid, body, timestamp: options.clock.now() })

const select = ({ db }: Pool, predicate: (message: MessageRecord) => boolean): Record<string, MessageRecord> =>
  Object.fromEntries(db.all('message').filter(([, message]) => predicate(message)))
