import type { CheckFinding, DataSubset } from '@tidemark/repository'
import { openRepo, type GlobalOptions, type RepositoryOptions } from '../connect.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'

export interface CheckArguments extends RepositoryOptions {
  readonly readData?: boolean
  readonly readDataSubset?: DataSubset
}

export async function check(global: GlobalOptions, out: Out, args: CheckArguments): Promise<ExitCode> {
  await using repository = await openRepo(global, args)
  await using lock = await repository.lock('shared', global.signal)
  const running = AbortSignal.any([global.signal, lock.signal])
  const readData = args.readDataSubset ?? args.readData ?? false
  const data = readData === false ? '' : readData === true ? ' and all data' : ' and a part of the data'
  out.say(`Checking structure${data}`)
  const report = await repository.check(
    { readData },
    (progress) => {
      out.event({ type: 'check', ...progress })
      out.live(`  ${progress.phase} ${progress.done} of ${progress.total}`)
    },
    running,
  )
  const lines = report.errors.flatMap(linesOf)
  const unused = report.unusedPacks.length
  const hints =
    unused === 0
      ? []
      : [
          `hint: ${unused} packs are in no index, of a backup that runs or was interrupted; tidemark prune frees what is left`,
        ]
  const count = report.errors.length + report.errorsOmitted
  if (report.errorsOmitted > 0) lines.push(`… and ${report.errorsOmitted} more`)
  const verdict = count === 0 ? 'no errors were found' : `${count} ${count === 1 ? 'error was' : 'errors were'} found`
  const read = readData === false ? [] : [`${report.packsRead} of ${report.packs} packs were read`]
  out.result({ ...report }, [...lines, ...hints, ...read, verdict].join('\n'))
  return report.errors.length === 0 ? exitCodes.done : exitCodes.failed
}

/** A finding, and what cannot be restored for it. */
function linesOf({ file, message, code, affects = [] }: CheckFinding): string[] {
  const lost = affects.map(({ snapshot, path }) => `  needed by ${snapshot.slice(0, 8)} ${path}`)
  return [`${file}: ${message} [${code}]`, ...lost]
}
