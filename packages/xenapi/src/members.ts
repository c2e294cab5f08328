import { isIPv6 } from 'node:net'
import { originOf, type PoolAddress, type PoolMember, type PoolTrust } from './trust.ts'

/** The hosts of one pool that we know, each with its own trust. */
export interface Members {
  /** The address that was configured first, then the others. */
  readonly origins: readonly URL[]
  /** Whether this host has a trust of its own here. */
  knows(target: URL): boolean
  /** How the host at an address must prove itself. One that is unknown must do as the configured one. */
  trustOf(target: URL): PoolTrust
  /** Adds a host, or replaces what was known of it; the configured one stays. @throws XenApiError when address and trust do not fit */
  add(member: PoolMember): void
}

/** @throws XenApiError when an address and its trust do not fit */
export function openMembers({ members = [], ...first }: PoolAddress): Members {
  const known = new Map<string, { readonly origin: URL; readonly trust: PoolTrust }>()
  const configured = originOf(first)
  known.set(configured.host, { origin: configured, trust: first.trust })
  const add = ({ url, trust }: PoolMember) => {
    const origin = originOf({ url, trust })
    if (origin.host !== configured.host) known.set(origin.host, { origin, trust })
  }
  for (const member of members) add(member)
  const find = ({ host, hostname }: URL) =>
    known.get(host) ?? [...known.values()].find(({ origin }) => origin.hostname === hostname)
  return {
    get origins() {
      return [...known.values()].map(({ origin }) => origin)
    },
    knows: (target) => find(target) !== undefined,
    trustOf: (target) => (find(target) ?? { trust: first.trust }).trust,
    add,
  }
}

/** Where a host listens that the pool names by its address alone: at the port of the one that named it. */
export function hostAt(address: string, namedBy: URL): URL {
  const url = new URL(namedBy.origin)
  const port = /^(?:\[.*\]|[^:]*):(\d+)$/.exec(address)?.[1]
  const host = port === undefined ? address : address.slice(0, -port.length - 1)
  url.hostname = isIPv6(host) ? `[${host}]` : host
  if (port !== undefined) url.port = port
  return url
}
