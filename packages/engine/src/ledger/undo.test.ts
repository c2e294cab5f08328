import { expect, test } from 'vitest'
import { EngineError } from '../error.ts'
import type { Journal, RunStep } from './ledger.ts'
import { Undo } from './undo.ts'

function scene() {
  const told: string[] = []
  const journal: Journal = {
    run: 'run',
    isKept: true,
    note: async (step: RunStep) => void told.push(`${step.step}${'until' in step ? ' until' : ''}`),
    checkpoint: async () => {},
    end: async () => void told.push('end'),
  }
  const step = (name: string, works: boolean) => async () => {
    told.push(name)
    if (!works) throw new Error(`${name} stays`)
  }
  return { told, undo: new Undo(journal), step }
}

test('what was made goes, the newest first, and the journal after it', async () => {
  const { told, undo, step } = scene()
  undo.defer(step('disk', true))
  undo.defer(step('vm', true))
  await undo[Symbol.asyncDispose]()
  expect(told).toEqual(['vm', 'disk', 'end'])
})

test('what cannot go leaves what leads to it, and the journal, which says so', async () => {
  const { told, undo, step } = scene()
  undo.defer(step('disk', true))
  undo.defer(step('vm', false))
  await expect(undo[Symbol.asyncDispose]()).rejects.toThrow('vm stays')
  expect(told).toEqual(['vm', 'left'])
})

test('work that could not undo itself leaves everything to the journal; work that could does not', async () => {
  const error = new SuppressedError(new Error('stays'), new Error('failed'))
  for (const [cause, expected] of [
    [error, ['left']],
    [new Error('failed'), ['disk', 'end']],
  ] as const) {
    const { told, undo, step } = scene()
    undo.defer(step('disk', true))
    await expect(undo.around(() => Promise.reject(cause))).rejects.toBe(cause)
    await undo[Symbol.asyncDispose]()
    expect(told).toEqual(expected)
  }
})

test('work that may be done yet, behind our back, leaves the journal, and until when; what was made before goes', async () => {
  const { told, undo, step } = scene()
  undo.defer(step('disk', true))
  const late = new EngineError('ENGINE_LATE', 'not yet')
  await expect(undo.around(() => Promise.reject(late))).rejects.toBe(late)
  await undo[Symbol.asyncDispose]()
  expect(told).toEqual(['disk', 'left until'])
})

test('what is kept is not undone, and its journal is for its run to end', async () => {
  const { told, undo, step } = scene()
  undo.defer(step('disk', true))
  undo.keep()
  await undo[Symbol.asyncDispose]()
  expect(told).toEqual([])
})
