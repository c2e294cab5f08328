import type { TaskRef, TaskStatusType } from '@tidemark/xenapi'
import type { Call, Handlers } from '../calls/call.ts'

export const taskHandlers: Handlers = {
  'task.create': ({ pool }, label: string, description: string) => pool.tasks.create(label, description),
  'task.destroy': ({ pool }, task: TaskRef) => {
    pool.tasks.destroy(task)
  },
  'task.cancel': ({ pool }, task: TaskRef) => {
    pool.tasks.cancel(task)
  },
  'task.set_status': setStatus,
}

/** A client ends its own task by this. */
function setStatus({ pool }: Call, task: TaskRef, status: TaskStatusType): void {
  const ended = status === 'success' || status === 'failure' || status === 'cancelled'
  const { clock } = pool.options
  pool.db.update('task', task, ended ? { status, finished: clock.now(), allowed_operations: [] } : { status })
}
