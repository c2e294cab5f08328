import type { NetworkRef, PbdRef, SrRef, TaskRef, VbdRef, VdiRef, VifRef, VmRef, VtpmRef } from '@tidemark/xenapi'
import type { Command, Job } from './command.ts'
import type { XePool } from './directory.ts'

/** The classes whose objects commands are given by uuid. */
interface RefOf {
  readonly network: NetworkRef
  readonly PBD: PbdRef
  readonly SR: SrRef
  readonly task: TaskRef
  readonly VBD: VbdRef
  readonly VDI: VdiRef
  readonly VIF: VifRef
  readonly VM: VmRef
  readonly VTPM: VtpmRef
}

interface ActionRow {
  readonly help: string
  readonly required?: readonly string[]
  readonly optional?: readonly string[]
}

/** A command that does one thing to one object and prints nothing. */
export const action = <Api extends keyof RefOf>(
  name: string,
  api: Api,
  { help, required = [], optional = [] }: ActionRow,
  act: (pool: XePool, ref: RefOf[Api], job: Job) => Promise<unknown>,
): Command => ({
  name,
  required: ['uuid', ...required],
  optional,
  help,
  run: async (job) => void (await act(job.pool, await refOf(job.pool, api, job.params.need('uuid')), job)),
})

/** A command that makes an object of one that its uuid names, and prints the new one's uuid. */
export const making = <Api extends keyof RefOf>(
  name: string,
  api: Api,
  { help, required = [], optional = [] }: ActionRow,
  act: (pool: XePool, ref: RefOf[Api], job: Job) => Promise<RefOf[Api]>,
): Command => ({
  name,
  required: ['uuid', ...required],
  optional,
  help,
  run: async (job) => {
    const made = await act(job.pool, await refOf(job.pool, api, job.params.need('uuid')), job)
    job.printer.list([await uuidOf(job.pool, api, made)])
  },
})

/** The object with this uuid. @throws XenApiError UUID_INVALID */
export const refOf = async <Api extends keyof RefOf>(
  { session, signal }: XePool,
  api: Api,
  uuid: string,
): Promise<RefOf[Api]> => (await session.call(`${api}.get_by_uuid`, [uuid], signal)) as RefOf[Api]

export const uuidOf = async ({ session, signal }: XePool, api: string, ref: string): Promise<string> =>
  (await session.call(`${api}.get_uuid`, [ref], signal)) as string
