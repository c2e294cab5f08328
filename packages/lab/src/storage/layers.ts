import type { OpenFiles } from './files.ts'
import { Layer } from './layer.ts'

/** The layers of one storage, each made when first asked for. */
export class Layers {
  readonly directory: string
  readonly #files: OpenFiles
  readonly #known = new Map<number, Layer>()

  constructor(directory: string, files: OpenFiles) {
    this.directory = directory
    this.#files = files
  }

  layer(number: number): Layer {
    const known = this.#known.get(number)
    if (known !== undefined) return known
    const layer = new Layer(number, this.directory, this.#files)
    this.#known.set(number, layer)
    return layer
  }

  all(numbers: readonly number[]): Layer[] {
    return numbers.map((number) => this.layer(number))
  }

  /** Deletes the files of a layer that nobody needs any more. Reads already begun end normally. */
  remove(number: number): void {
    this.layer(number).remove()
    this.#known.delete(number)
  }
}
