import { isFailure } from '@tidemark/xenapi'
import { apiClasses } from '@tidemark/xenapi/codec'
import { uuidOf } from './action.ts'
import type { XePool } from './directory.ts'
import { failureTexts } from './failure-texts.ts'

/** A failure as xe shows it: a sentence and `name: value` lines, or the bare code for one without a text. */
export async function failureLines(
  pool: XePool | undefined,
  [code = '', ...values]: readonly string[],
): Promise<readonly string[]> {
  const known = failureTexts[code]
  const shown = await Promise.all(values.map((value, index) => named(pool, value, known?.params[index])))
  if (known === undefined) return [`Error code: ${code}`, `Error parameters: ${shown.join(', ')}`]
  const missing = known.params.slice(shown.length).map((name) => `${name}: <unknown>`)
  return [known.text, ...shown.map((value, index) => `${known.params[index] ?? '<extra>'}: ${value}`), ...missing]
}

/** Classes whose objects failures speak of, in the order in which they are tried. */
const CANDIDATES = ['VDI', 'VM', 'SR', 'VBD', 'host', 'network', 'task', 'PBD', 'VIF', 'VTPM', 'pool']

/** A reference becomes the uuid and name of its object, if it is still there. */
async function named(pool: XePool | undefined, text: string, param: string | undefined): Promise<string> {
  if (pool === undefined || !text.startsWith('OpaqueRef:')) return text
  const first = CANDIDATES.filter((api) => api.toLowerCase() === param?.toLowerCase())
  for (const api of [...first, ...CANDIDATES.filter((each) => !first.includes(each))]) {
    const uuid = await unlessElsewhere(uuidOf(pool, api, text))
    if (uuid === undefined) continue
    const name = await nameOf(pool, api, text)
    return name === undefined ? uuid : `${uuid} (${name})`
  }
  return text
}

async function nameOf({ session, signal }: XePool, api: string, ref: string): Promise<string | undefined> {
  if (apiClasses[api]?.fields['name_label'] === undefined) return undefined
  return unlessElsewhere(session.call(`${api}.get_name_label`, [ref], signal) as Promise<string>)
}

async function unlessElsewhere(answer: Promise<string>): Promise<string | undefined> {
  try {
    return await answer
  } catch (error) {
    if (isFailure(error, 'HANDLE_INVALID')) return undefined
    throw error
  }
}
