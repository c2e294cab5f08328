import { chooseRepo, openConfigured, type GlobalOptions, type RepositoryOptions } from '../connect.ts'
import type { Finding } from '../doctor/finding.ts'
import { examineRepository } from '../doctor/repository.ts'
import { exitCodes, type ExitCode } from '../exit.ts'
import type { Out } from '../output/out.ts'

const marks = { good: 'ok', note: 'note', attention: 'ATTENTION' } as const satisfies Record<Finding['verdict'], string>

/** Examines what backups depend on, with the credentials that backups use. */
export async function doctor(global: GlobalOptions, out: Out, args: RepositoryOptions): Promise<ExitCode> {
  const { name, entry } = await chooseRepo(global.config, args)
  await using repository = await openConfigured(global, name, entry)
  out.say(`repository '${name}' at ${repository.backend.location}`)
  const findings: Finding[] = []
  for await (const finding of examineRepository(repository, entry, global.signal)) {
    findings.push(finding)
    out.event({ type: 'finding', ...finding })
    out.say(`  ${marks[finding.verdict].padEnd(9)}  ${finding.subject}: ${finding.text}`)
  }
  const attention = findings.filter(({ verdict }) => verdict === 'attention').length
  out.result(
    { repository: name, location: repository.backend.location, attention, findings },
    attention === 0 ? 'nothing needs attention' : attention === 1 ? '1 finding' : `${attention} findings`,
  )
  return attention === 0 ? exitCodes.done : exitCodes.attention
}
