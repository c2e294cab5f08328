import { expect, test } from 'vitest'
import type { Vm } from '../pool.ts'
import { Limits, type Wait } from './limits.ts'

const vm = (name: string, host?: string): Vm => ({
  uuid: name,
  name,
  powerState: host === undefined ? 'Halted' : 'Running',
  tags: [],
  disks: [],
  ...(host === undefined ? {} : { host }),
})
const { signal } = new AbortController()
const soon = () => new Promise((resolve) => setImmediate(resolve))

test('a VM that waits for its host lets those of other hosts go first', async () => {
  const limits = new Limits({ vms: 2, hostVms: 1 })
  const begun: string[] = []
  const waits: Wait[] = []
  const begin = async (each: Vm) => {
    const place = await limits.vm(each, (wait) => waits.push(wait), signal)
    begun.push(each.name)
    return place
  }
  const first = begin(vm('a1', 'a'))
  const all = [first, begin(vm('a2', 'a')), begin(vm('b1', 'b')), begin(vm('halted'))]
  await soon()
  expect(begun).toEqual(['a1', 'b1'])
  expect(waits).toEqual([{ for: 'host', most: 1 }])
  ;(await first)[Symbol.dispose]()
  await soon()
  expect(begun).toHaveLength(3)
  for (const place of all.slice(2)) (await place)[Symbol.dispose]()
  await Promise.all(all)
  expect(begun.toSorted()).toEqual(['a1', 'a2', 'b1', 'halted'])
})
