import { explainAfresh, type BackupEvent, type Wait } from '@tidemark/engine'
import { describe } from '../exit.ts'
import type { Out } from './out.ts'
import { diskPlanForPrograms, diskPlanLine, planForPrograms } from './plans.ts'
import { progressView } from './progress.ts'
import { moment, shortId, size } from './units.ts'
import { verdictForPrograms, verdictLine } from './verdict.ts'

/** Tells what happens in a run, to people and to programs. */
export function narrate(out: Out): (event: BackupEvent) => void {
  const view = progressView(out)
  return (event) => {
    switch (event.type) {
      case 'plan':
        out.event({ type: 'plan', ...planForPrograms(event.plan) })
        return out.say(event.plan.disks.map(diskPlanLine).join('\n'))
      case 'replan':
        out.event({ type: 'replan', disk: diskPlanForPrograms(event.plan) })
        return out.say(diskPlanLine(event.plan))
      case 'wrong-bitmap':
        out.event({ type: 'wrong-bitmap', disk: diskPlanForPrograms(event.plan), differing: event.differing })
        return out.say(`  ALARM: ${diskPlanLine(event.plan).trim()}`)
      case 'suspects':
        out.event({ type: 'suspects', points: event.points })
        return out.say(`  these points may lack changes: ${event.points.map(shortId).join(', ')}`)
      case 'unusual': {
        const { disk, unusual } = event
        out.event({ type: 'unusual', vdi: disk.vdi, position: disk.position, changed: disk.bytes.changed, ...unusual })
        return out.say(
          `  UNUSUAL: ${size(disk.bytes.changed)} of disk ${disk.position} changed, where ${size(unusual.usual)} are usual: look at the VM; its older points are held (docs/runs.md)`,
        )
      }
      case 'incompressible': {
        const { disk, incompressible } = event
        out.event({
          type: 'incompressible',
          vdi: disk.vdi,
          position: disk.position,
          new: disk.bytes.new,
          ...incompressible,
        })
        return out.say(
          `  UNUSUAL: ${size(disk.bytes.new)} that are new on disk ${disk.position} do not compress, where usually ${Math.round(100 * (1 - incompressible.usual))}% goes: it may be being encrypted`,
        )
      }
      case 'leftover':
        out.event({ type: 'leftover', ...verdictForPrograms(event.verdict) })
        return out.say(`  ${verdictLine(event.verdict)}`)
      case 'resumed': {
        const { times, takenAt } = event
        out.event({ type: 'resumed', takenAt, times })
        return out.say(`  goes on with the snapshot of ${moment(takenAt)}, whose run was cut`)
      }
      case 'afresh':
        out.event({ type: 'afresh', ...event.why })
        return out.say(`  a run before was cut; this one begins anew: ${explainAfresh(event.why)}`)
      case 'cut':
        out.event({ type: 'cut', until: event.until })
        return out.say(
          `  cut: its snapshot stays on the pool, and the next backup goes on with it, until ${moment(event.until)}`,
        )
      case 'waiting':
        out.event({ type: 'waiting', ...waitForPrograms(event.wait) })
        return event.wait.for === 'snapshot' ? out.say(`  ${waitLine(event.wait)}`) : undefined
      case 'stage':
        return out.event({ type: 'stage', stage: event.stage })
      case 'disk':
        return view.update(event.progress)
      case 'attention':
        out.event({ type: 'attention', message: event.message, cause: describe(event.cause) })
        return out.say(`  attention: ${event.message}\n  ${describe(event.cause)}`)
      default:
        return event satisfies never
    }
  }
}

function waitForPrograms(wait: Wait): object {
  switch (wait.for) {
    case 'host':
      return wait
    case 'snapshot':
      return { ...wait, storages: wait.storages.map(({ uuid, name }) => ({ uuid, name })) }
    case 'disk':
      return { for: wait.for, position: wait.disk.position, vdi: wait.disk.vdiUuid }
    default:
      return wait satisfies never
  }
}

const waitLine = ({ storages, most }: Extract<Wait, { for: 'snapshot' }>): string =>
  `waits: ${most === 1 ? 'a snapshot is' : `${most} snapshots are`} open on ${storages.map(({ name }) => `'${name}'`).join(' or ')} (limit storageSnapshots)`
