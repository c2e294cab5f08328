import { randomUUID } from 'node:crypto'
import type { SnapshotHooks, Vm } from '@tidemark/engine'
import { choosePool, type GlobalOptions } from '../connect.ts'
import { HOOK_EVENTS, hookEntry, loadConfig, type Hook } from '../config.ts'
import { CliError } from '../error.ts'
import { codeOf, describe } from '../exit.ts'
import type { Out } from '../output/out.ts'
import { launchHook, runHook, type HookProcess } from './process.ts'

export interface HookArguments {
  readonly pool?: string
  /** `<event>=<line for sh -c>` each. */
  readonly hook?: readonly string[]
  /** False: run none. */
  readonly hooks?: boolean
}

type HookEvent = Hook['on']
type Facts = Readonly<Record<string, string>>
/** What has a beginning and an end. */
type Span = 'run' | 'vm' | 'snapshot'

/** What hooks are around, and who is told. */
interface Place {
  readonly span: Span
  readonly vm?: Vm
  readonly out: Out
}

/** Characters of an error: an environment is no place for more. */
const MOST_ERROR = 4000

/** Passwords of ours are not for others. */
const SECRETS = new Set([
  'TIDEMARK_POOL_PASSWORD',
  'TIDEMARK_REPOSITORY_PASSWORD',
  'TIDEMARK_REST_PASSWORD',
  'RESTIC_PASSWORD',
  'RESTIC_REST_PASSWORD',
])

/** The hooks of the configuration and of options, in this order. @throws CliError CLI_CONFIG, CLI_USAGE */
export async function openHooks({ config }: GlobalOptions, args: HookArguments): Promise<JobHooks> {
  const { pools, hooks = [] } = await loadConfig(config)
  const [pool] = choosePool(pools, args.pool)
  const own = (args.hook ?? []).map(hookOf)
  const all = [...hooks, ...own].filter((hook) => hook.pools?.includes(pool) ?? true)
  return new JobHooks(args.hooks === false ? [] : all, pool)
}

function hookOf(option: string): Hook {
  const [event = '', ...line] = option.split('=')
  if (!(HOOK_EVENTS as readonly string[]).includes(event))
    throw new CliError('CLI_USAGE', `--hook takes <event>=<command>; '${event}' is none of ${HOOK_EVENTS.join(', ')}`)
  return hookEntry({ on: event, shell: line.join('=') })
}

/** The hooks of one command. What was begun before and not ended is ended when the process ends, however it does that. */
export class JobHooks implements Disposable {
  readonly #hooks: readonly Hook[]
  readonly #base: Facts
  /** Hooks that are to come after what began, by what it is. */
  readonly #owed = new Map<string, HookProcess[]>()
  readonly #atExit = () => {
    for (const process of [...this.#owed.values()].toReversed().flat()) launchHook(process)
  }

  constructor(hooks: readonly Hook[], pool: string) {
    this.#hooks = hooks
    this.#base = { TIDEMARK_RUN: randomUUID(), TIDEMARK_POOL: pool }
    process.on('exit', this.#atExit)
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#atExit)
  }

  /**
   * Does something between its hooks.
   * @param factsOf what those behind it are told, in their environment; of a failure they are told without
   * @returns also what failed and is no reason not to go on
   * @throws CliError CLI_HOOK; what the work throws
   */
  async around<Result>(
    place: Place,
    work: () => Promise<Result>,
    factsOf: (result: Result, warnings: readonly Error[]) => Facts,
    signal: AbortSignal,
  ): Promise<{ result: Result; failures: readonly Error[] }> {
    try {
      const warnings = await this.#before(place, signal)
      const result = await work()
      const failures = await this.#after(place, factsOf(result, warnings), signal)
      return { result, failures: [...warnings, ...failures] }
    } catch (error) {
      await this.#after(place, failureFacts(error, signal), signal)
      throw error
    }
  }

  /** Those of a VM's snapshot, for the engine. */
  aroundSnapshot(out: Out): SnapshotHooks {
    return {
      before: (vm, signal) => this.#before({ span: 'snapshot', vm, out }, signal),
      after: (vm, snapshot, signal) => {
        const taken = snapshot === undefined ? {} : { TIDEMARK_SNAPSHOT: snapshot.uuid }
        const result = snapshot !== undefined ? 'done' : signal.aborted ? 'interrupted' : 'failed'
        return this.#after({ span: 'snapshot', vm, out }, { TIDEMARK_RESULT: result, ...taken }, signal)
      },
    }
  }

  /** Names in hooks that no VM of the pool has: a typo would mean that the hook never runs. */
  unknownVms(vms: readonly Vm[]): readonly string[] {
    const known = new Set(vms.flatMap(({ uuid, name }) => [uuid, name]))
    return [...new Set(this.#hooks.flatMap((hook) => hook.vms ?? []))].filter((name) => !known.has(name))
  }

  /** From here on what comes after is owed. @returns failures that are to be warnings @throws CliError CLI_HOOK */
  async #before(place: Place, signal: AbortSignal): Promise<readonly Error[]> {
    const { span, vm } = place
    const lost = { TIDEMARK_RESULT: 'interrupted' }
    const after = this.#of(`after-${span}`, vm)
    this.#owed.set(
      keyOf(place),
      after.map((hook) => this.#processOf(hook, vm, lost)),
    )
    const warnings: Error[] = []
    for (const hook of this.#of(`before-${span}`, vm)) {
      const failure = await this.#run(hook, place, {}, signal)
      if (failure !== undefined && hook.onFailure !== 'warn') throw failure
      if (failure !== undefined) warnings.push(failure)
    }
    return warnings
  }

  /** Runs all that comes after, whatever the others do. @returns their failures */
  async #after(place: Place, facts: Facts, signal: AbortSignal): Promise<readonly Error[]> {
    const failures: Error[] = []
    for (const hook of this.#of(`after-${place.span}`, place.vm)) {
      this.#owed.get(keyOf(place))?.shift() // this one begins
      const failure = await this.#run(hook, place, facts, signal)
      if (failure !== undefined) failures.push(failure)
    }
    this.#owed.delete(keyOf(place))
    return failures
  }

  #of(event: HookEvent, vm: Vm | undefined): readonly Hook[] {
    return this.#hooks.filter((hook) => hook.on === event && isOf(hook, vm))
  }

  #processOf(hook: Hook, vm: Vm | undefined, facts: Facts): HookProcess {
    const ours = { ...this.#base, ...factsOf(vm), ...facts, TIDEMARK_EVENT: hook.on }
    const theirs = Object.entries(process.env).filter(([name]) => !SECRETS.has(name))
    const environment = { ...Object.fromEntries(theirs), ...withoutNul(ours) }
    const argv = hook.command ?? (['/bin/sh', '-c', hook.shell ?? ''] as const)
    return { argv, environment, timeoutMs: hook.timeoutSeconds * 1000 }
  }

  async #run(hook: Hook, { vm, out }: Place, facts: Facts, signal: AbortSignal): Promise<Error | undefined> {
    const command = hook.shell ?? hook.command?.join(' ')
    const about = { type: 'hook', event: hook.on, command, ...(vm && { vm: { uuid: vm.uuid, name: vm.name } }) }
    const when = hook.on.startsWith('before-') ? 'end' : 'leave'
    try {
      const ended = await runHook(this.#processOf(hook, vm, facts), when, signal)
      out.event({ ...about, result: ended ? 'done' : 'left' })
      out.say(`  hook ${hook.on}: ${command}${ended ? '' : ' (goes on by itself)'}`)
      return undefined
    } catch (error) {
      if (when === 'end') signal.throwIfAborted()
      out.event({ ...about, result: 'failed', message: describe(error) })
      out.say(`  hook ${hook.on} FAILED: ${describe(error)}`)
      return error instanceof CliError ? error : notStarted(command, error)
    }
  }
}

const notStarted = (command: string | undefined, cause: unknown): CliError =>
  new CliError('CLI_HOOK', `hook '${command}' could not be started`, { cause })

const keyOf = ({ span, vm }: Place): string => `${span} ${vm?.uuid ?? ''}`

function failureFacts(error: unknown, signal: AbortSignal): Facts {
  const code = codeOf(error)
  return {
    TIDEMARK_RESULT: signal.aborted ? 'interrupted' : 'failed',
    TIDEMARK_ERROR: describe(error).slice(0, MOST_ERROR),
    ...(code !== undefined && { TIDEMARK_ERROR_CODE: code }),
  }
}

function isOf({ vms, vmTags }: Hook, vm: Vm | undefined): boolean {
  if (vm === undefined || (vms === undefined && vmTags === undefined)) return true
  const isNamed = vms?.some((name) => name === vm.name || name === vm.uuid) ?? false
  return isNamed || (vmTags?.some((tag) => vm.tags.includes(tag)) ?? false)
}

const factsOf = (vm: Vm | undefined): Facts =>
  vm === undefined
    ? {}
    : { TIDEMARK_VM_UUID: vm.uuid, TIDEMARK_VM_NAME: vm.name, TIDEMARK_VM_POWER_STATE: vm.powerState }

/** An environment cannot hold it, and a name on a pool can. */
const withoutNul = (facts: Facts): Facts =>
  Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, value.replaceAll('\0', '')]))
