import { LabError, type LabErrorCode } from '../error.ts'
import { XenApiError } from '@tidemark/xenapi/codec'

/** Ends a call with a failure of XenAPI: `[code, parameter…]`, as the client will see it. */
export function failure(code: string, ...params: readonly string[]): never {
  throw apiFailure(code, ...params)
}

/** Why something is refused, as the client will see it: `[code, parameter…]`. */
export type Refusal = readonly [code: string, ...params: string[]]

/** Ends a call when there is a reason to. */
export function refuse(refusal: Refusal | undefined): void {
  if (refusal !== undefined) failure(...refusal)
}

/** The same, to throw or to keep. */
export const apiFailure = (code: string, ...params: readonly string[]): XenApiError =>
  new XenApiError('XENAPI_FAILURE', [code, ...params].join(': '), { failure: [code, ...params] })

/** What a client is told of an error. Anything unexpected is an INTERNAL_ERROR with its text. */
export function failureOf(error: unknown): readonly string[] {
  if (error instanceof XenApiError && error.failure !== undefined) return error.failure
  if (error instanceof LabError) return storageFailure(error)
  return ['INTERNAL_ERROR', error instanceof Error ? error.message : String(error)]
}

/** A driver's error: `SR_BACKEND_FAILURE_<n> ["", "<description> [opterr=<detail>]", ""]`. */
const backendFailure = (number: number, description: string, detail: string): XenApiError =>
  apiFailure(`SR_BACKEND_FAILURE_${number}`, '', `${description} [opterr=${detail}]`, '')

const cannotCompare = (detail: string): readonly string[] =>
  textsOf(backendFailure(460, 'Failed to calculate changed blocks for given VDIs.', detail))
const UNRELATED = cannotCompare('Source and target VDI are unrelated')
const UNAVAILABLE = textsOf(backendFailure(46, 'The VDI is not available', 'it has no data'))

/** Numbers and sentences: contract/xenapi.md §3.5. What is not here is an INTERNAL_ERROR. */
const STORAGE_FAILURES: Readonly<Partial<Record<LabErrorCode, readonly string[]>>> = {
  LAB_CBT_SAME: cannotCompare('Source and target VDI are same'),
  LAB_CBT_UNRELATED: UNRELATED,
  LAB_CBT_OFF: UNRELATED,
  LAB_CBT_INCONSISTENT: textsOf(
    backendFailure(459, 'Changed block tracking log is in an inconsistent state.', 'The change log is inconsistent'),
  ),
  LAB_STORAGE_SHRINK: textsOf(backendFailure(79, 'VDI Invalid size', 'A disk never shrinks')),
  LAB_STORAGE_FULL: ['SR_BACKEND_FAILURE_44', '', 'There is insufficient space', ''],
  LAB_STORAGE_IO: ['VDI_IO_ERROR', 'Device I/O errors'],
  LAB_STORAGE_NOT_FOUND: UNAVAILABLE,
  LAB_STORAGE_NO_DATA: UNAVAILABLE,
}

const storageFailure = ({ code, message }: LabError): readonly string[] =>
  STORAGE_FAILURES[code] ?? ['INTERNAL_ERROR', message]

function textsOf({ failure }: XenApiError): readonly string[] {
  return failure ?? []
}
