/** Clusters of the image in one page of the map. */
const PAGE = 16 * 1024

/**
 * What the tables say of the clusters of an image, by their place in the image: which cluster of the disk each holds.
 * It takes 4 bytes for each cluster that a table names, in pages, so that offsets far away cost one page.
 */
export class ClusterMap {
  readonly #pages = new Map<number, Uint32Array>()
  #count = 0

  /** How many clusters are named and not taken yet. */
  get size(): number {
    return this.#count
  }

  /** @returns whether it is new: false when a table has named the cluster before */
  add(place: number, value: number): boolean {
    const page = this.#pages.get(Math.floor(place / PAGE)) ?? new Uint32Array(PAGE)
    if (page[place % PAGE] !== 0) return false
    page[place % PAGE] = value + 1
    this.#pages.set(Math.floor(place / PAGE), page)
    this.#count++
    return true
  }

  /** The value of a place, which is forgotten with all before it in its page. */
  take(place: number): number | undefined {
    const page = this.#pages.get(Math.floor(place / PAGE))
    const value = page?.[place % PAGE] ?? 0
    if (place % PAGE === PAGE - 1) this.#pages.delete(Math.floor(place / PAGE))
    if (value === 0) return undefined
    if (page !== undefined) page[place % PAGE] = 0
    this.#count--
    return value - 1
  }

  has(place: number): boolean {
    return (this.#pages.get(Math.floor(place / PAGE))?.[place % PAGE] ?? 0) !== 0
  }

  /** The first place from `place` on that is named. */
  next(place: number): number | undefined {
    if (this.has(place)) return place
    for (const number of [...this.#pages.keys()].sort((a, b) => a - b)) {
      const page = this.#pages.get(number) ?? new Uint32Array()
      for (let index = Math.max(0, place - number * PAGE); index < page.length; index++) {
        if (page[index] !== 0) return number * PAGE + index
      }
    }
    return undefined
  }
}
