import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { MiB } from '@tidemark/blocks'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FaultPlan } from '../src/index.ts'
import { bareCall, http, loggedIn, run, testLab, type RawClient, type TestLab } from './harness.ts'

let world: TestLab
let client: RawClient
let disk: string
let vdi: { readonly ref: string; readonly uuid: string }

beforeAll(async () => {
  world = await testLab()
  await writeFile(join(world.directory, 'ca-cert.pem'), world.lab.certificate)
  client = await loggedIn(world)
  const vm = await world.lab.control.createVm({ name: 'vm', disks: [{ size: 4 * MiB, tracked: true }] })
  disk = vm.disks[0]?.ref ?? ''
  await world.lab.control.writeDisk(vm.disks[0]?.uuid ?? '', 0, Buffer.alloc(MiB, 'data'))
  const ref = (await client.call('VDI.snapshot', disk)) as string
  vdi = { ref, uuid: (await client.call('VDI.get_uuid', ref)) as string }
})
afterAll(() => world[Symbol.asyncDispose]())

type Planned = FaultPlan['faults'][number]
let count = 0
/** For what must come about, however busy the machine is. */
const soon = { timeout: 20_000 }
/** Seconds for a program, likewise. */
const PATIENT = '20'

/** Plans one fault for the work, and sees that it happened. */
async function during<Result>(fault: Omit<Planned, 'id'>, work: () => Promise<Result>): Promise<Result> {
  const { control } = world.lab
  const id = `fault ${++count}`
  await control.planFaults({ faults: [{ ...fault, id } as Planned] })
  try {
    return await work()
  } finally {
    expect((await control.faultReport()).find((each) => each.id === id)).toMatchObject({ fired: 1 })
    await control.clearFaults()
  }
}

/** Starts a program that the fault makes wait for ever, and ends it once the fault has happened. */
async function inVain(
  fault: Omit<Planned, 'id'>,
  [program, ...args]: readonly [string, ...string[]],
  until: () => Promise<void> = async () => {},
): Promise<void> {
  const { control } = world.lab
  await during(fault, async () => {
    const child = spawn(program, args, { stdio: 'ignore' })
    const ended = once(child, 'close')
    await expect.poll(async () => (await control.faultReport()).at(-1)?.fired, soon).toBe(1)
    await until()
    await sleep(200)
    expect(child.exitCode, 'still waiting').toBeNull()
    child.kill('SIGKILL')
    await ended
  })
}

/** What Python's own XML-RPC client makes of one call: its answer, or the name of its exception. */
async function python(method: string, ...params: readonly string[]): Promise<string> {
  const code = `
import ssl, sys, xmlrpc.client, http.client
context = ssl.create_default_context(cafile=sys.argv[2])
server = xmlrpc.client.ServerProxy(sys.argv[1], context=context)
try:
    print(getattr(server, sys.argv[3])(*sys.argv[4:]))
except Exception as error:
    print(type(error).__name__, getattr(error, 'errcode', ''))
`
  return (await run('python3', '-c', code, world.lab.url, world.caFile, method, ...params)).trim()
}

/** An NBD program's address of the snapshot. */
const nbdUri = (): string => {
  const { host, port } = world.lab.nbdAddress
  const name = encodeURIComponent(`/${vdi.uuid}?session_id=${client.session}`)
  return `nbds://${host}:${port}/${name}?tls-certificates=${world.directory}`
}

describe('a plan', () => {
  test('that cannot be understood is refused, and the message names the entry', async () => {
    const { control } = world.lab
    const refused = (plan: unknown) => control.planFaults(plan as FaultPlan).catch((error: unknown) => error)
    expect(await refused({ faults: [{ id: 'a', at: 'call', do: { action: 'explode' } }] })).toMatchObject({
      code: 'LAB_FAULT_PLAN',
      message: expect.stringContaining("fault 'a' (faults[0]).do.action"),
    })
    expect(await refused({ faults: [{ id: 'a', at: 'nowhere', do: { action: 'drop' } }] })).toMatchObject({
      message: expect.stringContaining("fault 'a' (faults[0]).at"),
    })
    expect(await refused([])).toMatchObject({ code: 'LAB_FAULT_PLAN' })
    const hang = { id: 'twin', at: 'request', do: { action: 'hang' } }
    expect(await refused({ faults: [hang, hang] })).toMatchObject({
      message: expect.stringContaining("two faults have the id 'twin'"),
    })
    expect(await control.faultReport()).toEqual([])
  })

  test('whose faults never happened says so', async () => {
    await using other = await testLab({
      faults: {
        faults: [{ id: 'never', at: 'call', match: { method: 'VM.start' }, do: { action: 'fail', failure: ['X'] } }],
      },
    })
    const { control } = other.lab
    await (await loggedIn(other)).call('VM.get_all')
    expect(await control.faultReport()).toEqual([{ id: 'never', at: 'call', fired: 0, seen: 0 }])
    await expect(control.assertFaultsFired()).rejects.toMatchObject({
      code: 'LAB_FAULT_UNFIRED',
      message: expect.stringContaining("'never' (0 events at call fitted it)"),
    })
  })

  test('with the same seed makes the same events fail, whatever else goes on', async () => {
    const outcomes = async (seed: number, disturb: boolean): Promise<string> => {
      const fail = { action: 'fail' as const, failure: ['PLANNED'] }
      await using other = await testLab({
        faults: {
          seed,
          faults: [
            { id: 'half', at: 'call', match: { method: 'VM.get_all' }, probability: 0.5, times: 'always', do: fail },
            { id: 'noise', at: 'call', match: { method: 'SR.*' }, probability: 0.5, times: 'always', do: fail },
          ],
        },
      })
      const one = await loggedIn(other)
      let text = ''
      for (let n = 0; n < 40; n++) {
        if (disturb) await one.call('SR.get_all').catch(() => undefined)
        text += await one.call('VM.get_all').then(
          () => '.',
          () => 'x',
        )
      }
      return text
    }
    const first = await outcomes(7, false)
    expect(first).toMatch(/x/)
    expect(first).toMatch(/\./)
    expect(await outcomes(7, true)).toBe(first)
    expect(await outcomes(8, false)).not.toBe(first)
  })

  test('counts: so many pass, so many fail, and the rest passes', async () => {
    const { control } = world.lab
    await control.failCall({ method: 'VM.get_all', after: 2, times: 2, failure: ['PLANNED', 'a'] })
    const seen: unknown[] = []
    for (let n = 0; n < 6; n++)
      seen.push(
        await client.call('VM.get_all').then(
          () => 'ok',
          () => 'failed',
        ),
      )
    expect(seen).toEqual(['ok', 'ok', 'failed', 'failed', 'ok', 'ok'])
    expect((await control.faultReport()).at(-1)).toMatchObject({ at: 'call', fired: 2, seen: 6 })
    await control.clearFaults()
  })
})

/** What curl makes of a call, by its exit code. */
const curl = (method: string): Promise<string> => run(...curlFor(method)).catch((error: Error) => error.message)

const curlFor = (method: string): [string, ...string[]] => [
  'curl',
  '--silent',
  '--max-time',
  PATIENT,
  '--cacert',
  world.caFile,
  '--header',
  'Content-Type: text/xml',
  '--data',
  `<methodCall><methodName>${method}</methodName><params/></methodCall>`,
  world.lab.url,
]

describe('a request', () => {
  const at = 'request' as const
  const match = { method: 'VDI.get_name_label' }
  const ask = () => python('VDI.get_name_label', client.session, vdi.ref)

  test('is answered with an error page, a page in place of XML, in part, or never', async () => {
    expect(await during({ at, match, do: { action: 'status', status: 503 } }, ask)).toBe('ProtocolError 503')
    expect(await during({ at, match, do: { action: 'status', status: 500 } }, ask)).toBe('ProtocolError 500')
    expect(await during({ at, match, do: { action: 'html' } }, ask)).toMatch(/^(ExpatError|ResponseError)/)
    const some = { method: 'system.*' }
    const partial = { at, match: some, do: { action: 'truncate' as const, after: 40 } }
    expect(await during(partial, () => curl('system.listMethods'))).toContain('curl ended with 18')
    await inVain({ at, match: some, do: { action: 'hang' } }, curlFor('system.listMethods'))
    expect(await ask()).toContain('Success')
  })

  test('whose answer is lost was carried out; a client that repeats it does it twice, and so does a proxy', async () => {
    const create = (label: string) => python('task.create', client.session, label, '')
    const made = async (label: string) => ((await client.call('task.get_by_name_label', label)) as string[]).length
    const method = { method: 'task.create' }
    const silent = () => bareCall(world.lab, 'task.create', [client.session, 'once', '']).catch((error: Error) => error)
    const lost = await during({ at, match: method, do: { action: 'lose-reply' } }, silent)
    expect(lost).toMatchObject({ code: 'ECONNRESET' })
    expect(await made('once')).toBe(1)
    // Python's client repeats a call by itself when the connection was closed under it
    expect(await during({ at, match: method, do: { action: 'lose-reply' } }, () => create('again'))).toContain(
      'Success',
    )
    expect(await made('again')).toBe(2)
    expect(await during({ at, match: method, do: { action: 'duplicate' } }, () => create('proxy'))).toContain('Success')
    expect(await made('proxy')).toBe(2)
  })

  test('gets no TLS, never, or with a certificate of somebody else', async () => {
    const list = () => curl('system.listMethods')
    expect(await during({ at: 'https', do: { action: 'close' } }, list)).toContain('curl ended with 35')
    await inVain({ at: 'https', do: { action: 'stall' } }, curlFor('system.listMethods'))
    expect(await during({ at: 'https', do: { action: 'wrong-certificate' } }, list)).toContain('curl ended with 60')
    expect(await list()).toContain('VDI.get_record')
  })

  test('finds its session lost', async () => {
    const other = await loggedIn(world)
    const lost = { at, match, do: { action: 'lose-session' as const } }
    const answer = await during(lost, () => other.failure('VDI.get_name_label', vdi.ref))
    expect(answer).toEqual(['SESSION_INVALID', other.session])
    expect(await client.call('VDI.get_name_label', vdi.ref)).toBe('vm 0')
  })
})

describe('an Async call', () => {
  const match = { method: 'Async.VDI.snapshot' }
  const snapshots = async () => ((await client.call('VDI.get_snapshots', disk)) as string[]).length
  const start = () => client.call('Async.VDI.snapshot', disk) as Promise<string>
  const status = (task: string) => client.call('task.get_status', task)

  test('fails in its task, with its work done or not', async () => {
    const failure = ['SR_BACKEND_FAILURE_1', '', 'planned', '']
    for (const [work, more] of [
      ['skipped', 0],
      ['done', 1],
    ] as const) {
      const before = await snapshots()
      const task = await during({ at: 'task', match, do: { action: 'fail', failure, work } }, start)
      await expect.poll(() => status(task), soon).toBe('failure')
      expect(await client.call('task.get_error_info', task)).toEqual(failure)
      expect(await snapshots()).toBe(before + more)
    }
  })

  test('whose task vanishes leaves only its work to be looked at', async () => {
    const before = await snapshots()
    const task = await during({ at: 'task', match, do: { action: 'vanish' } }, start)
    await expect.poll(() => status(task).catch((error: Error) => error.message), soon).toContain('HANDLE_INVALID')
    expect(await snapshots()).toBe(before + 1)
  })

  test('whose task comes no further for a while goes on, cancelled or not', async () => {
    for (const work of ['skipped', 'done'] as const) {
      const before = await snapshots()
      const task = await during({ at: 'task', match, do: { action: 'stall', work, ms: 150 } }, start)
      expect(await status(task)).toBe('pending')
      await client.call('task.cancel', task)
      await expect.poll(snapshots, soon).toBe(before + 1)
      await expect.poll(() => status(task), soon).not.toBe('pending')
    }
  })

  test('whose task never ends can be cancelled', async () => {
    const task = await during({ at: 'task', match, do: { action: 'stall' } }, start)
    expect(await status(task)).toBe('pending')
    await client.call('task.cancel', task)
    await expect.poll(() => status(task), soon).toBe('cancelled')
  })
})

test('a call brings the host down: what was written to is tracked no more', async () => {
  const { control } = world.lab
  const made = await control.createVm({ name: 'running', running: true, disks: [{ size: 2 * MiB, tracked: true }] })
  const crash = { at: 'call' as const, match: { method: 'VM.get_power_state' }, do: { action: 'crash-host' as const } }
  expect(await during(crash, () => client.call('VM.get_power_state', made.ref))).toBe('Halted')
  expect(await client.call('VDI.get_cbt_enabled', made.disks[0]?.ref ?? '')).toBe(false)
})

test('a host that loses its power in the middle of a call is back a moment later, with its VMs halted', async () => {
  const { control } = world.lab
  const made = await control.createVm({ name: 'dark', running: true, disks: [{ size: 2 * MiB, tracked: true }] })
  const power = {
    at: 'call' as const,
    match: { method: 'VM.get_tags' },
    do: { action: 'restart-host' as const, downMs: 50 },
  }
  await during(power, () => client.call('VM.get_tags', made.ref).catch((error: Error) => error))
  const state = () => client.call('VM.get_power_state', made.ref).catch((error: Error) => error.message)
  await expect.poll(state, soon).toBe('Halted')
  expect(await client.call('VDI.get_cbt_enabled', made.disks[0]?.ref ?? '')).toBe(false)
  expect((await nbd('nbdinfo', '--size', nbdUri())).trim()).toBe(String(4 * MiB))
})

test('a lab stops while one of its hosts is down on purpose', async () => {
  const restart = { action: 'restart-host' as const, downMs: 60_000 }
  await using other = await testLab({ faults: { faults: [{ id: 'power', at: 'request', do: restart }] } })
  await bareCall(other.lab, 'system.listMethods', []).catch((error: Error) => error)
  await other.lab.control.assertFaultsFired()
})

describe('an NBD connection', () => {
  const at = 'nbd-reply' as const
  const info = () => nbd('nbdinfo', '--size', nbdUri())
  const copy = () => nbd('nbdcopy', '--connections=1', nbdUri(), 'null:')

  test('is closed without a greeting, or never greeted', async () => {
    expect(await during({ at: 'nbd-greeting', do: { action: 'close' } }, info)).toMatch(/disconnected|closed/)
    await inVain({ at: 'nbd-greeting', do: { action: 'stall' } }, ['nbdinfo', '--size', nbdUri()])
    expect((await info()).trim()).toBe(String(4 * MiB))
  })

  test('gets no TLS, never, or with a certificate of somebody else', async () => {
    expect(await during({ at: 'nbd-tls', do: { action: 'close' } }, info)).toMatch(/gnutls_handshake/)
    await inVain({ at: 'nbd-tls', do: { action: 'stall' } }, ['nbdinfo', '--size', nbdUri()])
    expect(await during({ at: 'nbd-tls', do: { action: 'wrong-certificate' } }, info)).toMatch(/certificate/i)
  })

  test('loses an answer, gets it late, in part, damaged, or an error instead', async () => {
    await inVain({ at, do: { action: 'drop' } }, ['nbdcopy', nbdUri(), 'null:'])
    expect(await during({ at, after: 1, do: { action: 'delay', ms: 50 } }, copy)).toBe('')
    expect(await during({ at, after: 2, do: { action: 'cut', after: 100_000 } }, copy)).toMatch(
      /not connected|disconnected|reset/i,
    )
    expect(await during({ at, do: { action: 'corrupt', what: 'head', bit: 3 } }, copy)).toMatch(
      /not connected|magic|invalid/i,
    )
    expect(await during({ at, do: { action: 'error', errno: 'EIO' } }, copy)).toMatch(/Input\/output error/)
    expect(await copy()).toBe('')
  })

  test('gets one bit of the data wrong, which nothing in NBD notices', async () => {
    const file = `${world.directory}/copy`
    const read = () => nbd('nbdcopy', '--connections=1', nbdUri(), file).then(() => readFile(file))
    const whole = await read()
    const damaged = await during({ at, match: { vdi: vdi.uuid, type: 'READ' }, do: { action: 'corrupt' } }, read)
    const wrong = [...whole.keys()].filter((index) => whole[index] !== damaged[index])
    expect(wrong).toHaveLength(1)
    expect((whole[wrong[0] ?? 0] ?? 0) ^ (damaged[wrong[0] ?? 0] ?? 0)).toSatisfy(
      (bits: number) => (bits & (bits - 1)) === 0,
    )
  })

  test('is cut once it has read so much', async () => {
    const { control } = world.lab
    await control.cutNbdAfter(MiB)
    expect(await copy()).toMatch(/not connected|disconnected|reset/i)
    expect(await copy()).toBe('')
    await control.assertFaultsFired()
    await control.clearFaults()
  })
})

describe('changed blocks', () => {
  const at = 'bitmap' as const
  const changes = async () => (await client.call('VDI.list_changed_blocks', ...pair)) as string
  let pair: readonly [string, string]
  beforeAll(async () => {
    const made = await world.lab.control.createVm({ name: 'changing', disks: [{ size: 4 * MiB, tracked: true }] })
    const { ref = '', uuid = '' } = made.disks[0] ?? {}
    const before = (await client.call('VDI.snapshot', ref)) as string
    for (const block of [1, 2, 30]) await world.lab.control.writeDisk(uuid, block * 65_536, Buffer.alloc(512, 'x'))
    pair = [before, (await client.call('VDI.snapshot', ref)) as string]
  })
  const blocksIn = (text: string): number[] =>
    [...Buffer.from(text, 'base64')].flatMap((byte, at) =>
      [0, 1, 2, 3, 4, 5, 6, 7].flatMap((bit) => ((byte & (0x80 >> bit)) === 0 ? [] : [8 * at + bit])),
    )

  test('are kept back, all claimed, cut short, or no base64 at all', async () => {
    expect(blocksIn(await changes())).toEqual([1, 2, 30])
    expect(blocksIn(await during({ at, do: { action: 'omit', blocks: 2 } }, changes))).toHaveLength(1)
    expect(blocksIn(await during({ at, do: { action: 'all' } }, changes))).toHaveLength(64)
    expect(Buffer.from(await during({ at, do: { action: 'truncate', after: 3 } }, changes), 'base64')).toHaveLength(3)
    expect(await during({ at, do: { action: 'garble' } }, changes)).toMatch(/^!/)
    expect(blocksIn(await changes())).toEqual([1, 2, 30])
  })

  test('that are kept back are the same ones on each run with the same seed', async () => {
    const omitted = async (seed: number) => {
      await world.lab.control.planFaults({ seed, faults: [{ id: 'lie', at, do: { action: 'omit' } }] })
      const told = blocksIn(await changes())
      await world.lab.control.clearFaults()
      return [1, 2, 30].find((block) => !told.includes(block))
    }
    const seeds = [1, 2, 3, 4, 5, 6, 7, 8]
    const first = await omitted(1)
    const runs: unknown[] = []
    for (const seed of seeds) runs.push(await omitted(seed))
    expect(runs[0]).toBe(first)
    expect(new Set(runs).size).toBeGreaterThan(1)
  })
})

describe('a disk that the control domain keeps', () => {
  test('stays in use until a client unplugs it, or for a while', async () => {
    const held = async () => {
      const vbds = (await client.call('VDI.get_VBDs', vdi.ref)) as string[]
      const attached = await Promise.all(vbds.map((vbd) => client.call('VBD.get_currently_attached', vbd)))
      return vbds.filter((_, index) => attached[index] === true)
    }
    await expect.poll(held, soon).toEqual([])
    const at = 'detach' as const
    const read = async () => {
      await nbd('nbdinfo', '--size', nbdUri())
      await expect.poll(async () => (await world.lab.control.faultReport()).at(-1)?.fired, soon).toBe(1)
    }
    await during({ at, match: { vdi: vdi.uuid }, do: { action: 'leave' } }, read)
    expect(await client.failure('VDI.destroy', vdi.ref)).toEqual(['VDI_IN_USE', vdi.ref, 'destroy'])
    const [left = ''] = await held()
    await client.call('VBD.unplug', left)
    await client.call('VBD.destroy', left)
    await during({ at, do: { action: 'leave', ms: 1500 } }, read)
    expect(await held()).toHaveLength(1)
    await expect.poll(held, soon).toEqual([])
  })
})

describe('storage', () => {
  test('that is full: a guest gets ENOSPC, an import an I/O error, and nothing is made', async () => {
    const full = { at: 'disk-write' as const, times: 'always' as const, do: { action: 'full' as const } }
    const { control } = world.lab
    const made = await control.createVm({ name: 'filling', disks: [{ size: 4 * MiB }] })
    const { ref = '', uuid = '', guestSocket = '' } = made.disks[0] ?? {}
    await control.planFaults({ faults: [{ ...full, id: 'full', after: 1 }] })
    const write = (offset: number) =>
      // it says on its standard output what went wrong
      run('sh', '-c', `qemu-io -f raw -c 'write -P 1 ${offset} 64k' 'nbd+unix:///?socket=${guestSocket}' || true`)
    expect(await write(0)).toContain('wrote 65536/65536')
    expect(await write(65_536)).toContain('No space left on device')
    const task = (await client.call('task.create', 'an import', '')) as string
    const query = `session_id=${client.session}&vdi=${ref}&format=raw&task_id=${task}`
    const { status } = await http(world.lab, 'PUT', `/import_raw_vdi?${query}`, Buffer.alloc(4 * MiB, 'x'))
    expect(status).toBe(200)
    expect(await client.call('task.get_error_info', task)).toEqual(['VDI_IO_ERROR', 'Device I/O errors'])
    const noRoom = ['SR_BACKEND_FAILURE_44', '', 'There is insufficient space', '']
    expect(await client.failure('VDI.snapshot', ref)).toEqual(noRoom)
    await control.clearFaults()
    expect(await control.readDisk(uuid, 65_536, 512)).toEqual(Buffer.alloc(512))
    expect(await write(65_536)).toContain('wrote')
  })

  test('fills up by itself: what disks hold counts against the size of their SR', async () => {
    await using small = await testLab({ storageSize: 8 * MiB })
    const { control } = small.lab
    const made = await control.createVm({ name: 'vm', disks: [{ size: 8 * MiB }, { size: 8 * MiB }] })
    const [one = '', two = ''] = made.disks.map(({ uuid }) => uuid)
    await control.writeDisk(one, 0, Buffer.alloc(6 * MiB, 'x'))
    const full = { message: expect.stringContaining('are free') }
    await expect(control.writeDisk(two, 0, Buffer.alloc(3 * MiB, 'x'))).rejects.toMatchObject(full)
    await control.writeDisk(two, 0, Buffer.alloc(2 * MiB, 'x'))
    await control.writeDisk(two, 0, Buffer.alloc(2 * MiB, 'y')) // in place
    await expect(control.writeDisk(two, 3 * MiB, Buffer.from('z'))).rejects.toMatchObject(full)
    const session = await loggedIn(small)
    await session.call('VDI.destroy', made.disks[0]?.ref ?? '')
    await control.writeDisk(two, 3 * MiB, Buffer.from('z'))
  })

  test('that many write to at once takes what fits, and no more', async () => {
    await using small = await testLab({ storageSize: 8 * MiB })
    const { control } = small.lab
    const made = await control.createVm({ name: 'vm', disks: [{ size: 8 * MiB }, { size: 8 * MiB }] })
    const writes = made.disks.flatMap(({ uuid }) =>
      [0, 1, 2, 3, 4, 5, 6, 7].map((at) => control.writeDisk(uuid, at * MiB, Buffer.alloc(MiB, 'x'))),
    )
    const outcomes = await Promise.allSettled(writes)
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(8)
    expect(await control.usedSpace()).toBe(8 * MiB)
  })

  test('whose medium is broken, or that is out of reach, gives no data until it is back', async () => {
    const copy = () => nbd('nbdcopy', '--connections=1', nbdUri(), 'null:')
    expect(await during({ at: 'disk-read', match: { vdi: vdi.uuid }, do: { action: 'io-error' } }, copy)).toMatch(
      /failed/,
    )
    const crash = { at: 'nbd-reply' as const, after: 1, do: { action: 'crash-sr' as const } }
    expect(await during(crash, copy)).toMatch(/failed/)
    expect((await client.failure('VDI.snapshot', disk))[0]).toBe('SR_NOT_ATTACHED')
    const sr = (await client.call('VDI.get_SR', disk)) as string
    for (const pbd of (await client.call('SR.get_PBDs', sr)) as string[]) await client.call('PBD.plug', pbd)
    expect(await copy()).toBe('')
  })
})

describe('a transfer', () => {
  const at = 'transfer' as const
  const url = (path: string) => `${world.lab.url}${path}?session_id=${client.session}&vdi=${vdi.ref}`
  const downloading = (): [string, ...string[]] => [
    'curl',
    '--silent',
    '--no-buffer',
    '--max-time',
    PATIENT,
    '--cacert',
    world.caFile,
    '--output',
    `${world.directory}/out`,
    url('/export_raw_vdi'),
  ]
  const download = () => run(...downloading()).catch((error: Error) => error.message)
  const received = async () => (await readFile(`${world.directory}/out`)).length

  test('to the client is cut, or stops, after so many bytes', async () => {
    const match = { path: '/export_raw_vdi', vdi: vdi.uuid }
    await during({ at, match, do: { action: 'cut', after: 100_000 } }, download)
    expect(await received()).toBe(100_000)
    await inVain({ at, match, do: { action: 'stall', after: 200_000 } }, downloading(), () =>
      expect.poll(received, soon).toBe(200_000),
    )
    expect(await download()).toBe('')
    expect(await received()).toBe(4 * MiB)
  })

  test('that is shorter than the plan thinks is not hit', async () => {
    const { control } = world.lab
    await control.planFaults({ faults: [{ id: 'too late', at, do: { action: 'cut', after: 5 * MiB } }] })
    expect(await download()).toBe('')
    await expect(control.assertFaultsFired()).rejects.toMatchObject({ message: expect.stringContaining("'too late'") })
    await control.clearFaults()
  })

  test('is refused with a status', async () => {
    const get = () => http(world.lab, 'GET', `/export_raw_vdi?session_id=${client.session}&vdi=${vdi.ref}`)
    expect(await during({ at, do: { action: 'status' } }, get)).toMatchObject({ status: 503 })
  })

  test('to the client arrives in full, with status 200, and its task has failed', async () => {
    const task = (await client.call('task.create', 'export', '')) as string
    const failure = ['VDI_IO_ERROR', 'Device I/O errors']
    const get = () =>
      http(world.lab, 'GET', `/export_raw_vdi?session_id=${client.session}&task_id=${task}&vdi=${vdi.ref}`)
    const { status, body } = await during({ at, do: { action: 'fail', failure } }, get)
    expect([status, body.length]).toEqual([200, 4 * MiB])
    expect(await client.call('task.get_error_info', task)).toEqual(failure)
  })

  test('from the client is cut after so many bytes: what came is written, and its task has failed', async () => {
    const { control } = world.lab
    const made = await control.createVm({ name: 'import', disks: [{ size: 4 * MiB }] })
    const { ref = '', uuid = '' } = made.disks[0] ?? {}
    const task = (await client.call('task.create', 'import', '')) as string
    const path = `/import_raw_vdi?session_id=${client.session}&task_id=${task}&vdi=${ref}`
    const put = () => http(world.lab, 'PUT', path, Buffer.alloc(4 * MiB, 'x')).catch((error: Error) => error)
    const match = { path: '/import_raw_vdi' }
    await during({ at, match, do: { action: 'cut', after: MiB + 1000 } }, put)
    await expect.poll(() => client.call('task.get_status', task), soon).toBe('failure')
    expect(await control.readDisk(uuid, 0, MiB)).toEqual(Buffer.alloc(MiB, 'x'))
    expect(await control.readDisk(uuid, MiB, MiB)).toEqual(Buffer.alloc(MiB))
  })
})

/** A program of libnbd's: its output, or what it said when it failed. */
const nbd = (program: string, ...args: readonly string[]): Promise<string> =>
  run('timeout', PATIENT, program, ...args).catch((error: Error) => error.message)
