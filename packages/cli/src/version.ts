import manifest from '../package.json' with { type: 'json' }

export const VERSION = manifest.version

/** How we call ourselves in restore points and snapshots. */
export const TOOL = `tidemark ${VERSION}`
