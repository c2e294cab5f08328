import { openRepo, type GlobalOptions, type RepositoryOptions } from '../connect.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'

export interface CheckArguments extends RepositoryOptions {
  readonly readData?: boolean
}

export async function check(global: GlobalOptions, out: Out, args: CheckArguments): Promise<ExitCode> {
  await using repository = await openRepo(global, args)
  await using lock = await repository.lock('exclusive', global.signal)
  const running = AbortSignal.any([global.signal, lock.signal])
  out.say(args.readData === true ? 'Checking structure and all data' : 'Checking structure')
  const report = await repository.check(
    { readData: args.readData ?? false },
    (progress) => {
      out.event({ type: 'check', ...progress })
      out.live(`  ${progress.phase} ${progress.done} of ${progress.total}`)
    },
    running,
  )
  const lines = report.errors.map((error) => `${error.file}: ${error.message} [${error.code}]`)
  const unused = report.unusedPacks.length
  const hints =
    unused === 0
      ? []
      : [`hint: ${unused} packs are in no index, left by an interrupted backup; restic prune frees them`]
  const verdict = report.errors.length === 0 ? 'no errors were found' : `${report.errors.length} errors were found`
  out.result({ ...report }, [...lines, ...hints, verdict].join('\n'))
  return report.errors.length === 0 ? exitCodes.done : exitCodes.failed
}
