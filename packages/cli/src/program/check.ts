import { assertSubset, type DataSubset } from '@tidemark/repository'
import { InvalidArgumentError, Option, type Command } from 'commander'
import type { CheckArguments } from '../commands/check.ts'
import { byteCount } from './byte-count.ts'
import { withRepo } from './selection.ts'
import type { Start } from './start.ts'

export function addCheck(program: Command, start: Start): void {
  withRepo(program.command('check').description('the whole repository: structure, and with --read-data every byte'))
    .option('--read-data', 'read, decrypt and hash every pack')
    .addOption(
      new Option(
        '--read-data-subset <subset>',
        "some packs only: '2/7' (the second of seven parts), '5%' or '500M' (drawn anew each time)",
      )
        .argParser(subset)
        .conflicts('readData'),
    )
    .action((args: CheckArguments) =>
      start(async (global, out) => (await import('../commands/check.ts')).check(global, out, args)),
    )
}

/** As restic takes it: n/t, a percentage, or a size. */
function subset(text: string): DataSubset {
  const asked = parsed(text)
  try {
    assertSubset(asked)
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
  return asked
}

function parsed(text: string): DataSubset {
  const part = /^(\d+)\/(\d+)$/.exec(text)
  if (part !== null) return { part: Number(part[1]), of: Number(part[2]) }
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)
  return percent === null ? { bytes: byteCount(text) } : { percent: Number(percent[1]) }
}
