import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cuts, drive, hex, join } from '../test/drive.ts'
import { NbdError } from './error.ts'
import type { Parser } from './parser.ts'
import { exportName, go, greet, list, openExport, redact, startTls, structuredReplies, type Send } from './handshake.ts'

const hello = { fixed: true, noZeroes: true }
const reply = (option: number, type: string, data = '') =>
  hex(
    `0003e889045565a9 ${option.toString(16).padStart(8, '0')} ${type} ${hex(data).length.toString(16).padStart(8, '0')} ${data}`,
  )
const ACK = '00000001'
const silent: Send = () => {}

/** Runs a generator over bytes in every split; answers the result, the same each time, and what was said. */
function everyWay<Result>(make: (send: Send) => Parser<Result>, wire: Uint8Array) {
  let outcome: { value: Result; said: Uint8Array } | undefined
  for (const chunks of cuts(wire)) {
    const said: Uint8Array[] = []
    const parser = make((parts) => said.push(...parts))
    const { value } = drive(parser, chunks)
    const next = { value, said: join(...said) }
    if (outcome !== undefined) expect(next).toEqual(outcome)
    outcome = next
  }
  if (outcome === undefined) throw new Error('nothing was run')
  return outcome
}

describe('greeting', () => {
  test('fixed newstyle with and without NO_ZEROES', () => {
    const { value, said } = everyWay(greet, hex('4e42444d41474943 49484156454f5054 0003'))
    expect(value).toEqual({ fixed: true, noZeroes: true })
    expect(said).toEqual(hex('00000003'))
    const xapi = everyWay(greet, hex('4e42444d41474943 49484156454f5054 0001'))
    expect(xapi.value).toEqual({ fixed: true, noZeroes: false })
    expect(xapi.said).toEqual(hex('00000001'))
  })

  test('another protocol, or the oldstyle, is refused with a sentence', () => {
    const greetWith = (wire: string) => () => drive(greet(silent), [hex(wire)])
    expect(greetWith('485454502f312e3120343030204261642052')).toThrow(/does not speak NBD/)
    expect(greetWith('4e42444d41474943 0000420281861253 0000')).toThrow(/oldstyle/)
  })
})

describe('options', () => {
  test('STARTTLS that is refused says so, and that nothing was sent in the clear', () => {
    for (const type of ['80000001', '80000002', '80000003']) {
      const run = () => drive(startTls(silent, hello), [reply(5, type)])
      expect(run).toThrow(expect.objectContaining({ code: 'NBD_TLS', message: expect.stringMatching(/in the clear/) }))
    }
  })

  test('GO tells size, flags and block sizes', () => {
    const wire = join(
      reply(7, '00000003', '0000 0000000000100000 0003'),
      reply(7, '00000003', '0001 6162'),
      reply(7, '00000003', '0003 00000200 00010000 02000000'),
      reply(7, ACK),
    )
    const { value, said } = everyWay((send) => go(send, 'ab'), wire)
    expect(value).toEqual({ size: 1 << 20, flags: 3, blockSize: { minimum: 512, preferred: 65_536, maximum: 1 << 25 } })
    expect(said).toEqual(hex('49484156454f5054 00000007 0000000a 00000002 6162 0001 0003'))
  })

  test('GO for an unknown export names it, without the session that its name may carry', () => {
    const run = () => drive(go(silent, '/uuid?session_id=OpaqueRef:secret'), [reply(7, '80000006')])
    expect(run).toThrow(expect.objectContaining({ code: 'NBD_EXPORT', message: expect.not.stringMatching(/secret/) }))
  })

  test('a refusal keeps its number, and only a server that stops is worth another try', () => {
    for (const [type, name, retryable] of [
      ['80000002', 'ERR_POLICY', false],
      ['80000007', 'ERR_SHUTDOWN', true],
      ['80000008', 'ERR_BLOCK_SIZE_REQD', false],
      ['80000009', 'ERR_TOO_BIG', false],
      ['8000000a', '0x8000000a', false],
    ] as const) {
      const message = expect.stringContaining(name)
      expect(() => drive(go(silent, 'a'), [reply(7, type)])).toThrow(
        expect.objectContaining({ code: 'NBD_REFUSED', retryable, message }),
      )
    }
  })

  test('a server that insists on TLS is told apart from one that lacks the option', () => {
    expect(() => drive(structuredReplies(silent), [reply(8, '80000005')])).toThrow(
      expect.objectContaining({ code: 'NBD_TLS' }),
    )
    expect(drive(structuredReplies(silent), [reply(8, '80000001')]).value).toBe(false)
  })

  test('LIST gives the names', () => {
    const wire = join(reply(3, '00000002', '00000001 61'), reply(3, '00000002', '00000002 6263 646573'), reply(3, ACK))
    expect(everyWay(list, wire).value).toEqual(['a', 'bc'])
  })

  test('a server without GO, as xapi, is opened by EXPORT_NAME with its 124 zeroes', () => {
    const wire = join(reply(8, '80000001'), reply(7, '80000001'), hex('0000000000100000 0003'), new Uint8Array(124))
    const wish = { exportName: 'x', contexts: ['base:allocation'] }
    const { value } = everyWay((send) => openExport(send, { fixed: true, noZeroes: false }, wish), wire)
    expect(value).toEqual({ size: 1 << 20, flags: 3, structured: false, contexts: new Map() })
  })

  test('EXPORT_NAME waits for no zeroes where both sides waived them', () => {
    const { rest } = drive(exportName(silent, hello, 'x'), [hex('0000000000100000 0003')])
    expect(rest).toBe(0)
  })

  test('metadata contexts are known by the number the server gives', () => {
    const wire = join(
      reply(8, ACK),
      reply(10, '00000004', '0000002a 626173653a616c6c6f636174696f6e'),
      reply(10, ACK),
      reply(7, '00000003', '0000 0000000000100000 0003'),
      reply(7, ACK),
    )
    const wish = { exportName: 'x', contexts: ['base:allocation'] }
    const { value } = everyWay((send) => openExport(send, hello, wish), wire)
    expect(value).toMatchObject({ structured: true, contexts: new Map([[42, 'base:allocation']]) })
  })

  test('a name longer than the protocol allows is not sent', () => {
    const run = () => drive(go(silent, 'x'.repeat(4097)), [])
    expect(run).toThrow(expect.objectContaining({ code: 'NBD_RANGE' }))
  })

  test('block sizes no client could keep to are refused', () => {
    for (const sizes of ['00000000 00001000 02000000', '00000003 00001000 02000000', '00000200 00001000 00000100']) {
      const wire = [
        reply(7, '00000003', '0000 0000000000100000 0003'),
        reply(7, '00000003', `0003 ${sizes}`),
        reply(7, ACK),
      ]
      expect(() => drive(go(silent, 'x'), wire)).toThrow(expect.objectContaining({ code: 'NBD_PROTOCOL' }))
    }
  })

  test('an answer that never ends is cut off', () => {
    const endless = () => {
      const one = reply(3, '00000002', `00007000 ${'61'.repeat(0x7000)}`)
      return drive(
        list(silent),
        Array.from({ length: 1000 }, () => one),
      )
    }
    expect(endless).toThrow(expect.objectContaining({ code: 'NBD_PROTOCOL' }))
  })

  test('noise is an NbdError, never anything else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.constantFrom(3, 7, 8), (noise, option) => {
        const head = reply(option, '00000003', '0000 0000000000100000 0003')
        const parser: Parser<unknown> =
          option === 3 ? list(silent) : option === 7 ? go(silent, 'x') : structuredReplies(silent)
        try {
          drive<unknown>(parser, [head, noise])
        } catch (error) {
          const incomplete = error instanceof Error && error.message === 'the parser wants more bytes'
          if (!(error instanceof NbdError) && !incomplete) throw error
        }
      }),
      { numRuns: 1000 },
    )
  })
})

test('a session in an export name reaches no message', () => {
  expect(redact('/abc?session_id=OpaqueRef:123&x=1')).toBe('/abc?session_id=…&x=1')
})
