import type { SecureVersion } from 'node:tls'
import { HandshakeFlag, Option, Rep } from './wire.ts'

export type PersonalityName = 'standard' | 'xapi'

/** How a server behaves where the protocol leaves a choice, and where xapi does not follow it. */
export interface Personality {
  /** HandshakeFlag bits of the greeting. */
  readonly handshakeFlags: number
  /** Takes NO_ZEROES from a client although it was not offered. */
  readonly honoursNoZeroes: boolean
  /** Client flags that were not offered end the connection. */
  readonly checksClientFlags: boolean
  /** ABORT is acknowledged even where TLS is still missing. */
  readonly acknowledgesEarlyAbort: boolean
  /** Options that are answered at all, beside EXPORT_NAME, ABORT and STARTTLS. */
  readonly options: ReadonlySet<number>
  /** What LIST is refused with; undefined: it is answered where the source can list. */
  readonly listRefusal: number | undefined
  /** What STARTTLS is refused with where TLS is not offered. */
  readonly startTlsRefusal: number
  /** Bytes; offsets and lengths are multiples of `minimum`. */
  readonly blockSize: { readonly minimum: number; readonly preferred: number }
  /** Requests at once per connection; undefined: as the limits say. */
  readonly inFlight: number | undefined
  /** Connections at once; undefined: as the limits say. */
  readonly connections: number | undefined
  /** Refusals carry a sentence for the client's log. */
  readonly explains: boolean
  /** Exports are read-only whatever they can, and tell nothing but that. */
  readonly readOnly: boolean
  /** READ is answered before it is read, in pieces: what goes wrong then, as a read past the end, cuts the connection. */
  readonly answersFirst: boolean
  /** The first refused request ends the connection. */
  readonly endsOnRefusal: boolean
  readonly tls: TlsSettings
}

export interface TlsSettings {
  readonly minVersion: SecureVersion
  readonly maxVersion: SecureVersion
  readonly ciphers?: string
  readonly ecdhCurve?: string
}

const described = [Option.INFO, Option.GO]

const standard: Personality = {
  handshakeFlags: HandshakeFlag.FIXED_NEWSTYLE | HandshakeFlag.NO_ZEROES,
  honoursNoZeroes: true,
  checksClientFlags: true,
  acknowledgesEarlyAbort: true,
  options: new Set([
    ...described,
    Option.LIST,
    Option.STRUCTURED_REPLY,
    Option.LIST_META_CONTEXT,
    Option.SET_META_CONTEXT,
  ]),
  listRefusal: undefined,
  startTlsRefusal: Rep.ERR_UNSUP,
  blockSize: { minimum: 1, preferred: 65_536 },
  inFlight: undefined,
  connections: undefined,
  explains: true,
  readOnly: false,
  answersFirst: false,
  endsOnRefusal: false,
  tls: { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' },
}

/** xapi's own server, as its source has it: xen-api ocaml/nbd, and Server in the nbd library. */
const xapiStrict: Personality = {
  handshakeFlags: HandshakeFlag.FIXED_NEWSTYLE,
  honoursNoZeroes: false,
  checksClientFlags: false,
  acknowledgesEarlyAbort: false,
  options: new Set(),
  listRefusal: Rep.ERR_POLICY,
  startTlsRefusal: Rep.ERR_POLICY,
  blockSize: { minimum: 512, preferred: 65_536 },
  inFlight: 1,
  connections: 16,
  explains: false,
  readOnly: true,
  answersFirst: true,
  endsOnRefusal: true,
  tls: {
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.2',
    // The first two are xapi's. The others can only be chosen with an EC certificate, which xapi never has.
    ciphers:
      'ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:' +
      'ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256',
    ecdhCurve: 'secp384r1',
  },
}

/** With what qemu needs beside it: GO, INFO, and a LIST that says "unsupported" instead of "forbidden". */
const xapiWithExtras: Personality = {
  ...xapiStrict,
  honoursNoZeroes: true,
  options: new Set(described),
  listRefusal: Rep.ERR_UNSUP,
}

/** @param extras for xapi: whether it also answers what qemu needs */
export function personality(name: PersonalityName, extras: boolean): Personality {
  if (name === 'standard') return standard
  return extras ? xapiWithExtras : xapiStrict
}
