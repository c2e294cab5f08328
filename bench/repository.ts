// Our repository beside restic's and borg's, from and to a raw file, in one run: npm run bench -- repository [--json]
// ROUNDS (3), SIZE of the image in MiB (4096) and PROGRAMS (tidemark,restic-stdin,restic-file,borg-lz4,borg-zstd) by environment.
// The medians of the ratios count: the machine may be busy with other work.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CBT_BLOCK, MiB } from '@tidemark/blocks'
import { makeImage } from '../packages/cli/src/demo/image.ts'
import { median, usageOf, type Usage } from './measure.ts'
import { changesOf, overwrite } from './repository/changes.ts'
import { ours, peers, pruneLine, resticPruneLine, type Place, type Program } from './repository/programs.ts'

const ROUNDS = Number(process.env['ROUNDS'] ?? 3)
const SIZE = Number(process.env['SIZE'] ?? 4096) * MiB
/** Of the image, in files: as full as a disk in use. */
const FILES_SHARE = 0.68
/** The increment of this day counts as steady. */
const STEADY_DAY = 5
const isJson = process.argv.includes('--json')
const say = (text: string): void => void (isJson ? process.stderr : process.stdout).write(`${text}\n`)

const all: Readonly<Record<string, Program>> = { tidemark: ours, ...peers }
const names = (process.env['PROGRAMS'] ?? Object.keys(all).join(',')).split(',')

type Step = 'full' | 'second' | 'steady' | 'restore' | 'check' | 'prune' | 'by restic'
const steps: readonly Step[] = ['full', 'second', 'steady', 'restore', 'check', 'prune', 'by restic']
/** What a step took, and by how much the repository grew. */
type Figure = Usage & { readonly storedBytes: number }
type Figures = Partial<Record<Step, Figure>>
const NOTHING: Figure = { seconds: NaN, cpuSeconds: NaN, peakMiB: NaN, storedBytes: NaN }

const work = mkdtempSync(join(tmpdir(), 'tm-bench-'))
process.on('exit', () => rmSync(work, { recursive: true, force: true }))
const image = join(work, 'image.raw')
const made = await makeImage(image, SIZE, new AbortController().signal, SIZE * FILES_SHARE)
say(`image: ${SIZE / MiB} MiB, ${(made.bytes / MiB).toFixed(0)} MiB of real files; ${ROUNDS} rounds`)

const rounds: Readonly<Record<string, Figures>>[] = []
for (let round = 0; round < ROUNDS; round++) {
  rounds.push(Object.fromEntries(names.map((name) => [name, measure(all[name], `${round}`)])))
}
table()
const ratios = compare()
for (const [name, { value, goal }] of Object.entries(ratios)) {
  say(`${name.padEnd(48)} ${value.toFixed(2).padStart(6)}  goal ${goal}`)
}
if (isJson) process.stdout.write(`${JSON.stringify({ ratios })}\n`)

/** One program's whole round. Afterwards the image is what it was before. */
function measure(program: Program | undefined, round: string): Figures {
  if (program === undefined) throw new Error(`PROGRAMS: choose among ${Object.keys(all).join(', ')}`)
  const place = {
    directory: join(work, 'repo'),
    image,
    output: join(work, 'output'),
    changes: join(work, 'changes.json'),
  }
  const environment = program.environment(place)
  const figures: Figures = {}
  let stored = 0
  const run = (step: Step | undefined, line: string) => {
    const usage = usageOf(line, environment)
    const now = sizeOf(place.directory)
    if (step !== undefined) figures[step] = { ...usage, storedBytes: now - stored }
    stored = now
  }
  const undo: (() => void)[] = []
  try {
    run(undefined, program.init(place))
    run('full', program.full(place))
    for (let day = 0; day <= (program.takesChanges ? STEADY_DAY : 0); day++) {
      const blocks = changesOf(SIZE, day)
      undo.push(overwrite(image, blocks, `${round}:${day}`))
      writeFileSync(place.changes, JSON.stringify(blocks))
      run(day === 0 ? 'second' : day === STEADY_DAY ? 'steady' : undefined, program.second(place))
    }
    mkdirSync(place.output)
    run('restore', program.restore(place))
    execFileSync('cmp', [image, program.restored(place)])
    run('check', program.check(place))
    if (program === ours) comparePrunes(place, run)
  } finally {
    for (const step of undo.toReversed()) step()
    clear(place)
  }
  return figures
}

/** The same repository, pruned by ours and by restic. */
function comparePrunes(place: Place, run: (step: Step, line: string) => void): void {
  const twin = { ...place, directory: `${place.directory}.twin` }
  cpSync(place.directory, twin.directory, { recursive: true, preserveTimestamps: true })
  run('prune', pruneLine(place))
  run('by restic', resticPruneLine(twin))
}

function clear({ directory, output }: Place): void {
  for (const path of [directory, `${directory}.base`, `${directory}.twin`, output])
    rmSync(path, { recursive: true, force: true })
}

function sizeOf(directory: string): number {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return files.reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}

function table(): void {
  say('program        step      seconds  CPU s  peak MiB  + MiB')
  for (const name of names) {
    for (const step of steps) {
      const figures = rounds.flatMap((round) => round[name]?.[step] ?? [])
      if (figures.length === 0) continue
      const middle = (of: (figure: Figure) => number, digits: number, width: number) =>
        median(figures.map(of)).toFixed(digits).padStart(width)
      const speed = `${middle(({ seconds }) => seconds, 2, 7)} ${middle(({ cpuSeconds }) => cpuSeconds, 1, 6)}`
      const space = `${middle(({ peakMiB }) => peakMiB, 0, 9)} ${middle(({ storedBytes }) => storedBytes / MiB, 0, 6)}`
      say(`${name.padEnd(14)} ${step.padEnd(9)} ${speed} ${space}`)
    }
  }
}

/** Restic's faster way, or its smaller repository, over ours: above 1 is better. Goals without their peers are left out. */
function compare(): Record<string, { value: number; goal: number }> {
  const ways = names.filter((name) => name.startsWith('restic'))
  if (!names.includes('tidemark')) return {}
  const theirs = (round: Readonly<Record<string, Figures>>, step: Step, of: (figure: Figure) => number) =>
    Math.min(...ways.map((name) => round[name]?.[step]).map((figure) => (figure === undefined ? NaN : of(figure))))
  const seconds = (figure: Figure) => figure.seconds
  const storedBytes = (figure: Figure) => figure.storedBytes
  const ratio = (step: Step, against: Step, of: (figure: Figure) => number) =>
    rounds.map((round) => theirs(round, against, of) / of(round['tidemark']?.[step] ?? NOTHING))
  const prunes = rounds.map(
    ({ tidemark: figures }) => (figures?.['by restic']?.seconds ?? NaN) / (figures?.prune?.seconds ?? NaN),
  )
  const changed = changesOf(SIZE, STEADY_DAY).length * CBT_BLOCK
  const amplification = rounds.map((round) => changed / (round['tidemark']?.steady?.storedBytes ?? NaN))
  const cases: readonly (readonly [string, number, number[]])[] = [
    ['full backup / restic', 1.67, ratio('full', 'full', seconds)],
    ['increment of 2%, steady state / restic', 10, ratio('steady', 'second', seconds)],
    ['increment of 2%, the first one / restic', 10, ratio('second', 'second', seconds)],
    ['restore / restic', 2.22, ratio('restore', 'restore', seconds)],
    ['check of all data / restic', 1.25, ratio('check', 'check', seconds)],
    ['prune / restic, of the same repository', 1, prunes],
    ['stored by a full backup / restic', 0.91, ratio('full', 'full', storedBytes)],
    ['changed / stored, steady state', 0.77, amplification],
  ]
  const known = cases.map(([name, goal, values]) => [name, { value: Number(median(values).toFixed(2)), goal }] as const)
  return Object.fromEntries(known.filter(([, { value }]) => Number.isFinite(value)))
}
