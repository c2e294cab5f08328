/** The part of WebAssembly that is used here: Node has it, its types leave it to the browser's. */
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number; readonly maximum: number; readonly shared: true }) => {
    readonly buffer: SharedArrayBuffer
  }
}

/** Bytes of a page of WebAssembly's memory. */
const PAGE = 1 << 16

/**
 * Memory that begins at a page of the system, as direct transfers need it: only WebAssembly's says where it begins. It is shared
 * with threads that get a view of it, without moving, and no collector is pressed by its size: whoever has it uses it again.
 * @param size bytes, rounded up to 64 KiB
 */
export function alignedMemory(size: number): Uint8Array<SharedArrayBuffer> {
  const pages = Math.ceil(size / PAGE)
  return new Uint8Array(new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true }).buffer)
}

/** Pieces of aligned memory of one size that go round. */
export class MemoryRing {
  readonly #size: number
  readonly #free: Uint8Array[] = []

  constructor(size: number) {
    this.#size = size
  }

  take(): Uint8Array {
    return this.#free.pop() ?? alignedMemory(this.#size)
  }

  /** Whatever a transfer still wrote into it would be in the next one's way: give back only what has settled. */
  give(memory: Uint8Array): void {
    this.#free.push(memory)
  }
}
