/** Connections to one host's NBD server that have an export. */
export interface NbdConnections {
  /** uuid. */
  readonly host: string
  readonly open: number
  /** The most at once, since the start or the last reset. */
  readonly most: number
}

/** Counts the connections that clients have: the proof that they keep to what a host serves. */
export class ConnectionLog {
  readonly #hosts = new Map<string, { open: number; most: number }>()

  /** @returns what is to be called when the connection ends */
  begin(host: string): () => void {
    const counted = this.#hosts.get(host) ?? { open: 0, most: 0 }
    this.#hosts.set(host, counted)
    counted.open++
    counted.most = Math.max(counted.most, counted.open)
    return () => void counted.open--
  }

  list(): NbdConnections[] {
    return [...this.#hosts].map(([host, counted]) => ({ host, ...counted }))
  }

  clear(): void {
    for (const counted of this.#hosts.values()) counted.most = counted.open
  }
}
