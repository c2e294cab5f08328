import fc from 'fast-check'
import { structOf, type WireValue } from '../src/codec/wire.ts'

/** Text that XML can carry: no control characters but tab, line feed and carriage return. */
const text = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom('<', '>', '&', '"', '\r', '\n', '\t', ' ', ']]>'),
      fc.string({ unit: 'grapheme', maxLength: 3 }),
    ),
  })
  // oxlint-disable-next-line no-control-regex -- what xapi drops
  .map((raw) => raw.replaceAll(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g, ''))

/** Numbers of at most 15 digits: xapi's print of a float keeps 16. */
const float = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => Number(value.toPrecision(15)))

const seconds = fc
  .date({ min: new Date('0000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  .map((date) => {
    date.setUTCMilliseconds(0)
    return date
  })

/** Any wire value that both ends of an XML connection can hold. */
export const arbitraryWire: fc.Arbitrary<WireValue> = fc.letrec<{ value: WireValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    text,
    fc.boolean(),
    float,
    seconds,
    fc.constant(null),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(text, tie('value')), { maxLength: 4 }).map(structOf),
  ),
})).value
