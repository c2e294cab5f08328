// Stands in for @vates/parse-duration, which is not on npm: '5 s' or milliseconds in, milliseconds out.
import ms from 'ms'

export function parseDuration(text) {
  const duration = typeof text === 'number' ? text : ms(String(text))
  if (duration === undefined) throw new TypeError(`no duration: ${text}`)
  return duration
}
