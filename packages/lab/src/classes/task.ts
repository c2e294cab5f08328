import type { TaskRef } from '@tidemark/xenapi'
import type { Handlers } from '../calls/call.ts'

/** What a client sets of its own task (status, progress, result, error_info) follows from the fields, as in xapi. */
export const taskHandlers: Handlers = {
  'task.create': ({ pool, session }, label: string, description: string) =>
    pool.tasks.create(label, description, session),
  'task.destroy': ({ pool }, task: TaskRef) => {
    pool.tasks.destroy(task)
  },
  'task.cancel': ({ pool }, task: TaskRef) => {
    pool.tasks.cancel(task)
  },
}
