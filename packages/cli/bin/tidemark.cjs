#!/usr/bin/env node
'use strict'
// A plain script that any Node can read: it says what is missing instead of failing on new syntax.
const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  process.stderr.write(`tidemark needs Node 24 or later; this is ${process.version}\n`)
  process.exit(70)
}
import('../dist/main.js').catch((error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exit(70)
})
