// Drives Xen Orchestra's packages for a test. Runs as a child process, on plain Node: a message {id, act, args} comes in,
// {id, result} or {id, error} goes out.
import * as backup from './backup.mjs'
import * as connect from './connect.mjs'
import * as disks from './disks.mjs'
import * as nbd from './nbd.mjs'

const acts = { ...backup, ...connect, ...disks, ...nbd }

process.on('message', ({ id, act, args }) => {
  Promise.resolve()
    .then(() => acts[act](...args))
    .then(
      (result) => process.send({ id, result }),
      (error) => process.send({ id, error: told(error) }),
    )
})

const told = ({ code, params, message, cause, stack }) => ({
  code,
  params,
  message,
  cause: cause && told(cause),
  stack,
})
