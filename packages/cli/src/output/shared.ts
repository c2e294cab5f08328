import type { Out } from './out.ts'

/** An output for each of several things that are done at once: every line and every event says whose it is. */
export function shareOut(out: Out): (label: string, about: object) => Out {
  const live = new Map<string, string>()
  return (label, about) => ({
    ...out,
    say: (text) => out.say(labelled(label, text)),
    event: (event) => out.event({ ...event, ...('vm' in event ? {} : about) }),
    live(text) {
      if (text === '') live.delete(label)
      else live.set(label, labelled(label, text))
      out.live([...live.values()].join('\n'))
    },
  })
}

const labelled = (label: string, text: string): string =>
  text
    .split('\n')
    .map((line) => `${label}: ${line.trim()}`)
    .join('\n')
