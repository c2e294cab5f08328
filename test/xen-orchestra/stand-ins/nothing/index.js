'use strict'
// Stands where a package would be that is not on npm, or large, and that these tests never reach. What its users import
// by name when they are loaded must exist.
exports.deduped = (work) => work
exports.mount = undefined
