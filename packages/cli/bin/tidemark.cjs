#!/usr/bin/env node
'use strict'
// A plain script that any Node can read: it says what is missing instead of failing on new syntax, and starts the program.
const { join } = require('node:path')

const NODE_MAJOR = 24
const main = join(__dirname, '../dist/main.js')

/**
 * glibc's allocator gives memory back late and keeps a heap for each thread. With these settings one backup of 1 GiB of new data
 * peaks at 230 MB instead of 285 MB. They count only when a process begins.
 */
const allocator = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '1048576' }

/** V8 lets the space of young objects grow to 48 MB, though what a backup drops is collected every 8 MiB: 12 MB are enough. */
const heap = ['--max-semi-space-size=4']

if (Number(process.versions.node.split('.')[0]) < NODE_MAJOR) {
  process.stderr.write(`tidemark needs Node ${NODE_MAJOR} or later; this is ${process.version}\n`)
  process.exit(70)
}
const isSet = Object.keys(allocator).every((name) => name in process.env)
if (process.platform === 'linux' && !isSet && typeof process.execve === 'function') {
  const args = [process.execPath, ...heap, ...process.execArgv, main, ...process.argv.slice(2)]
  process.execve(process.execPath, args, { ...allocator, ...process.env }) // the same process goes on as the program
}
import(main).catch((error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exit(70)
})
