/** The PC that a VM gets. */
export interface MachineSettings {
  readonly uuid: string
  readonly name: string
  /** Bytes. */
  readonly memory: number
  readonly processors: number
  /** In the order in which the BIOS tries them. */
  readonly disks: readonly MachineDisk[]
  readonly cards: readonly MachineCard[]
  /** A kernel to start instead of what the disks hold: PV_kernel, PV_ramdisk and PV_args. */
  readonly kernel: { readonly image: string; readonly ramdisk: string; readonly args: string } | undefined
  /** Where the first serial line goes; later starts are appended. */
  readonly consoleLog: string
}

interface MachineDisk {
  /** Its place, VBD.userdevice. */
  readonly slot: string
  /** A Unix socket that serves it over NBD. */
  readonly socket: string
  readonly readOnly: boolean
  readonly isCd: boolean
}

interface MachineCard {
  /** VIF.device. */
  readonly slot: string
  readonly mac: string
}

/** File descriptors of the new process: QMP, and the line of the guest's agent. */
export const QMP_FD = 3
export const AGENT_FD = 4

/**
 * The arguments of qemu-system-x86_64 for a machine that stands still until `cont`: a PC emulated in software, its disks
 * on virtio, its console on the first serial port, the agent on the second. A card reaches nobody.
 */
export function commandLine(settings: MachineSettings): readonly string[] {
  const { uuid, name, memory, processors, disks, cards, kernel, consoleLog } = settings
  const mebibytes = Math.max(64, Math.floor(memory / 1024 ** 2))
  const boot = kernel === undefined ? {} : { '-kernel': kernel.image, '-append': kernel.args }
  return [
    '-S',
    '-no-user-config',
    '-nodefaults',
    ...pairs({
      '-name': option({ guest: name }),
      '-uuid': uuid,
      '-display': 'none',
      '-accel': 'tcg,thread=multi',
      '-cpu': 'max',
      '-m': String(mebibytes),
      '-smp': String(processors),
      '-mon': 'chardev=qmp,mode=control',
      '-device': 'virtio-rng-pci',
      ...boot,
    }),
    ...(kernel === undefined || kernel.ramdisk === '' ? [] : ['-initrd', kernel.ramdisk]),
    ...[
      `socket,id=qmp,fd=${QMP_FD}`,
      `socket,id=agent,fd=${AGENT_FD}`,
      `file,id=console,append=on,${option({ path: consoleLog })}`,
    ].flatMap((line) => ['-chardev', line]),
    ...['chardev:console', 'chardev:agent'].flatMap((line) => ['-serial', line]),
    ...disks.flatMap(diskArguments),
    ...cards.flatMap(cardArguments),
  ]
}

const pairs = (options: Readonly<Record<string, string>>): string[] => Object.entries(options).flat()

/** The guest's flush is the lab's: what the guest knows as safe is in the lab's storage. */
function diskArguments({ slot, socket, readOnly, isCd }: MachineDisk, order: number): string[] {
  const node = `disk${slot}`
  const server = { type: 'unix', path: socket }
  const block = { driver: 'nbd', 'node-name': node, server, export: '', 'read-only': readOnly, discard: 'unmap' }
  const driver = isCd ? 'ide-cd' : 'virtio-blk-pci'
  const device = { driver, drive: node, id: `device${slot}`, bootindex: order }
  return ['-blockdev', JSON.stringify(block), '-device', JSON.stringify(device)]
}

function cardArguments({ slot, mac }: MachineCard): string[] {
  const device = { driver: 'virtio-net-pci', netdev: `net${slot}`, id: `card${slot}`, mac }
  return ['-netdev', `user,id=net${slot},restrict=on`, '-device', JSON.stringify(device)]
}

/** `key=value,…`; a comma in a value is doubled. */
const option = (parts: Readonly<Record<string, string>>): string =>
  Object.entries(parts)
    .map(([key, value]) => `${key}=${value.replaceAll(',', ',,')}`)
    .join(',')
