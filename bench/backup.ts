// The whole job beside restic's: the same image, the same changes, in one run. Ours reads from a lab over VHD and NBD with TLS;
// restic reads the raw file from the page cache. Run with: npm run bench
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, openSync, rmSync, writeFileSync, writeSync, closeSync, readdirSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { bytes, CBT_BLOCK, GiB } from '@tidemark/blocks'
import { openLabControl } from '@tidemark/lab'
import { openNbd } from '@tidemark/nbd'
import { makeImage } from '../packages/cli/src/demo/image.ts'
import { startLabProcess } from '../packages/cli/src/demo/lab-process.ts'
import { median, timed } from './measure.ts'

const MAIN = resolve(import.meta.dirname, '../packages/cli/dist/main.js')
/** As users start it. */
const COMMAND = resolve(import.meta.dirname, '../packages/cli/bin/tidemark.cjs')
const SIZE = 4 * GiB
const CHANGED_SHARE = 0.02
const ROUNDS = Number(process.env['ROUNDS'] ?? 5)

interface Figures {
  seconds: number
  storedBytes: number
}
type Step = 'full' | 'increment' | 'restore' | 'check'
const steps: readonly Step[] = ['full', 'increment', 'restore', 'check']
const measured: Record<'tidemark' | 'restic', Record<Step, Figures[]>> = {
  tidemark: { full: [], increment: [], restore: [], check: [] },
  restic: { full: [], increment: [], restore: [], check: [] },
}

const work = mkdtempSync(join(tmpdir(), 'tm-bench-'))
process.on('exit', () => rmSync(work, { recursive: true, force: true }))
const password = join(work, 'password')
writeFileSync(password, 'bench\n')
const image = join(work, 'image.raw')
const { bytes: fileBytes } = await makeImage(image, SIZE, new AbortController().signal)
console.log(`image: ${SIZE / GiB} GiB, ${(fileBytes / GiB).toFixed(2)} GiB of real files; ${ROUNDS} rounds`)

const marked = changedBlocks()
for (let round = 0; round < ROUNDS; round++) {
  await ours(round)
  theirs(round)
}
report()

/** Scattered blocks in runs of 1 to 4, a fiftieth of the disk. */
function changedBlocks(): number[] {
  const blocks = new Set<number>()
  const count = SIZE / CBT_BLOCK
  for (let i = 0; blocks.size < count * CHANGED_SHARE; i++) {
    const hash = createHash('sha256').update(String(i)).digest()
    const first = hash.readUInt32BE() % count
    for (let n = 0; n <= (hash[4] ?? 0) % 4; n++) blocks.add((first + n) % count)
  }
  return [...blocks].toSorted((a, b) => a - b)
}

function contentOf(block: number, round: number): Buffer {
  return createHash('shake128', { outputLength: CBT_BLOCK }).update(`${round}:${block}`).digest()
}

async function ours(round: number): Promise<void> {
  const directory = join(work, 'ours')
  const lab = join(directory, 'lab')
  process.argv[1] = MAIN // the lab starts as the command would
  await using pool = await startLabProcess(lab, password)
  const control = await openLabControl(lab)
  const vm = await control.createVm({ name: 'bench', disks: [{ name: 'system', image }] })
  const tidemark = (...args: string[]) =>
    timed(process.execPath, [COMMAND, '--config', join(directory, 'config.yaml'), ...args])
  const repository = join(directory, 'repository')
  tidemark('pool', 'add', 'lab', pool.url, '--fingerprint', pool.fingerprint, '--password-file', password)
  tidemark('repo', 'init', 'main', repository, '--password-file', password)
  let stored = sizeOf(repository)
  const note = (step: Step, seconds: number) => {
    const now = sizeOf(repository)
    measured.tidemark[step].push({ seconds, storedBytes: now - stored })
    stored = now
  }
  note('full', tidemark('backup', 'bench'))
  {
    await using disk = await openNbd({ address: { path: vm.disks[0]?.guestSocket ?? '' }, exportName: '' })
    for (const block of marked) await disk.write(bytes(block * CBT_BLOCK), contentOf(block, round))
    await disk.flush()
  }
  note('increment', tidemark('backup', 'bench'))
  note('restore', tidemark('restore', 'latest', '--to-dir', join(directory, 'out')))
  note('check', tidemark('check', '--read-data'))
  rmSync(join(directory, 'repository'), { recursive: true })
  rmSync(join(directory, 'out'), { recursive: true })
  rmSync(join(directory, 'config.yaml'))
  await pool[Symbol.asyncDispose]()
  rmSync(lab, { recursive: true })
}

function theirs(round: number): void {
  const directory = join(work, 'theirs')
  const copy = join(work, 'copy.raw')
  execFileSync('cp', ['--sparse=always', image, copy])
  const place = ['--repo', directory, '--password-file', password, '--no-cache']
  const shell = (line: string) => timed('sh', ['-c', line])
  execFileSync('restic', [...place, 'init'], { stdio: 'ignore' })
  let stored = sizeOf(directory)
  const note = (step: Step, seconds: number) => {
    const now = sizeOf(directory)
    measured.restic[step].push({ seconds, storedBytes: now - stored })
    stored = now
  }
  const restic = `restic ${place.join(' ')}`
  note('full', shell(`${restic} backup --stdin --stdin-filename disk.raw < ${copy}`))
  const file = openSync(copy, 'r+')
  for (const block of marked) writeSync(file, contentOf(block, round), 0, CBT_BLOCK, block * CBT_BLOCK)
  closeSync(file)
  note('increment', shell(`${restic} backup --stdin --stdin-filename disk.raw < ${copy}`))
  note('restore', shell(`${restic} restore latest --target ${join(work, 'restored')}`))
  note('check', shell(`${restic} check --read-data`))
  for (const path of [directory, copy, join(work, 'restored')]) rmSync(path, { recursive: true })
}

function sizeOf(directory: string): number {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true })
  return entries.reduce(
    (sum, entry) => sum + (entry.isFile() ? statSync(join(entry.parentPath, entry.name)).size : 0),
    0,
  )
}

function report(): void {
  const mib = (n: number) => (n / 2 ** 20).toFixed(0)
  console.log('step       tidemark s  restic s  restic / tidemark  tidemark MiB  restic MiB')
  for (const step of steps) {
    const [a, b] = [measured.tidemark[step], measured.restic[step]]
    const ratio = median(a.map((each, i) => (b[i]?.seconds ?? NaN) / each.seconds))
    const line = [
      step.padEnd(10),
      median(a.map(({ seconds }) => seconds))
        .toFixed(1)
        .padStart(10),
      median(b.map(({ seconds }) => seconds))
        .toFixed(1)
        .padStart(9),
      ratio.toFixed(2).padStart(18),
      mib(median(a.map(({ storedBytes }) => storedBytes))).padStart(13),
      mib(median(b.map(({ storedBytes }) => storedBytes))).padStart(11),
    ]
    console.log(line.join(' '))
  }
}
