import type { Command } from 'commander'
import type { DemoArguments } from '../demo/demo.ts'
import type { Start } from './start.ts'

export function addDemo(program: Command, start: Start): void {
  program
    .command('demo')
    .description('the guided tour: a lab, a VM, a full backup, two increments, two restores')
    .option('--clean', 'only remove the data of an earlier demo')
    .option('--directory <path>', 'where its data go', 'demo-data')
    .action((args: DemoArguments) =>
      start(async (global, out) => (await import('../demo/demo.ts')).demo(global, out, args)),
    )
}
