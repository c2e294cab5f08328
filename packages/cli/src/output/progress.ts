import type { DiskProgress } from '@tidemark/engine'
import type { Out } from './out.ts'
import { duration, size } from './units.ts'

/** Shows how far each disk is: a live line a disk on a terminal, else a line when a disk is done; events with `--json`. */
export interface ProgressView {
  readonly update: (progress: DiskProgress) => void
}

/** Often enough to look alive, seldom enough to cost nothing. */
const REFRESH_MS = 200

/** What took less has no rate worth telling. */
const MEASURABLE_MS = 50

export function progressView(out: Out, now: () => number = Date.now): ProgressView {
  const disks = new Map<number, { progress: DiskProgress; startedAt: number }>()
  let shownAt = -Infinity
  return {
    update(progress) {
      const startedAt = disks.get(progress.position)?.startedAt ?? now()
      disks.set(progress.position, { progress, startedAt })
      const done = progress.stage === 'done'
      if (!done && now() - shownAt < REFRESH_MS) return
      shownAt = now()
      const rate = rateOf(progress, now() - startedAt)
      out.event({ type: 'disk', ...progress, bytesPerSecond: Math.round(rate), etaSeconds: etaOf(progress, rate) })
      if (done) {
        out.say(doneLine(progress, now() - startedAt))
        disks.delete(progress.position)
      }
      out.live([...disks.values()].map((disk) => liveLine(disk.progress, now() - disk.startedAt)).join('\n'))
    },
  }
}

const rateOf = ({ moved }: DiskProgress, ms: number): number => (ms > 0 ? moved / (ms / 1000) : 0)

const etaOf = ({ moved, total }: DiskProgress, rate: number): number | null =>
  rate > 0 ? Math.round((total - moved) / rate) : null

function liveLine(progress: DiskProgress, ms: number): string {
  const { position, stage, moved, total } = progress
  const rate = rateOf(progress, ms)
  const eta = etaOf(progress, rate)
  const percent = total === 0 ? 100 : Math.floor((moved / total) * 100)
  const left = eta === null ? '' : ` · ${duration(eta * 1000)} left`
  return `  disk ${position} ${stage} ${percent}% · ${size(moved)} of ${size(total)}${storing(progress)} · ${size(rate)}/s${left}`
}

function doneLine(progress: DiskProgress, ms: number): string {
  const { position, moved } = progress
  if (moved === 0) return `  disk ${position} done: nothing to move`
  const rate = ms < MEASURABLE_MS ? '' : `, ${size(rateOf(progress, ms))}/s`
  return `  disk ${position} done: ${size(moved)}${storing(progress)} in ${duration(ms)}${rate}`
}

/** Restores and comparisons store nothing. */
const storing = (progress: DiskProgress): string =>
  progress.new === 0 && progress.stored === 0 ? '' : ` · ${size(progress.new)} new · ${size(progress.stored)} stored`
