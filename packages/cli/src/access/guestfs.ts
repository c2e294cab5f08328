import { execFile } from 'node:child_process'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { CliError } from '../error.ts'
import { Guestfish } from './guestfish.ts'

/** A file system that libguestfs found on the disks: on a partition, a logical volume, or a whole disk. */
interface GuestFileSystem {
  /** `/dev/sda1`, `/dev/vg0/root`. The disks are sda, sdb, … in the order in which they were given. */
  readonly device: string
  /** `ext4`, `xfs`, `ntfs`, `swap`, `unknown`, … */
  readonly type: string
}

/** Where a guest's operating system mounts a file system. */
export interface GuestMount {
  readonly device: string
  readonly at: string
}

/**
 * libguestfs with some disks: a small virtual machine that knows file systems, partition tables, LVM and RAID, and shows
 * them to an ordinary user.
 */
export interface GuestFs extends AsyncDisposable {
  fileSystems(): Promise<readonly GuestFileSystem[]>
  /** What the guest's operating system would mount, the root first; empty when none was recognised. */
  mounts(): Promise<readonly GuestMount[]>
  /**
   * Shows file systems as one tree in a directory of this machine, read-only, until disposal. Once only.
   * @param directory an empty one; default: one of its own
   * @returns the directory
   * @throws CliError CLI_PROGRAM
   */
  show(mounts: readonly GuestMount[], directory?: string): Promise<string>
}

/**
 * Where KVM gives a machine up, QEMU says so and keeps it standing still for ever, and libguestfs waits for it: this ends both.
 * A shell's fragment that guestfish runs for what its machine writes. The three sentences are QEMU's (accel/kvm/kvm-all.c).
 */
const ENDS_WITH_KVM =
  'case "$*" in *"KVM internal error"*|*"KVM: entry failed"*|*"kvm run failed"*) kill "$PPID";; esac'

/**
 * Starts libguestfs. It takes some seconds, and half a minute where the machine has no hardware virtualisation.
 * @param uris of raw disks, as libnbd writes them
 * @throws CliError CLI_PROGRAM
 */
export async function openGuestFs(uris: readonly string[], signal: AbortSignal): Promise<GuestFs> {
  try {
    return await start(uris, {}, signal)
  } catch (error) {
    signal.throwIfAborted()
    // machines exist that offer hardware virtualisation and fail at it: slow is better than not
    return start(uris, { LIBGUESTFS_BACKEND_SETTINGS: 'force_tcg' }, signal).catch(() => {
      throw error
    })
  }
}

async function start(uris: readonly string[], settings: NodeJS.ProcessEnv, signal: AbortSignal): Promise<GuestFs> {
  const environment = { LIBGUESTFS_BACKEND: 'direct', SHELL: '/bin/sh', ...settings }
  const fish = await Guestfish.start(uris, environment, signal)
  try {
    await fish.run('event', 'acceleration', 'appliance', ENDS_WITH_KVM)
    await fish.run('run')
    return new Guest(fish)
  } catch (error) {
    await fish[Symbol.asyncDispose]()
    throw error
  }
}

class Guest implements GuestFs {
  readonly #fish: Guestfish
  readonly #cleanup = new AsyncDisposableStack()

  constructor(fish: Guestfish) {
    this.#fish = this.#cleanup.use(fish)
  }

  async fileSystems(): Promise<readonly GuestFileSystem[]> {
    return pairs(await this.#fish.run('list-filesystems')).map(([device, type]) => ({ device, type }))
  }

  async mounts(): Promise<readonly GuestMount[]> {
    const [root = ''] = (await this.#fish.run('inspect-os')).split('\n')
    if (root === '') return []
    const mounts = pairs(await this.#fish.run('inspect-get-mountpoints', root))
    return mounts.map(([at, device]) => ({ device, at })).sort((a, b) => a.at.length - b.at.length)
  }

  async show(mounts: readonly GuestMount[], directory?: string): Promise<string> {
    for (const { device, at } of mounts) await this.#fish.run('mount-ro', device, at)
    const place = directory ?? (await this.#ownDirectory())
    await this.#fish.run('mount-local', place, 'readonly:true')
    const serving = this.#fish.run('mount-local-run') // until it is unmounted
    const failed = serving.then(() => {
      throw new CliError('CLI_PROGRAM', `libguestfs shows nothing in ${place} any more`)
    })
    failed.catch(() => undefined) // it matters only until something is shown
    this.#cleanup.defer(() => unmount(place, serving))
    await Promise.race([failed, shown(place)])
    return place
  }

  async #ownDirectory(): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'tidemark-files-'))
    this.#cleanup.defer(() => rm(directory, { recursive: true })) // empty by then: it runs after the unmounting
    return directory
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#cleanup.disposeAsync()
  }
}

/** `left: right` on each line. */
const pairs = (text: string): [string, string][] =>
  text.split('\n').flatMap((line): [string, string][] => {
    const [, left, right] = /^(\S+): (.*)$/.exec(line) ?? []
    return left === undefined || right === undefined ? [] : [[left, right]]
  })

/** Resolves when something is mounted there. */
async function shown(directory: string): Promise<void> {
  const { dev: outside } = await stat(dirname(directory))
  while ((await stat(directory)).dev === outside) await sleep(20)
}

async function unmount(directory: string, serving: Promise<unknown>): Promise<void> {
  await promisify(execFile)('guestunmount', ['--retry=5', directory])
  await serving.catch(() => undefined) // ended with the mount, well or badly
}
