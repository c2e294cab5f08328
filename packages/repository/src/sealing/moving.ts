/** Memory that can go to a thread: a view into a pool that moves would take its neighbours along. */
export function withOwnMemory(bytes: Uint8Array): Uint8Array {
  const isAlone = bytes.byteLength === bytes.buffer.byteLength || bytes.buffer instanceof SharedArrayBuffer
  return isAlone ? bytes : Uint8Array.from(bytes)
}

/** What moves; shared memory does not have to. */
export const moving = ({ buffer }: Uint8Array): ArrayBuffer[] => (buffer instanceof ArrayBuffer ? [buffer] : [])
