import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { GiB } from '@tidemark/blocks'
import { openLabControl } from '@tidemark/lab'
import { makeImage } from '../../packages/cli/src/demo/image.ts'
import { startLabProcess } from '../../packages/cli/src/demo/lab-process.ts'
import { timed } from '../measure.ts'
import type { Case, Stage } from './stage.ts'

const MAIN = resolve(import.meta.dirname, '../../packages/cli/dist/main.js')
/** As users start it. */
const COMMAND = resolve(import.meta.dirname, '../../packages/cli/bin/tidemark.cjs')
/** Of the disk, in files: as full as a disk in use. */
const FILES_SHARE = 0.68
const PASSWORD = 'bench'

/** A repository with one point of one disk. */
interface Shelf {
  /** The beginning of a line of shell. */
  readonly command: string
  readonly repository: string
  readonly passwordFile: string
  readonly size: number
}

/**
 * A disk of a restore point, read from its beginning to its end: by `tidemark nbd`, and by restic from the same repository. Each
 * time from a standing start: keys, index and all.
 */
export async function pointCases({ work, size }: Stage): Promise<Case[]> {
  const shelf = await makeShelf(join(work, 'point'), Math.min(size, 2 * GiB))
  const restic = `restic -r ${shelf.repository} --password-file ${shelf.passwordFile} --no-cache`
  const path = diskIn(execFileSync('sh', ['-c', `${restic} ls latest`], { encoding: 'utf8' }))
  const [socket, mount] = [join(work, 'point.sock'), join(work, 'mount')]
  mkdirSync(mount)
  const serve = `${shelf.command} nbd latest --socket ${socket} > /dev/null & server=$!; ${until('-S', socket)}`
  const uri = `'nbd+unix:///0?socket=${socket}'`
  const fuse = (program: string, file: string): string =>
    `${program} > /dev/null & fuse=$!; ${until('-e', file)}; dd if=${file} of=/dev/null bs=1M; fusermount3 -u ${mount}; wait $fuse`
  const shell = (line: string) => (): number => timed('sh', ['-ec', line])
  const ours = (line: string) => shell(`${serve}; ${line}; kill $server; wait $server || true`)
  return [
    {
      name: 'point, nbdcopy / restic dump',
      goal: 1,
      bytes: shelf.size,
      ours: ours(`nbdcopy --connections=1 ${uri} null:`),
      theirs: shell(`${restic} dump latest ${path} > /dev/null`),
    },
    {
      name: 'point, nbdfuse and dd / restic mount and dd',
      goal: 1,
      bytes: shelf.size,
      ours: ours(fuse(`nbdfuse --readonly ${mount}/disk.raw ${uri}`, `${mount}/disk.raw`)),
      theirs: shell(fuse(`${restic} mount ${mount}`, `${mount}/snapshots/latest${path}`)),
    },
  ]
}

const until = (test: string, path: string): string => `while [ ! ${test} ${path} ]; do sleep 0.02; done`

/** The one raw image in a list of files. */
function diskIn(list: string): string {
  const path = list.split('\n').find((line) => line.endsWith('.raw'))
  if (path === undefined) throw new Error(`restic sees no disk in the point:\n${list}`)
  return path
}

async function makeShelf(directory: string, size: number): Promise<Shelf> {
  mkdirSync(directory)
  const [lab, passwordFile] = [join(directory, 'lab'), join(directory, 'password')]
  const command = `${process.execPath} ${COMMAND} --no-cache --config ${join(directory, 'config.yaml')}`
  const shelf = { command, repository: join(directory, 'repository'), passwordFile, size }
  writeFileSync(passwordFile, `${PASSWORD}\n`)
  const image = join(directory, 'image.raw')
  await makeImage(image, size, new AbortController().signal, size * FILES_SHARE)
  process.argv[1] = MAIN // the lab starts as the command would
  await using pool = await startLabProcess(lab, passwordFile)
  await (await openLabControl(lab)).createVm({ name: 'bench', disks: [{ name: 'system', image }] })
  const secret = ['--password-file', passwordFile]
  for (const args of [
    ['pool', 'add', 'lab', pool.url, '--fingerprint', pool.fingerprint, ...secret],
    ['repo', 'init', 'main', shelf.repository, ...secret],
    ['backup', 'bench'],
  ]) {
    execFileSync('sh', ['-c', [command, ...args].join(' ')], { stdio: 'ignore' })
  }
  return shelf
}
