import type { Repository } from '@tidemark/repository'
import {
  chooseRepo,
  openConfigured,
  openPool,
  type GlobalOptions,
  type PoolOptions,
  type RepositoryOptions,
} from '../connect.ts'
import type { Finding } from '../doctor/finding.ts'
import { examinePool } from '../doctor/pool.ts'
import { examineRepository } from '../doctor/repository.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'
import { ledgerOfThisMachine } from '../state.ts'

export interface DoctorArguments extends PoolOptions, RepositoryOptions {
  readonly dryRun?: boolean
  /** False: what the next backup could go on with is removed too. */
  readonly resume?: boolean
}

const marks = { good: 'ok', note: 'note', attention: 'ATTENTION' } as const satisfies Record<Finding['verdict'], string>

/** Examines what backups depend on, with the credentials that backups use; with a pool, mends what runs left there. */
export async function doctor(global: GlobalOptions, out: Out, args: DoctorArguments): Promise<ExitCode> {
  const { name, entry } = await chooseRepo(global.config, args)
  await using repository = await openConfigured(global, name, entry)
  out.say(`repository '${name}' at ${repository.backend.location}`)
  const findings: Finding[] = []
  const tell = (finding: Finding) => {
    findings.push(finding)
    out.event({ type: 'finding', ...finding })
    out.say(`  ${marks[finding.verdict].padEnd(9)}  ${finding.subject}: ${finding.text}`)
  }
  for await (const finding of examineRepository(repository, entry, global.signal)) tell(finding)
  if (args.pool !== undefined) for (const finding of await findingsOnPool(global, repository, args)) tell(finding)
  const attention = findings.filter(({ verdict }) => verdict === 'attention').length
  out.result(
    { repository: name, location: repository.backend.location, attention, findings },
    attention === 0 ? 'nothing needs attention' : attention === 1 ? '1 finding' : `${attention} findings`,
  )
  return attention === 0 ? exitCodes.done : exitCodes.attention
}

async function findingsOnPool(
  global: GlobalOptions,
  repository: Repository,
  args: DoctorArguments,
): Promise<readonly Finding[]> {
  await using lock = await repository.lock('shared', global.signal)
  await using open = await openPool(global, args)
  const context = { pool: open.pool, repository, ledger: ledgerOfThisMachine() }
  const signal = AbortSignal.any([global.signal, lock.signal])
  const leaveResumable = args.resume !== false
  return await examinePool(context, { dryRun: args.dryRun === true, leaveResumable, signal })
}
