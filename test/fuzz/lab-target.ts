import { setTimeout as sleep } from 'node:timers/promises'
import type { LabOptions, MadeDisk, MadeVm } from '@tidemark/lab'
import { login, type Session, type TaskRef } from '@tidemark/xenapi'
import { isOurs } from './rpc.ts'
import { forkLab, type ForkedLab } from '../support/forked-lab.ts'

/** A lab with one VM on one disk, for connections. */
export interface LabTarget extends AsyncDisposable {
  readonly lab: ForkedLab
  /** What placeholders stand for: `{{SESSION}}`, `{{VDI}}` and so on. */
  names(): Promise<ReadonlyMap<string, string>>
  /** Bytes of the disk. */
  readonly size: number
  readonly uuid: string
  /** A call on a connection of its own is answered, nothing is held, the objects agree, no socket and no memory stays. */
  settle(): Promise<readonly string[]>
}

const SIZE = 2 * 1024 * 1024

export async function openLabTarget(options: Partial<Omit<LabOptions, 'clock' | 'random'>>): Promise<LabTarget> {
  const quick = {
    loginDelayMs: 1,
    detachDelayMs: 5,
    dataDestroyWaitMs: 20,
    httpPort: 0,
    networkPurpose: 'insecure_nbd',
  } as const
  const lab = await forkLab({ ...quick, ...options })
  let { vm, disk } = await made(lab)
  let session = await enter(lab)
  const first = { memory: await lab.memory(), resources: await lab.resources() }
  return {
    lab,
    size: disk.size,
    uuid: disk.uuid,
    async names() {
      if (!(await isValid(session))) session = await enter(lab)
      const { VDI, VM } = session
      // an input may have destroyed it, as it may
      const isThere =
        (await VDI.get_all()).includes(disk.ref as never) && (await VM.get_all()).includes(vm.ref as never)
      if (!isThere) ({ vm, disk } = await made(lab))
      const task: TaskRef = await session.task.create('fuzz', '')
      return new Map([
        ['SESSION', session.ref],
        ['VDI', disk.ref],
        ['VDI_UUID', disk.uuid],
        ['VM', vm.ref],
        ['VM_UUID', vm.uuid],
        ['SR', await session.VDI.get_SR(disk.ref as never)],
        ['task', task],
      ])
    },
    async settle() {
      const wrong = [...(await answers(lab)), ...(await atRest(lab))]
      await lab.control.expireSessions() // whoever waits for events goes home
      const violations = (await lab.control.invariants()).filter(isOurs)
      wrong.push(...violations.map(({ rule, class: name, ref, detail }) => `${rule}: ${name} ${ref}: ${detail}`))
      const errors = (await lab.errors()).filter((error) => !GONE.test(error))
      wrong.push(...errors.map((error) => `onError: ${error}`))
      const { heapUsed } = await lab.memory()
      if (heapUsed > first.memory.heapUsed + 48 * 1024 * 1024)
        wrong.push(`the heap went from ${first.memory.heapUsed} to ${heapUsed}`)
      wrong.push(...(await openSockets(lab, first.resources)))
      if (lab.death !== undefined) wrong.push(`the lab died of ${lab.death}`)
      return wrong
    },
    async [Symbol.asyncDispose]() {
      await session[Symbol.asyncDispose]()
      await lab[Symbol.asyncDispose]()
    },
  }
}

/** A client that went away, or did not speak NBD: that is to be told, and is no fault of the lab. */
const GONE = /^Error: aborted|^NbdError: |ECONNRESET|EPIPE|the client is gone/

async function made({ control }: ForkedLab): Promise<{ readonly vm: MadeVm; readonly disk: MadeDisk }> {
  const vm = await control.createVm({ name: 'fuzzed', disks: [{ size: SIZE, tracked: true }] })
  const [disk] = vm.disks
  if (disk === undefined) throw new Error('the lab made a VM without a disk')
  return { vm, disk }
}

const enter = (lab: ForkedLab): Promise<Session> => login(lab.pool, lab.credentials, { originator: 'fuzz' })

async function isValid(session: Session): Promise<boolean> {
  try {
    await session.session.get_uuid(session.ref as never)
    return true
  } catch {
    return false // whatever the reason, a new one is needed
  }
}

/** A client that did nothing wrong, over JSON and over XML. */
async function answers(lab: ForkedLab): Promise<string[]> {
  try {
    for (const api of ['json', 'xml'] as const) {
      await using session = await login(lab.pool, lab.credentials, { api })
      const records = await session.pool.get_all_records()
      if (Object.keys(records).length !== 1) return [`there are ${Object.keys(records).length} pools`]
    }
    return []
  } catch (error) {
    return [`a well-formed call is not answered: ${String(error)}`]
  }
}

/** No control domain holds a disk any more. */
async function atRest(lab: ForkedLab): Promise<string[]> {
  await using session = await login(lab.pool, lab.credentials)
  for (let tries = 0; tries < 60; tries++) {
    const vms = await session.VM.get_all_records()
    const held = Object.values(vms).flatMap(({ is_control_domain, VBDs }) => (is_control_domain ? VBDs : []))
    if (held.length === 0) return []
    await sleep(100)
  }
  return ['a control domain holds disks of connections that are gone']
}

async function openSockets(lab: ForkedLab, before: Readonly<Record<string, number>>): Promise<string[]> {
  const count = (resources: Readonly<Record<string, number>>): number => resources['TCPSocketWrap'] ?? 0
  for (let tries = 0; tries < 150; tries++) {
    // a handshake of TLS that nobody goes on with has its ten seconds; two are our own client's, which keeps them for the next call
    if (count(await lab.resources()) <= count(before) + 4) return []
    await sleep(100)
  }
  return [`sockets stay open: ${JSON.stringify(await lab.resources())}, before ${JSON.stringify(before)}`]
}
