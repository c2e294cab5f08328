import type { Verdict } from '@tidemark/engine'

/** What becomes of one object that a run left on a pool. */
export const verdictLine = ({ action, leftover, why }: Verdict): string =>
  `${words[action]} ${kinds[leftover.kind]} '${leftover.name}' (${leftover.uuid}): ${why}`

export const verdictForPrograms = ({ action, leftover, why, resumableUntil }: Verdict) => {
  const { kind, uuid, name } = leftover
  return { action, kind, uuid, name, why, ...(resumableUntil && { resumableUntil }) }
}

const words = {
  finish: 'finish',
  remove: 'remove',
  leave: 'leave',
  report: 'LOOK AT',
} as const satisfies Record<Verdict['action'], string>

const kinds = {
  'vm-snapshot': 'VM snapshot',
  'disk-snapshot': 'disk snapshot',
  base: 'base',
  'new-disk': 'disk',
  'new-vm': 'VM',
  'torn-disk': 'disk',
} as const satisfies Record<Verdict['leftover']['kind'], string>
