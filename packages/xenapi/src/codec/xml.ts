import { SaxesParser } from 'saxes'
import { XenApiError } from '../error.ts'

/** An element with what is inside it. Text and children do not keep their relative order: XML-RPC never mixes them. */
export interface XmlElement {
  readonly name: string
  readonly children: readonly XmlElement[]
  readonly text: string
}

/** Bounds on what a peer may make us build. */
export interface XmlLimits {
  /** Characters of the whole document. */
  readonly length: number
  /** Nested elements; XenAPI's deepest answer has some twenty. */
  readonly depth: number
}

const xmlLimits = { length: 256 * 1024 * 1024, depth: 128 } as const satisfies XmlLimits

/** Takes a document in pieces, cut anywhere. */
export interface XmlReader {
  /** @throws XenApiError XENAPI_PROTOCOL as soon as the document is not well formed, or exceeds a limit */
  write(piece: string): void
  /** The root element. @throws XenApiError XENAPI_PROTOCOL when the document is incomplete */
  end(): XmlElement
}

interface Open {
  name: string
  children: XmlElement[]
  text: string
}

/** A strict reader. Document type declarations are refused, and with them entities other than the five of XML itself. */
export function xmlReader(limits: Partial<XmlLimits> = {}): XmlReader {
  const { length, depth } = { ...xmlLimits, ...limits }
  const parser = new SaxesParser({ xmlns: false })
  const open: Open[] = []
  let root: XmlElement | undefined
  let taken = 0

  parser.on('error', (error) => refuse(error.message))
  parser.on('doctype', () => refuse('a document type declaration'))
  parser.on('opentag', ({ name }) => {
    if (open.length >= depth) refuse(`more than ${depth} nested elements`)
    open.push({ name, children: [], text: '' })
  })
  const onText = (text: string) => {
    const current = open.at(-1)
    if (current !== undefined) current.text += text
  }
  parser.on('text', onText)
  parser.on('cdata', onText)
  parser.on('closetag', () => {
    const element = open.pop()
    const parent = open.at(-1)
    if (element === undefined) return
    if (parent === undefined) root = element
    else parent.children.push(element)
  })

  return {
    write(piece) {
      taken += piece.length
      if (taken > length) refuse(`more than ${length} characters`)
      parser.write(piece)
    },
    end() {
      parser.close()
      return root ?? refuse('no element at all')
    },
  }
}

/** Reads a whole document. @throws XenApiError XENAPI_PROTOCOL */
export function parseXml(text: string, limits: Partial<XmlLimits> = {}): XmlElement {
  const reader = xmlReader(limits)
  reader.write(text)
  return reader.end()
}

function refuse(problem: string): never {
  throw new XenApiError('XENAPI_PROTOCOL', `not the XML of a XenAPI server: ${problem}`)
}

const ESCAPES: Readonly<Record<string, string>> = {
  '<': '&lt;',
  '>': '&gt;',
  '&': '&amp;',
  '"': '&quot;',
  '\r': '&#13;',
}
/** What XML 1.0 cannot hold even as a reference; xapi drops it as well. */
// oxlint-disable-next-line no-control-regex -- these are the characters to leave out
const UNWRITABLE = /[\u0000-\u0008\u000B\u000C\u000E-\u001F\uFFFE\uFFFF]/g

/**
 * Text between tags, the way xapi writes it: four escapes, control characters left out. A carriage return goes as a
 * reference, because a raw one reaches every reader as a line feed.
 */
export const escapeXml = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(UNWRITABLE, '')
    .replaceAll(/[<>&"\r]/g, (c) => ESCAPES[c] ?? c)
