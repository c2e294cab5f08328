// Thirty days of changes on the two-level grid: npm run grid-simulation -- [--gib 64] [--days 30] [--seed 1] [--compare] [--json]. docs/grid.md
import { parseArgs } from 'node:util'
import { GiB, KiB, MiB } from '@tidemark/blocks'
import { gridFor } from '@tidemark/repository'
import { patterns, simulatedDisk } from '../packages/repository/test/grid/patterns.ts'
import { monthOf, simulate, type Month, type Rule } from '../packages/repository/test/grid/simulate.ts'

const { values } = parseArgs({
  options: {
    gib: { type: 'string', default: '64' },
    days: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    compare: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})
const gib = Number(values.gib)

const rules: Record<string, Rule> = { now: { grid: gridFor((gib * GiB) as never), options: {} } }
if (values.compare) {
  for (const base of [MiB, 512 * KiB, 256 * KiB]) {
    for (const mergeShare of [0.5, 0.75, 1]) {
      rules[`${base / KiB} KiB, merged from ${mergeShare}`] = {
        grid: { base, fine: 64 * KiB },
        options: { mergeShare },
      }
    }
  }
}

const results: Record<string, Record<string, Month>> = {}
for (const [name, rule] of Object.entries(rules)) {
  const months: Record<string, Month> = (results[name] = {})
  for (const pattern of patterns) {
    months[pattern.name] = monthOf(
      await simulate(simulatedDisk(gib, Number(values.seed)), pattern, rule, Number(values.days)),
    )
  }
  if (!values.json) table(name, months)
}
if (values.json) console.log(JSON.stringify({ gib, days: Number(values.days), seed: Number(values.seed), results }))

function table(name: string, months: Record<string, Month>): void {
  console.log(`\n${name}`)
  console.log(
    '| pattern | changed a day, MiB | first day | month | last 10 days | clean rest read | lists, index | blobs new | pieces |',
  )
  console.log('|---|---|---|---|---|---|---|---|---|')
  for (const [pattern, month] of Object.entries(months)) {
    const { changedMiB, first, steady, rest, overhead, blobsNew, pieces } = month
    const ratios = [first, month.month, steady, rest, overhead].map((ratio) => ratio.toFixed(2)).join(' | ')
    console.log(`| ${pattern} | ${Math.round(changedMiB)} | ${ratios} | ${blobsNew} | ${pieces} |`)
  }
}
