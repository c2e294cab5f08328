import type { HostRef } from '@tidemark/xenapi'
import { isIPv4 } from 'node:net'
import { failure } from '../calls/failure.ts'
import { LabError } from '../error.ts'
import type { LabOptions } from '../options.ts'
import { hostCertificate, type HostCertificate } from '../tls/certificate.ts'

/** What one host of the pool is known by, beside its record. */
export interface HostIdentity {
  readonly hostname: string
  readonly address: string
  readonly certificate: HostCertificate
}

/** A host of the running pool. */
export interface LabHost extends HostIdentity {
  readonly ref: HostRef
}

/** The hosts of the pool, in the order in which they joined it. */
export class Hosts {
  readonly #hosts: ReadonlyMap<HostRef, LabHost>

  constructor(hosts: readonly LabHost[]) {
    this.#hosts = new Map(hosts.map((host) => [host.ref, host]))
  }

  list(): readonly LabHost[] {
    return [...this.#hosts.values()]
  }

  /** @throws XenApiError HANDLE_INVALID */
  get(ref: HostRef): LabHost {
    return this.#hosts.get(ref) ?? failure('HANDLE_INVALID', 'host', ref)
  }
}

/** Names, addresses and certificates of so many hosts. @throws LabError LAB_OPTIONS */
export const hostIdentities = (options: LabOptions, count: number): Promise<HostIdentity[]> =>
  Promise.all(
    Array.from({ length: count }, async (_, position) => {
      const hostname = position === 0 ? options.hostname : `${options.hostname}-${position + 1}`
      const address = addressAt(options.address, position)
      const name = position === 0 ? 'host' : `host-${position + 1}`
      const identity = { hostname, address, now: options.clock.now() }
      return { hostname, address, certificate: await hostCertificate(options.directory, name, identity) }
    }),
  )

/** The address so many places after the first one. */
function addressAt(first: string, position: number): string {
  if (position === 0) return first
  if (!isIPv4(first)) {
    throw new LabError('LAB_OPTIONS', `a pool of several hosts needs an IPv4 address to count from, not '${first}'`)
  }
  const number = Buffer.from(first.split('.').map(Number)).readUInt32BE() + position
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff).join('.')
}
