/**
 * Where a command's words go. For people: text, with a live line on a terminal. With `--json`: one JSON object a line, events
 * first, the result last.
 */
export interface Out {
  readonly json: boolean
  /** Text for people; not shown with `--json`. */
  say(text: string): void
  /** An event for programs; only shown with `--json`. */
  event(event: object): void
  /** The one result: an object for programs, text for people. */
  result(value: object, text: string): void
  /** Text that replaces the live text before it; nothing where no terminal is. */
  live(text: string): void
}

interface Sink {
  write(text: string): unknown
  readonly isTTY?: boolean
  readonly columns?: number
}

export function openOut(json: boolean, stdout: Sink, stderr: Sink): Out {
  let lines = 0 // of live text on the screen
  const clear = () => {
    if (lines > 0) stderr.write(`\x1b[${lines}A\x1b[0J`)
    lines = 0
  }
  return {
    json,
    say(text) {
      if (json) return
      clear()
      stdout.write(`${text}\n`)
    },
    event(event) {
      if (json) stdout.write(`${JSON.stringify(event)}\n`)
    },
    result(value, text) {
      clear()
      stdout.write(json ? `${JSON.stringify({ type: 'result', ...value })}\n` : text === '' ? '' : `${text}\n`)
    },
    live(text) {
      if (json || stderr.isTTY !== true) return
      clear()
      const cut = text.split('\n').map((line) => line.slice(0, (stderr.columns ?? 80) - 1))
      stderr.write(`${cut.join('\n')}\n`)
      lines = cut.length
    },
  }
}
