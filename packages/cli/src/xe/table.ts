import { xeClasses } from './classes/index.ts'
import type { Command } from './command.ts'
import { diskCommands } from './commands/disks.ts'
import { networkCommands } from './commands/network.ts'
import { snapshotCommands } from './commands/snapshot.ts'
import { storageCommands } from './commands/storage.ts'
import { transferCommands } from './commands/transfer.ts'
import { vdiCommands } from './commands/vdi.ts'
import { vmCommands } from './commands/vm.ts'
import { genericCommands } from './generic.ts'

/** Every command but `help`, by name. */
export const xeCommands: ReadonlyMap<string, Command> = new Map(
  [
    ...xeClasses.flatMap(genericCommands),
    ...vdiCommands,
    ...storageCommands,
    ...networkCommands,
    ...vmCommands,
    ...snapshotCommands,
    ...diskCommands,
    ...transferCommands,
  ].map((command) => [command.name, command]),
)
