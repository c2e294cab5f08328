import { NULL_REF } from '@tidemark/xenapi/codec'
import { isFailure, XenApiError, type Session, type VmRecord, type VmRef } from '@tidemark/xenapi'
import type { BootReport, BootSign } from '../boot.ts'
import { EngineError } from '../error.ts'
import type { BootOrder, TrialTarget, Vm } from '../pool.ts'
import { MARK_REPOSITORY, MARK_ROLE, MARK_SELF } from './marks.ts'
import { repeated } from './outcome.ts'
import type { SnapshotContext } from './snapshot.ts'

/** Temporary VMs over XenAPI. */
export const xenTrials = (context: SnapshotContext): TrialTarget => ({
  boot: (vm, order, signal) => boot(context, vm, order, signal),
  destroy: async (vmUuid) => {
    const { session } = context
    try {
      await destroyTrial(session, await session.VM.get_by_uuid(vmUuid))
    } catch (error) {
      if (!isFailure(error, 'UUID_INVALID') && !isFailure(error, 'HANDLE_INVALID')) throw error
    }
  },
})

/** Takes a VM's power, where it has any, and removes it; its disks stay. */
export async function destroyTrial(session: Session, vm: VmRef): Promise<void> {
  if ((await session.VM.get_power_state(vm)) !== 'Halted') {
    await repeated(() => session.Async.VM.hard_shutdown(vm)).catch((error: unknown) => {
      if (!isFailure(error, 'VM_BAD_POWER_STATE')) throw error // it has just switched itself off
    })
  }
  await repeated(() => session.Async.VM.destroy(vm))
}

async function boot(
  context: SnapshotContext,
  vm: Vm,
  { repository, limitMs, sign }: BootOrder,
  signal: AbortSignal | undefined,
): Promise<BootReport> {
  const { session, clock } = context
  const ref = await session.VM.get_by_uuid(vm.uuid, { signal })
  await prepare(session, ref, vm, repository, sign)
  const startedAt = clock.now().getTime()
  const limit = AbortSignal.timeout(limitMs)
  const running = signal === undefined ? limit : AbortSignal.any([signal, limit])
  try {
    await session.Async.VM.start(ref, false, false, { signal: running })
    if (sign.kind === 'check') await sign.check(vm, running)
    else await untilSigned(context, ref, sign, running)
  } catch (error) {
    signal?.throwIfAborted()
    if (!limit.aborted) throw asBootError(error)
    throw new EngineError(
      'ENGINE_BOOT',
      `${expected(sign)} within ${limitMs / 1000} s: ${await stateOf(session, ref)}`,
      {
        cause: error,
      },
    )
  }
  return { tookMs: clock.now().getTime() - startedAt, ...(await whatItSays(session, ref, signal)) }
}

/**
 * A VM that nobody hears: no cards, marked as ours, so that whoever finds it may remove it even while it runs. What its
 * original once said must not be taken for its own sign.
 */
async function prepare(session: Session, ref: VmRef, vm: Vm, repository: string, sign: BootSign): Promise<void> {
  for (const vif of await session.VM.get_VIFs(ref)) await session.VIF.destroy(vif)
  const marks = { [MARK_ROLE]: 'trial', [MARK_REPOSITORY]: repository, [MARK_SELF]: vm.uuid }
  for (const [key, value] of Object.entries(marks)) {
    await repeated(async () => {
      await session.VM.remove_from_other_config(ref, key)
      await session.VM.add_to_other_config(ref, key, value)
    })
  }
  if (sign.kind === 'data') await session.VM.remove_from_xenstore_data(ref, `vm-data/${sign.key}`)
}

/** The longest that one question for events waits, in seconds. */
const WAIT_S = 30

/** @throws EngineError ENGINE_BOOT when the guest goes off */
async function untilSigned(
  { session, clock }: SnapshotContext,
  ref: VmRef,
  sign: BootSign,
  signal: AbortSignal,
): Promise<void> {
  for (let token = ''; ;) {
    const vm = await session.VM.get_record(ref, { signal })
    if (await isSigned(session, vm, sign, signal)) return
    if (vm.power_state === 'Halted')
      throw new EngineError('ENGINE_BOOT', 'the restored guest switched itself off before it gave a sign')
    const classes = [`vm/${ref}`, 'vm_guest_metrics']
    const before = clock.now().getTime()
    token = await nextToken(session, classes, token, signal)
    if (clock.now().getTime() - before < PAUSE_MS) await clock.sleep(PAUSE_MS, signal) // a pool full of guests is never silent
  }
}

const PAUSE_MS = 500

async function nextToken(session: Session, classes: string[], token: string, signal: AbortSignal): Promise<string> {
  try {
    return (await session.event.from(classes, token, token === '' ? 0 : WAIT_S, { signal })).token
  } catch (error) {
    if (isFailure(error, 'EVENTS_LOST')) return ''
    throw error
  }
}

async function isSigned(session: Session, vm: VmRecord, sign: BootSign, signal: AbortSignal): Promise<boolean> {
  if (sign.kind === 'data') return vm.xenstore_data[`vm-data/${sign.key}`] !== undefined
  if (vm.guest_metrics === NULL_REF) return false
  try {
    return await session.VM_guest_metrics.get_PV_drivers_detected(vm.guest_metrics, { signal })
  } catch (error) {
    if (isFailure(error, 'HANDLE_INVALID')) return false // the guest has just started anew
    throw error
  }
}

/** What the guest told, by its agent and by xenstore. */
async function whatItSays(session: Session, ref: VmRef, signal: AbortSignal | undefined) {
  const { guest_metrics, xenstore_data } = await session.VM.get_record(ref, { signal })
  const isThere = guest_metrics !== NULL_REF
  const { os_version: system, networks } = isThere
    ? await session.VM_guest_metrics.get_record(guest_metrics, { signal })
    : { os_version: {}, networks: {} }
  const data = Object.entries(xenstore_data).flatMap(([path, value]) => {
    const [, key] = /^vm-data\/(.+)$/.exec(path) ?? []
    return key === undefined ? [] : [[key, value] as const]
  })
  return { system, networks, data: Object.fromEntries(data) }
}

function expected(sign: BootSign): string {
  switch (sign.kind) {
    case 'drivers':
      return 'no agent of the restored guest reported'
    case 'data':
      return `the restored guest did not write vm-data/${sign.key}`
    case 'check':
      return 'the check did not end'
    default:
      return sign satisfies never
  }
}

const stateOf = async (session: Session, ref: VmRef): Promise<string> =>
  session.VM.get_power_state(ref).then(
    (state) => `the VM is ${state.toLowerCase()}`,
    () => 'the VM cannot be asked',
  )

/** That the pool refuses to start the VM is an outcome of the test. */
const asBootError = (cause: unknown): unknown =>
  cause instanceof XenApiError && cause.failure !== undefined
    ? new EngineError('ENGINE_BOOT', `the pool does not start the restored VM: ${cause.failure.join(', ')}`, { cause })
    : cause
