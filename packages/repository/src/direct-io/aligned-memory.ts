/** The part of WebAssembly that is used here: Node has it, its types leave it to the browser's. */
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number; readonly maximum: number }) => {
    readonly buffer: ArrayBuffer
  }
}

/** Bytes of a page of WebAssembly's memory. */
const PAGE = 1 << 16

/**
 * Memory that begins at a page of the system, as direct transfers need it. Only WebAssembly's memory says where it begins.
 * @param size bytes, a multiple of 64 KiB
 */
export function alignedMemory(size: number): Uint8Array<ArrayBuffer> {
  const pages = size / PAGE
  return new Uint8Array(new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer)
}
