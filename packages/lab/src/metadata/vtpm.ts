import type { VtpmRecord } from '@tidemark/xenapi'
import type { WireStruct } from '@tidemark/xenapi/codec'
import type { OvaObject } from './ova.ts'

/** What a description has of a virtual TPM. */
export interface VtpmExport {
  /** `Ref:<n>` of its VM. */
  readonly vm: string
  readonly uuid: string
  readonly isUnique: boolean
  readonly isProtected: boolean
}

/** xapi gives TPMs a layout of their own, with the secrets in it. Ours have none. xapi: importexport.ml, `vtpm'` */
export const describeVtpm = ({ uuid, is_unique, is_protected }: VtpmRecord, vm: string): WireStruct => ({
  "vTPM'_VM": vm,
  "vTPM'_uuid": uuid,
  "vTPM'_is_unique": is_unique,
  "vTPM'_is_protected": is_protected,
  "vTPM'_content": '',
})

export const vtpmOf = ({ snapshot }: OvaObject): VtpmExport => ({
  vm: textOf(snapshot["vTPM'_VM"]),
  uuid: textOf(snapshot["vTPM'_uuid"]),
  isUnique: snapshot["vTPM'_is_unique"] === true,
  isProtected: snapshot["vTPM'_is_protected"] === true,
})

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
