import type { Command } from 'commander'

export const withPool = (command: Command): Command =>
  command.option('--pool <name>', 'pool of the configuration; may be left out when there is one')

export const withRepo = (command: Command): Command =>
  command
    .option('--repo <name>', 'repository of the configuration, a path or a URL; may be left out when there is one')
    .option('--repo-password-file <file>', "file with the repository's password")

/** How a point is named, for the end of a help text. */
export const selectors = `
A point is named by a prefix of its ID, 'latest', the name of a VM (its newest), or <vm>@<time>, the newest not after it:
  tidemark show 3f9a2c      tidemark show web1@2026-11-23      tidemark show web1@2026-11-23T10:15`
