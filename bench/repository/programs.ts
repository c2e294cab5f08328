import { resolve } from 'node:path'

/** Where a round happens. */
export interface Place {
  /** The repository. */
  readonly directory: string
  readonly image: string
  /** Directory that the image is restored into. */
  readonly output: string
  /** A JSON list of changed 64 KiB blocks: what a hypervisor's tracking would tell. */
  readonly changes: string
}

/** A backup program, as lines of shell. */
export interface Program {
  /** Whether it reads only what `changes` names: it is then run for several days. */
  readonly takesChanges: boolean
  readonly environment: (place: Place) => Readonly<Record<string, string>>
  readonly init: (place: Place) => string
  readonly full: (place: Place) => string
  readonly second: (place: Place) => string
  /** Until the image is on the disk, as ours is when it says so. */
  readonly restore: (place: Place) => string
  /** Path of the restored image. */
  readonly restored: (place: Place) => string
  readonly check: (place: Place) => string
}

const JOB = resolve(import.meta.dirname, 'job.ts')
const job = `'${process.execPath}' '${JOB}'`

export const ours: Program = {
  takesChanges: true,
  environment: () => ({}),
  init: ({ directory }) => `${job} init ${directory}`,
  full: ({ directory, image }) => `${job} backup ${directory} ${image}`,
  second: ({ directory, image, changes }) => `${job} backup ${directory} ${image} ${changes}`,
  restore: ({ directory, output }) => `${job} restore ${directory} ${output}/image.raw`,
  restored: ({ output }) => `${output}/image.raw`,
  check: ({ directory }) => `${job} check ${directory}`,
}

/** Our prune: it keeps the newest point. */
export const pruneLine = ({ directory }: Place): string => `${job} prune ${directory}`

/** The same by restic, of a repository of ours. */
export const resticPruneLine = ({ directory }: Place): string =>
  `RESTIC_PASSWORD=bench restic --no-cache -r ${directory} forget --keep-last 1 --prune --max-unused 0`

const resticFrom = (backup: (place: Place) => string, restored: (place: Place) => string): Program => ({
  takesChanges: false,
  environment: ({ directory }) => ({ RESTIC_REPOSITORY: directory, RESTIC_PASSWORD: 'bench' }),
  init: () => 'restic --no-cache init',
  full: backup,
  second: backup,
  restore: (place) => `restic --no-cache restore latest --target ${place.output} && sync ${restored(place)}`,
  restored,
  check: () => 'restic --no-cache check --read-data',
})

const borgWith = (compression: string): Program => {
  const create = (name: string) => (place: Place) =>
    `borg create --compression ${compression} --stdin-name image.raw ::${name} - < ${place.image}`
  return {
    takesChanges: false,
    environment: ({ directory }) => ({
      BORG_REPO: directory,
      BORG_PASSPHRASE: 'bench',
      BORG_BASE_DIR: `${directory}.base`,
      BORG_RELOCATED_REPO_ACCESS_IS_OK: 'yes',
    }),
    init: () => 'borg init --encryption repokey-blake2',
    full: create('full'),
    second: create('second'),
    restore: ({ output }) => `cd ${output} && borg extract --sparse ::second && sync image.raw`,
    restored: ({ output }) => `${output}/image.raw`,
    check: () => 'borg check --verify-data',
  }
}

export const peers: Readonly<Record<string, Program>> = {
  'restic-stdin': resticFrom(
    ({ image }) => `restic --no-cache backup --stdin --stdin-filename image.raw < ${image}`,
    ({ output }) => `${output}/image.raw`,
  ),
  'restic-file': resticFrom(
    ({ image }) => `restic --no-cache backup ${image}`,
    ({ output, image }) => `${output}${image}`,
  ),
  'borg-lz4': borgWith('lz4'),
  'borg-zstd': borgWith('zstd,3'),
}
