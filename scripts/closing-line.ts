import { writeFileSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'

/**
 * Counts the tests and prints `N passed, N failed` as the very last line, so that any runner can read the outcome. With
 * `TIDEMARK_COUNTS` the counts go to that file instead: the caller adds its own checks and prints the line.
 */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: ReadonlyArray<TestModule>, unhandled: ReadonlyArray<unknown>) {
    let passed = 0
    let failed = unhandled.length
    let skipped = 0
    for (const module of modules) {
      const tests = [...module.children.allTests()]
      const noneFailed = tests.every((test) => test.result().state !== 'failed')
      if (module.state() === 'failed' && noneFailed) failed++ // the file itself is broken
      for (const test of tests) {
        const { state } = test.result()
        if (state === 'passed') passed++
        else if (state === 'failed') failed++
        else skipped++
      }
    }
    const file = process.env['TIDEMARK_COUNTS']
    if (file !== undefined) {
      writeFileSync(file, JSON.stringify({ passed, failed, skipped }))
      return
    }
    const tail = skipped > 0 ? `, ${skipped} skipped` : ''
    process.on('exit', () => process.stdout.write(`\n${passed} passed, ${failed} failed${tail}\n`))
  }
}
