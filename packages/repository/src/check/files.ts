import { unlessGone } from '../error.ts'
import { decodeConfig } from '../format/config.ts'
import { decodeSnapshot, type Snapshot } from '../format/snapshot.ts'
import { sha256Hex, snapshotId } from '../id.ts'
import { loadUnpacked } from '../unpacked.ts'
import { attempt, type Check } from './context.ts'

export async function checkKeysAndConfig(check: Check): Promise<void> {
  const { backend, sealer, report, signal } = check
  for await (const { name } of backend.list('keys', signal)) {
    await attempt(check, 'KEY_DAMAGED', `keys/${name}`, async () => {
      const bytes = await backend.load({ type: 'keys', name }, 'all', signal)
      if (sha256Hex(bytes) !== name) report('KEY_DAMAGED', `keys/${name}`, 'its SHA-256 differs from its name')
    })
  }
  await attempt(check, 'CONFIG_DAMAGED', 'config', async () => {
    const config = sealer.open(await backend.load({ type: 'config', name: '' }, 'all', signal))
    if (config === undefined) report('CONFIG_DAMAGED', 'config', 'the MAC does not verify')
    else decodeConfig(config)
  })
}

/** A lock that nobody can read keeps everybody out until somebody removes it. */
export async function checkLocks(check: Check): Promise<void> {
  const { backend, sealer, signal } = check
  for await (const { name, size } of backend.list('locks', signal)) {
    if (size === 0) continue // left by a crash of a program that does not rename; everybody ignores it
    await attempt(check, 'LOCK_DAMAGED', `locks/${name}`, async () => {
      const json = await loadUnpacked(backend, sealer, { type: 'locks', name }, signal).catch(unlessGone)
      if (json !== undefined) JSON.parse(Buffer.from(json).toString())
    })
  }
}

/** All that can be read. */
export async function loadSnapshots(check: Check): Promise<Snapshot[]> {
  const { backend, sealer, onProgress, signal } = check
  const snapshots: Snapshot[] = []
  for await (const { name } of backend.list('snapshots', signal)) {
    await attempt(check, 'SNAPSHOT_DAMAGED', `snapshots/${name}`, async () => {
      const json = await loadUnpacked(backend, sealer, { type: 'snapshots', name }, signal)
      snapshots.push(decodeSnapshot(json, snapshotId(name)))
    })
    onProgress({ phase: 'files', done: snapshots.length, total: snapshots.length })
  }
  return snapshots
}
