import { Command, Option } from 'commander'
import { cacheDirectory } from './cache.ts'
import { configPath } from './config.ts'
import type { ExitCode } from './exit.ts'
import type { Out } from './output/out.ts'
import { addAccess } from './program/access.ts'
import { addBackup } from './program/backup.ts'
import { addCache } from './program/cache.ts'
import { addBrowse, addCopy, addTag } from './program/browse.ts'
import { addCheck } from './program/check.ts'
import { addRepair } from './program/repair.ts'
import { addDemo } from './program/demo.ts'
import { addDoctor } from './program/doctor.ts'
import { addFiles } from './program/files.ts'
import { addLab } from './program/lab.ts'
import { addPoints } from './program/points.ts'
import { addPool } from './program/pool.ts'
import { addRepo } from './program/repo.ts'
import { addRestore } from './program/restore.ts'
import { addRetention } from './program/retention.ts'
import type { Start } from './program/start.ts'
import { addUnlock } from './program/unlock.ts'
import { addVerify } from './program/verify.ts'
import { addVm } from './program/vm.ts'
import { addXe } from './program/xe.ts'
import { VERSION } from './version.ts'

/** What a command gets from its caller: where its words go, when to stop, and where its exit code goes. */
export interface Surroundings {
  out(json: boolean): Out
  readonly signal: AbortSignal
  /** From now on a signal ends the process within two seconds. */
  endPromptly(): void
  exit(code: ExitCode): void
}

interface Shared {
  readonly json?: boolean
  readonly config: string
  readonly cache: boolean
  readonly cacheDir?: string
}

/** In the order of the help: a line and a file of `program/` for each group of commands. */
const GROUPS: readonly ((program: Command, start: Start) => void)[] = [
  addPool,
  addRepo,
  addVm,
  addBackup,
  addPoints,
  addBrowse,
  addTag,
  addCopy,
  addRestore,
  addAccess,
  addFiles,
  addVerify,
  addCheck,
  addRepair,
  addRetention,
  addUnlock,
  addCache,
  addDoctor,
  addXe,
  addLab,
  addDemo,
]

/** The command tree. Building it runs nothing. */
export function buildProgram(surroundings: Surroundings): Command {
  const program = new Command('tidemark')
    .description('Forever-incremental backup for virtual machines on XenServer and XCP-ng, into restic repositories.')
    .version(VERSION)
    .option('--json', 'one JSON object a line: events, then one result')
    .addOption(
      new Option('--config <file>', 'configuration file').default(
        configPath(),
        '$XDG_CONFIG_HOME/tidemark/config.yaml',
      ),
    )
    .addOption(
      new Option('--cache-dir <dir>', 'where to keep indexes of repositories').default(
        cacheDirectory(),
        '$XDG_CACHE_HOME/tidemark',
      ),
    )
    .option('--no-cache', 'keep nothing, and read all of the index each time')
    .addHelpText('after', footer)
    .exitOverride()
  const start: Start = async (run, ending = 'orderly') => {
    if (ending === 'prompt') surroundings.endPromptly()
    const { json = false, config, cache, cacheDir } = program.opts<Shared>()
    const cached = cache && cacheDir !== undefined ? { cache: cacheDir } : {}
    surroundings.exit(await run({ config, signal: surroundings.signal, ...cached }, surroundings.out(json)))
  }
  for (const add of GROUPS) add(program, start)
  return program
}

const footer = `
Exit codes: 0 done, 1 failed, 2 usage, 3 done but something needs attention, 130 interrupted.

A first backup:
  tidemark pool add office https://10.0.0.5 --password-file pw      shows the certificate and pins it
  tidemark repo init main /backup/main --password-file repo-pw      any restic can read it
  tidemark vm ls                                                    what there is
  tidemark plan web1                                                what a run would do, and why
  tidemark backup web1                                              full once, then only what changed
  tidemark restore web1 --new-vm                                    and back again`
