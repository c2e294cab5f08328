import { choosePoint, listPoints } from '@tidemark/engine'
import { copySnapshots } from '@tidemark/repository'
import { openRepo, type GlobalOptions, type RepositoryOptions } from '../connect.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'
import { size } from '../output/units.ts'

export interface CopyArguments extends RepositoryOptions {
  readonly to: string
  readonly toPasswordFile?: string
  readonly vm?: string
  readonly tag?: readonly string[]
}

/** Copies restore points, or all of them, into another repository. */
export async function copy(
  global: GlobalOptions,
  out: Out,
  selectors: readonly string[],
  args: CopyArguments,
): Promise<ExitCode> {
  const { to, toPasswordFile, vm, tag = [] } = args
  await using source = await openRepo(global, args)
  const other = { repo: to, ...(toPasswordFile !== undefined && { repoPasswordFile: toPasswordFile }) }
  await using target = await openRepo(global, other)
  await using sourceLock = await source.lock('shared', global.signal)
  await using targetLock = await target.lock('shared', global.signal)
  const signal = AbortSignal.any([global.signal, sourceLock.signal, targetLock.signal])
  const all = await listPoints(source, vm === undefined ? {} : { vm }, signal)
  const tagged = all.filter(({ snapshot }) => tag.every((each) => snapshot.tags?.includes(each)))
  const chosen =
    selectors.length === 0 ? tagged : Array.from(new Set(selectors.map((each) => choosePoint(tagged, each))))
  await source.loadIndex(signal)
  const report = await copySnapshots(
    source,
    target,
    chosen.map(({ snapshot }) => snapshot),
    (progress) => {
      out.event({ type: 'copy', ...progress })
      out.live(`  ${progress.phase} ${progress.done} of ${progress.total} · ${size(progress.bytes)}`)
    },
    signal,
  )
  const { copied, skipped, blobs, bytes } = report
  out.result(
    { ...report },
    `${copied.length} points copied, ${skipped.length} were there; ${blobs} blobs, ${size(bytes)} before compression`,
  )
  return exitCodes.done
}
