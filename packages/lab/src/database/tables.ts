import type {
  CertificateRecord,
  HostMetricsRecord,
  HostRecord,
  MessageRecord,
  NetworkRecord,
  PbdRecord,
  PifRecord,
  PoolRecord,
  Ref,
  RoleRecord,
  SessionRecord,
  SmRecord,
  SrRecord,
  SubjectRecord,
  TaskRecord,
  VbdRecord,
  VdiRecord,
  VifRecord,
  VmGuestMetricsRecord,
  VmMetricsRecord,
  VmRecord,
  VtpmRecord,
} from '@tidemark/xenapi'

/** The classes of which the pool keeps objects, each with the shape of its records. Names are XenAPI's own. */
export interface Tables {
  session: SessionRecord
  task: TaskRecord
  pool: PoolRecord
  host: HostRecord
  host_metrics: HostMetricsRecord
  network: NetworkRecord
  PIF: PifRecord
  PBD: PbdRecord
  SR: SrRecord
  SM: SmRecord
  VDI: VdiRecord
  VBD: VbdRecord
  VIF: VifRecord
  VM: VmRecord
  VM_metrics: VmMetricsRecord
  VM_guest_metrics: VmGuestMetricsRecord
  VTPM: VtpmRecord
  message: MessageRecord
  Certificate: CertificateRecord
  subject: SubjectRecord
  role: RoleRecord
}

export type ClassName = keyof Tables

/** Some fields of a record, to change them; undefined ones are as if not there. */
export type Fields<Class extends ClassName> = {
  readonly [Name in keyof Tables[Class]]?: Tables[Class][Name] | undefined
}

/** A record without its static type, as generic code sees it. */
export type AnyRecord = Readonly<Record<string, unknown>>

/** A reference without its class, as generic code sees it. */
export type AnyRef = Ref<string>

/** Every class; the order is that in which valid_ref_counts lists them. */
export const classNames = [
  'session',
  'task',
  'pool',
  'host',
  'host_metrics',
  'network',
  'PIF',
  'PBD',
  'SR',
  'SM',
  'VDI',
  'VBD',
  'VIF',
  'VM',
  'VM_metrics',
  'VM_guest_metrics',
  'VTPM',
  'message',
  'Certificate',
  'subject',
  'role',
] as const satisfies readonly ClassName[]

export const isClassName = (name: string): name is ClassName => (classNames as readonly string[]).includes(name)

/** Logins and tasks end with the process; they are never stored. */
const EPHEMERAL: ReadonlySet<string> = new Set<ClassName>(['session', 'task'])
export const isEphemeral = (className: ClassName): boolean => EPHEMERAL.has(className)

/** What only says which tasks are at work, of which a new process has none, and what follows from it. */
const VOLATILE: ReadonlySet<string> = new Set(['current_operations', 'allowed_operations'])
export const isVolatile = (field: string): boolean => VOLATILE.has(field)
