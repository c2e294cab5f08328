// A backup or a restore in a process of its own, which kills itself at a given step: argv[2] is an order as JSON.
import {
  backupDefaults,
  backupVm,
  choosePoint,
  chooseVm,
  fileLedger,
  listPoints,
  openPoint,
  planNewDisks,
  resumeDefaults,
  restoreAsNewVm,
  restoreNewDisks,
  restoreOver,
  systemClock,
  type Journal,
  type Ledger,
  type Pool,
} from '@tidemark/engine'
import { openXenPool } from '@tidemark/engine/xen'
import { localBackend, openRepository } from '@tidemark/repository'
import { login } from '@tidemark/xenapi'

/** What such a process is to do. */
export interface Order {
  readonly kind: 'backup' | 'restore' | 'new-disk' | 'over'
  readonly url: string
  readonly fingerprint: string
  readonly password: string
  readonly repository: string
  readonly state: string
  readonly vm: string
  /** Steps that pass before the process dies; Infinity is no number in JSON, so undefined stands for it. */
  readonly after?: number
  /** Or the step of this name, the `nth` of them from 1 on. */
  readonly diesAt?: { readonly name: string; readonly nth: number }
  /** Time between checkpoints. */
  readonly everyMs?: number
  /** Where it may die: before the steps of the journal, or before and after the calls of the pool too. */
  readonly at: 'journal' | 'pool'
}

const order = JSON.parse(process.argv[2] ?? '') as Order
let passed = 0
let named = 0

/** Tells the step, and dies there when its turn has come: nothing is closed, nothing is tidied. */
function step(name: string): void {
  process.stdout.write(`${name}\n`)
  if (name === order.diesAt?.name) named++
  if (passed++ === order.after || (named > 0 && named === order.diesAt?.nth)) process.kill(process.pid, 'SIGKILL')
}

const mortalLedger = (ledger: Ledger): Ledger => ({
  ...ledger,
  async begin(header) {
    step('begin')
    const journal = await ledger.begin(header)
    return mortalJournal(journal)
  },
  async resume(run) {
    const journal = await ledger.resume(run)
    return journal && mortalJournal(journal)
  },
})

const mortalJournal = (journal: Journal): Journal => ({
  ...journal,
  async note(entry) {
    if (entry.step === 'saved') step('saved (not noted)')
    await journal.note(entry)
    step(`${entry.step} (noted)`)
  },
  async checkpoint(entries) {
    await journal.checkpoint(entries)
    for (const { kind } of entries) step(`${kind} (noted)`)
  },
  async end() {
    step('end')
    await journal.end()
    step('ended')
  },
})

/** Before and after every call of an object, and of what its calls answer. */
function mortal<Target extends object>(target: Target, name: string): Target {
  return new Proxy(target, {
    get(inner, key) {
      const value: unknown = Reflect.get(inner, key, inner)
      if (typeof value === 'object' && value !== null && key === 'restore') return mortal(value, 'restore')
      if (typeof value !== 'function' || typeof key === 'symbol') return value
      return (...args: unknown[]) => {
        step(`before ${name}.${key}`)
        const result: unknown = value.apply(inner, args)
        if (!(result instanceof Promise)) return result
        return result.then((answer: unknown) => {
          step(`after ${name}.${key}`)
          return key === 'snapshot' ? mortal(answer as object, 'snapshot') : answer
        })
      }
    },
  })
}

const trust = { kind: 'fingerprint', sha256: order.fingerprint } as const
await using session = await login({ url: order.url, trust }, { username: 'root', password: order.password })
const opened = await openXenPool(session)
const pool: Pool = order.at === 'pool' ? mortal(opened, 'pool') : opened
await using repository = await openRepository(localBackend(order.repository), order.password)
const ledger = mortalLedger(fileLedger(order.state))
if (order.kind === 'backup') {
  const vm = chooseVm(await opened.vms(), order.vm)
  const context = { pool, repository, ledger, clock: systemClock, tool: 'mortal', on: () => {} }
  const resume = { ...resumeDefaults, everyMs: order.everyMs ?? resumeDefaults.everyMs }
  await backupVm(context, vm, { ...backupDefaults, audit: undefined, resume })
} else {
  await using _ = await repository.lock('shared')
  await repository.loadIndex()
  const point = await openPoint(repository, choosePoint(await listPoints(repository), order.vm))
  const context = { pool, repository, ledger, onDisk: () => {} }
  if (order.kind === 'over') await restoreOver(context, point, point.record.disks)
  else if (order.kind === 'new-disk') {
    const placements = await planNewDisks(pool, point, point.record.disks, { storage: undefined })
    await restoreNewDisks(context, point, placements, {})
  } else await restoreAsNewVm(context, point, { name: 'restored', storage: undefined })
}
