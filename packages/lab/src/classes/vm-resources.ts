import type { VmOperations, VmRef } from '@tidemark/xenapi'
import type { Call, Handlers } from '../calls/call.ts'
import { failure } from '../calls/failure.ts'
import { operateOnVm } from './vm-operation.ts'

/** Memory, processors and firmware settings of a VM. xapi: xapi_vm.ml */
export const vmResourceHandlers: Handlers = {
  'VM.set_memory_limits': (call, vm: VmRef, staticMin: number, staticMax: number, min: number, max: number) =>
    setMemory(call, vm, 'changing_memory_limits', { staticMin, staticMax, min, max }),
  'VM.set_memory': (call, vm: VmRef, bytes: number) =>
    setMemory(call, vm, 'changing_memory_limits', { staticMax: bytes, min: bytes, max: bytes }),
  'VM.set_memory_static_range': (call, vm: VmRef, staticMin: number, staticMax: number) =>
    setMemory(call, vm, 'changing_static_range', { staticMin, staticMax }),
  'VM.set_memory_dynamic_range': (call, vm: VmRef, min: number, max: number) =>
    setMemory(call, vm, 'changing_dynamic_range', { min, max }),
  'VM.set_VCPUs_max': setVcpusMax,
  'VM.set_VCPUs_at_startup': setVcpusAtStartup,
  'VM.set_bios_strings': setBiosStrings,
  'VM.set_NVRAM': (call, vm: VmRef, NVRAM: StringMap) => changeNvram(call, vm, () => NVRAM),
  'VM.add_to_NVRAM': addToNvram,
  'VM.remove_from_NVRAM': (call, vm: VmRef, key: string) =>
    changeNvram(call, vm, (before) => Object.fromEntries(Object.entries(before).filter(([each]) => each !== key))),
}

type StringMap = Readonly<Record<string, string>>

/** Bytes; what is left out stays as it is. */
interface MemoryLimits {
  readonly staticMin?: number
  readonly staticMax?: number
  readonly min?: number
  readonly max?: number
}

const MEMORY_RULE = 'static_min ≤ dynamic_min ≤ dynamic_max ≤ static_max'

async function setMemory(call: Call, vm: VmRef, operation: VmOperations, limits: MemoryLimits): Promise<void> {
  const { db } = call.pool
  await operateOnVm(call, vm, operation, () => {
    const before = db.get('VM', vm)
    const {
      staticMin = before.memory_static_min,
      min = before.memory_dynamic_min,
      max = before.memory_dynamic_max,
      staticMax = before.memory_static_max,
    } = limits
    const ordered = 0 <= staticMin && staticMin <= min && min <= max && max <= staticMax
    if (!ordered) failure('MEMORY_CONSTRAINT_VIOLATION_ORDER', MEMORY_RULE)
    db.update('VM', vm, {
      memory_static_min: staticMin,
      memory_static_max: staticMax,
      memory_dynamic_min: min,
      memory_dynamic_max: max,
      memory_target: min,
    })
  })
}

const VCPU_RULE = 'VCPU values must satisfy: 0 < VCPUs_at_startup ≤ VCPUs_max'

async function setVcpusMax(call: Call, vm: VmRef, VCPUs_max: number): Promise<void> {
  const { db } = call.pool
  await operateOnVm(call, vm, 'changing_VCPUs', () => {
    const { VCPUs_at_startup } = db.get('VM', vm)
    if (VCPUs_max < 1 || VCPUs_max < VCPUs_at_startup) failure('INVALID_VALUE', VCPU_RULE, String(VCPUs_max))
    db.update('VM', vm, { VCPUs_max })
  })
}

function setVcpusAtStartup({ pool: { db } }: Call, vm: VmRef, VCPUs_at_startup: number): void {
  const { VCPUs_max } = db.get('VM', vm)
  if (VCPUs_at_startup < 1 || VCPUs_at_startup > VCPUs_max)
    failure('INVALID_VALUE', VCPU_RULE, String(VCPUs_at_startup))
  db.update('VM', vm, { VCPUs_at_startup })
}

/** They are given once. */
function setBiosStrings({ pool: { db } }: Call, vm: VmRef, bios_strings: StringMap): void {
  if (Object.keys(db.get('VM', vm).bios_strings).length > 0) failure('VM_BIOS_STRINGS_ALREADY_SET')
  db.update('VM', vm, { bios_strings })
}

async function addToNvram(call: Call, vm: VmRef, key: string, value: string): Promise<void> {
  const { uuid, NVRAM } = call.pool.db.get('VM', vm)
  if (Object.hasOwn(NVRAM, key)) failure('MAP_DUPLICATE_KEY', 'VM', 'NVRAM', uuid, key)
  await changeNvram(call, vm, (before) => ({ ...before, [key]: value }))
}

async function changeNvram(call: Call, vm: VmRef, change: (before: StringMap) => StringMap): Promise<void> {
  const { db } = call.pool
  await operateOnVm(call, vm, 'changing_NVRAM', () => {
    db.update('VM', vm, { NVRAM: change(db.get('VM', vm).NVRAM) })
  })
}
