import { explain, type VmPlan } from '@tidemark/engine'
import { size } from './units.ts'

export const diskPlanLine = (plan: VmPlan['disks'][number]): string => {
  const { position, name, size: bytes } = plan.disk
  const about = plan.estimate === 0 ? '' : `, about ${size(plan.estimate)}`
  return `  disk ${position} '${name}' ${size(bytes)}: ${plan.action} over ${plan.source}${about} - ${explain(plan)}`
}

export const planText = ({ vm, disks }: VmPlan): string =>
  [`${vm.name} (${vm.uuid})`, ...disks.map(diskPlanLine)].join('\n')

export const planForPrograms = ({ vm, disks }: VmPlan) => ({
  vm: { uuid: vm.uuid, name: vm.name },
  disks: disks.map(diskPlanForPrograms),
})

export const diskPlanForPrograms = (plan: VmPlan['disks'][number]) => ({
  position: plan.disk.position,
  vdi: plan.disk.vdiUuid,
  size: plan.disk.size,
  action: plan.action,
  source: plan.source,
  reason: plan.action === 'incremental' ? 'tracked' : plan.reason,
  estimate: plan.estimate,
  sentence: explain(plan),
})
