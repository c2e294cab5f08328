import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MiB } from '@tidemark/blocks'
import { type WireStruct, type WireValue } from '@tidemark/xenapi/codec'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dispatch } from '../src/calls/dispatch.ts'
import { derivedFields } from '../src/classes/derived.ts'
import { violations } from '../src/invariants.ts'
import { openPool } from '../src/lab.ts'
import { labDefaults } from '../src/options.ts'
import { theHost, type Pool } from '../src/pool.ts'

const NULL = 'OpaqueRef:NULL'
const CLASSES = [
  'pool',
  'host',
  'SR',
  'PBD',
  'SM',
  'network',
  'PIF',
  'VDI',
  'VBD',
  'VIF',
  'VM',
  'VM_metrics',
  'VM_guest_metrics',
  'VTPM',
  'task',
  'message',
]
/** Rounds of one to four calls at once. */
const ROUNDS = 1000

/** A pool without servers, and calls to it that go through the dispatcher. */
async function openWorld() {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-lab-mirror-'))
  const stack = new AsyncDisposableStack()
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const pool = await openPool(stack, { ...labDefaults, directory, password: 'secret', busyWaitMs: 1000 })
  const session = await pool.sessions.login('root', 'secret', 'mirror')
  const call = (method: string, ...params: WireValue[]) =>
    dispatch({ pool, host: theHost(pool) }, { method, params: [session, ...params] }, 'json')
  return { pool, call, [Symbol.asyncDispose]: () => stack.disposeAsync() }
}

type World = Awaited<ReturnType<typeof openWorld>>

async function value(answer: ReturnType<World['call']>): Promise<WireValue> {
  const result = await answer
  if (!result.ok) throw new Error(result.failure.join(', '))
  return result.value
}

/** Follows some classes by event.from, from where it was last. */
class Mirror {
  readonly #world: World
  readonly classes: readonly string[]
  readonly objects = new Map<string, Map<string, WireValue>>()
  #token = ''

  constructor(world: World, classes: readonly string[]) {
    this.#world = world
    this.classes = classes
    for (const name of classes) this.objects.set(name.toLowerCase(), new Map())
  }

  /** @returns valid_ref_counts */
  async poll(): Promise<WireStruct> {
    const answer = (await value(this.#world.call('event.from', this.classes, this.#token, 0))) as WireStruct
    for (const event of answer['events'] as WireStruct[]) {
      const objects = this.objects.get(event['class'] as string)
      const ref = event['ref'] as string
      if (event['operation'] === 'del') objects?.delete(ref)
      else objects?.set(ref, event['snapshot'] ?? {})
    }
    this.#token = answer['token'] as string
    return answer['valid_ref_counts'] as WireStruct
  }
}

type Pick = (n: number) => number

/** One call with references of objects that are there. What is refused is refused. */
async function randomCall({ pool, call }: World, pick: Pick): Promise<void> {
  const any = (name: 'VM' | 'VDI' | 'VBD' | 'VIF' | 'task' | 'message' | 'SR' | 'network'): string => {
    const refs = [...pool.db.rows(name).keys()]
    return refs[pick(refs.length)] ?? NULL
  }
  const device = { other_config: {}, qos_algorithm_type: '', qos_algorithm_params: {} }
  const calls: (() => Promise<unknown>)[] = [
    () =>
      call('VDI.create', {
        SR: any('SR'),
        virtual_size: 2 * MiB,
        type: 'user',
        sharable: false,
        read_only: false,
        other_config: {},
      }),
    () =>
      call('VBD.create', {
        VM: any('VM'),
        VDI: any('VDI'),
        userdevice: 'autodetect',
        bootable: false,
        mode: 'RW',
        type: 'Disk',
        empty: false,
        ...device,
      }),
    () =>
      call('VIF.create', {
        device: String(pick(7)),
        network: any('network'),
        VM: any('VM'),
        MAC: '',
        MTU: 1500,
        ...device,
      }),
    () => call('VM.clone', any('VM'), `vm ${pick(100)}`),
    () => call('VM.provision', any('VM')),
    () => call('VM.set_is_a_template', any('VM'), false),
    () => call('VM.snapshot', any('VM'), `snapshot ${pick(100)}`),
    () => call('VM.checkpoint', any('VM'), `checkpoint ${pick(100)}`),
    () => call('VM.revert', any('VM')),
    () => call('VM.start', any('VM'), false, false),
    () => call('VM.suspend', any('VM')),
    () => call('VM.resume', any('VM'), false, false),
    () => call('VM.hard_shutdown', any('VM')),
    () => call('VM.destroy', any('VM')),
    () => call('VTPM.create', any('VM'), false),
    () => call('VDI.snapshot', any('VDI')),
    () => call('VDI.enable_cbt', any('VDI')),
    () => call('VDI.destroy', any('VDI')),
    () => call('VDI.clone', any('VDI')),
    () => call('VDI.clone', any('VDI')),
    () => call('VBD.unplug', any('VBD')),
    () => call('VBD.plug', any('VBD')),
    () => call('VBD.destroy', any('VBD')),
    () => call('VIF.destroy', any('VIF')),
    () => call('VM.set_name_label', any('VM'), `name ${pick(100)}`),
    () => call('VM.remove_from_other_config', any('VM'), 'xo:backup'),
    () => call('VM.add_to_other_config', any('VM'), 'xo:backup', String(pick(100))),
    () => call('task.create', 'task', ''),
    () => call('task.set_status', any('task'), 'success'),
    () => call('task.destroy', any('task')),
    () => call('message.create', 'ALERT', 1, 'Pool', 'x', 'body'),
    () => call('message.destroy', any('message')),
    () => call('SR.scan', any('SR')),
  ]
  await calls[pick(calls.length)]?.()
}

const recordsOf = (world: World, name: string): Promise<WireValue> => value(world.call(`${name}.get_all_records`))

test('mirrors that poll at random moments for random classes end as the pool is, and no rule is broken', async () => {
  const seed = Math.trunc(Math.random() * 2 ** 31)
  const random = fc.sample(fc.infiniteStream(fc.nat()), { seed, numRuns: 1 })[0]
  const pick: Pick = (n) => (n === 0 ? 0 : Number(random?.next().value) % n)
  await using world = await openWorld()
  const base = {
    name_label: 'base',
    user_version: 1,
    is_a_template: false,
    affinity: NULL,
    memory_static_max: 1 << 20,
    memory_dynamic_max: 1 << 20,
    memory_dynamic_min: 1 << 20,
    memory_static_min: 1 << 20,
    VCPUs_max: 1,
    VCPUs_at_startup: 1,
    VCPUs_params: {},
    actions_after_shutdown: 'destroy',
    actions_after_reboot: 'restart',
    actions_after_crash: 'restart',
    PV_bootloader: '',
    PV_kernel: '',
    PV_ramdisk: '',
    PV_args: '',
    PV_bootloader_args: '',
    PV_legacy_args: '',
    HVM_boot_policy: '',
    HVM_boot_params: {},
    platform: {},
    PCI_bus: '',
    other_config: {},
    recommendations: '',
  }
  for (let n = 0; n < 5; n++) await value(world.call('VM.create', base))
  const mirrors = Array.from(
    { length: 6 },
    () =>
      new Mirror(
        world,
        CLASSES.filter(() => pick(2) === 0),
      ),
  )
  mirrors.push(new Mirror(world, ['*'].concat(CLASSES)))
  for (let n = 0; n < ROUNDS; n++) {
    await Promise.all(Array.from({ length: 1 + pick(4) }, () => randomCall(world, pick)))
    if (pick(4) === 0) await mirrors[pick(mirrors.length)]?.poll()
    if (n % 100 === 0) expect(found(world.pool), `seed ${seed}`).toEqual([])
  }
  await world.pool.operations.idle()
  for (const mirror of mirrors) {
    const counts = await mirror.poll()
    for (const name of mirror.classes.filter((each) => each !== '*')) {
      const objects = mirror.objects.get(name.toLowerCase()) ?? new Map<string, WireValue>()
      expect(Object.fromEntries(objects), `${name}, seed ${seed}`).toEqual(await recordsOf(world, name))
      expect(counts[name.toLowerCase()], `seed ${seed}`).toEqual(BigInt(objects.size))
    }
  }
  expect(found(world.pool), `seed ${seed}`).toEqual([])
})

const found = ({ db, storage, operations }: Pool): unknown[] => [
  ...violations({ db, storage, idle: operations.isIdle, derive: derivedFields }),
]

test('who registers is told by event.next; who was away for too long has lost events, and goes on from there', async () => {
  await using world = await openWorld()
  const { pool, call } = world
  const failure = async (answer: ReturnType<World['call']>): Promise<readonly string[]> => {
    const result = await answer
    return result.ok ? [] : result.failure
  }
  expect((await failure(call('event.next')))[0]).toBe('SESSION_NOT_REGISTERED')
  const before = (await value(call('event.get_current_id'))) as number
  await value(call('event.register', ['task', 'message']))
  const task = (await value(call('task.create', 'mine', ''))) as string
  const told = (await value(call('event.next'))) as WireStruct[]
  const events = told.filter((event) => event['operation'] === 'add') // the call that registered is told as gone
  expect(events).toMatchObject([{ class: 'task', operation: 'add', ref: task, snapshot: { name_label: 'mine' } }])
  expect(Number(events[0]?.['id'])).toBeGreaterThan(before)
  const waiting = value(call('event.next'))
  await value(call('message.create', 'HELLO', 1, 'Pool', 'x', ''))
  expect(await waiting).toMatchObject([{ class: 'message', operation: 'add' }])
  await value(call('event.unregister', ['message']))
  for (let n = 0; n < 25_000; n++) pool.tasks.drop(pool.tasks.create('short'))
  expect(await failure(call('event.next'))).toEqual(['EVENTS_LOST'])
  await value(call('task.set_status', task, 'success'))
  expect(await value(call('event.next'))).toMatchObject([{ class: 'task', operation: 'mod', ref: task }])
})

test('who was away for too long sees by the counts that something went', async () => {
  await using world = await openWorld()
  const { pool, call } = world
  const gone = pool.tasks.create('gone')
  const mirror = new Mirror(world, ['task'])
  await mirror.poll()
  pool.tasks.drop(gone)
  for (let n = 0; n < 25_000; n++) pool.tasks.drop(pool.tasks.create('short'))
  const counts = await mirror.poll()
  expect(mirror.objects.get('task')?.size).toBe(1)
  expect(counts['task']).toBe(0n)
  expect(await value(call('task.get_all'))).toEqual([])
})
