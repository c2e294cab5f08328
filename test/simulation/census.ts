import type { RestorePoint, OpenPoint } from '@tidemark/engine'
import { openPoint } from '@tidemark/engine'
import type { Repository } from '@tidemark/repository'
import { Finding } from './oracle.ts'
import type { VdiRecord } from '@tidemark/xenapi'
import type { Scene } from './scene.ts'

/**
 * What is on the pool is what guests and administrators made, and the bases that the newest points need. Nothing else of ours, and nothing
 * in a state that a pool must never be in.
 */
export async function expectCleanPool(scene: Scene, repository: Repository, points: readonly RestorePoint[]) {
  const { admin, lab, machines } = scene
  const violations = await lab.control.invariants()
  if (violations.length > 0) throw new Finding(`the pool breaks its rules: ${JSON.stringify(violations)}`)
  const vms = Object.values(await admin.VM.get_all_records()).filter(
    (vm) => vm.is_a_snapshot || (!vm.is_a_template && !vm.is_control_domain),
  )
  const frozen = machines.all.flatMap((vm) => vm.frozen?.ref ?? [])
  const theirs = new Set<string>(machines.all.map(({ uuid }) => uuid))
  for (const ref of frozen) theirs.add(await admin.VM.get_uuid(ref))
  const extra = vms.filter(({ uuid }) => !theirs.has(uuid)).map((vm) => vm.name_label)
  if (extra.length > 0) throw new Finding(`VMs or snapshots left on the pool: ${extra.join(', ')}`)
  await expectCleanDisks(scene, await basesOf(repository, points))
}

async function expectCleanDisks(scene: Scene, bases: ReadonlySet<string>): Promise<void> {
  const { admin, machines } = scene
  const debris = hadStorageAway(scene) ? isDebris : () => false
  const vdis = Object.values(await admin.VDI.get_all_records()).filter((vdi) => !debris(vdi))
  const own = new Set(machines.all.flatMap(({ disks }) => disks.map(({ uuid }) => uuid)))
  const frozen = new Set<string>()
  for (const { frozen: snapshot } of machines.all) {
    for (const vbd of snapshot === undefined ? [] : await admin.VM.get_VBDs(snapshot.ref)) {
      frozen.add(await admin.VBD.get_VDI(vbd))
    }
  }
  const inFrozen = new Set(
    Object.entries(await admin.VDI.get_all_records()).flatMap(([ref, { uuid }]) => (frozen.has(ref) ? [uuid] : [])),
  )
  const left = vdis.filter(({ uuid }) => !own.has(uuid) && !inFrozen.has(uuid) && !bases.has(uuid))
  const names = left.map(
    ({ name_label: name, type, is_a_snapshot: isSnapshot, other_config: marks }) =>
      `'${name}' (${type}${isSnapshot ? ', snapshot' : ''}, ${JSON.stringify(marks)})`,
  )
  if (names.length > 0) throw new Finding(`disks left on the pool: ${names.join('; ')}`)
  const full = vdis.filter(({ uuid, type }) => bases.has(uuid) && type !== 'cbt_metadata')
  if (full.length > 0) throw new Finding(`${full.length} bases still hold their data`)
}

const hadStorageAway = ({ trace }: Scene): boolean => trace.some((line) => /crash-sr|storage is unplugged/.test(line))

/**
 * What the pool itself leaves when a storage goes away in the middle of `VM.snapshot`: it cannot take back the copies that it made. No snapshot of a
 * VM leads to them and nobody marked them: they may be anybody's, so that no run of ours may touch them.
 */
const isDebris = ({ is_a_snapshot: isSnapshot, VBDs, other_config: marks }: VdiRecord): boolean =>
  isSnapshot && VBDs.length === 0 && Object.keys(marks).every((key) => !key.startsWith('tidemark:'))

/** The newest snapshot of each disk that a point counts on. */
async function basesOf(repository: Repository, points: readonly RestorePoint[]): Promise<ReadonlySet<string>> {
  const bases = new Map<string, string>()
  for (const point of points.toReversed()) {
    const open: OpenPoint = await openPoint(repository, point)
    for (const { vdi, snapshot } of open.record.disks)
      if (snapshot !== null && !bases.has(vdi)) bases.set(vdi, snapshot)
  }
  return new Set(bases.values())
}
