import { expect, test } from 'vitest'
import { CliError } from './error.ts'
import { describe as describeError, exitCodeOf, Interrupted } from './exit.ts'
import { Secret } from './secret.ts'

test('exit codes: 2 for usage, 130 when interrupted, even inside a cause, else 1', () => {
  expect(exitCodeOf(new CliError('CLI_USAGE', 'x'))).toBe(2)
  expect(exitCodeOf(new CliError('CLI_CONFIG', 'x'))).toBe(1)
  expect(exitCodeOf(new Error('outer', { cause: new Interrupted('stop') }))).toBe(130)
  expect(exitCodeOf(new SuppressedError(new Error('clean-up'), new Interrupted('stop')))).toBe(130)
})

test('an error is told with its code and its causes', () => {
  const cause = Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' })
  expect(describeError(new CliError('CLI_CONFIG', 'no pool', { cause }))).toBe(
    'no pool [CLI_CONFIG]\n  because: connection refused [ECONNREFUSED]',
  )
})

test('a secret shows nothing of itself', () => {
  const secret = new Secret('hunter2')
  expect(String(secret) + JSON.stringify({ secret })).not.toContain('hunter2')
  expect(secret.reveal()).toBe('hunter2')
})
