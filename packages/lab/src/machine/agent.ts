import type { Fields } from '../database/tables.ts'

/** What a guest has written, by path, as an agent writes it to xenstore: `data/os_name`, `attr/vif/0/ipv4/0`. */
export type Report = ReadonlyMap<string, string>

/** Paths that one guest may have; what goes beyond is not kept. */
const PATHS_MAX = 512

/** The line of the agent: `<path> <value>`. Anything else is no report. */
const LINE = /^(?<path>(?:attr|data|control|vm-data)\/[\w./-]{1,200}) (?<value>.{0,4096})$/

/** Takes one line of the agent into a report. @returns the path, where the line is one */
export function takeLine(report: Map<string, string>, line: string): string | undefined {
  const { path, value = '' } = LINE.exec(line)?.groups ?? {}
  if (path === undefined || (report.size >= PATHS_MAX && !report.has(path))) return undefined
  report.set(path, value.trim())
  return path
}

/** Keys of the guest metrics and the paths that they come from. xapi: xapi_guest_agent.ml */
const DRIVERS = {
  'attr/PVAddons/MajorVersion': 'major',
  'attr/PVAddons/MinorVersion': 'minor',
  'attr/PVAddons/MicroVersion': 'micro',
  'attr/PVAddons/BuildVersion': 'build',
}
const SYSTEM = {
  'data/os_name': 'name',
  'data/os_uname': 'uname',
  'data/os_distro': 'distro',
  'data/os_majorver': 'major',
  'data/os_minorver': 'minor',
}
const MEMORY = { 'data/meminfo_total': 'total', 'data/meminfo_free': 'free' }
const OTHER = {
  'control/feature-shutdown': 'feature-shutdown',
  'control/feature-reboot': 'feature-reboot',
  'control/feature-suspend': 'feature-suspend',
}

/** What a pool shows of a report. Drivers count as there when the agent gives their version. */
export function guestMetrics(report: Report): Fields<'VM_guest_metrics'> {
  const PV_drivers_version = chosen(report, DRIVERS)
  const hasDrivers = PV_drivers_version['major'] !== undefined
  return {
    PV_drivers_version,
    PV_drivers_detected: hasDrivers,
    PV_drivers_up_to_date: hasDrivers,
    os_version: chosen(report, SYSTEM),
    memory: chosen(report, MEMORY),
    other: chosen(report, OTHER),
    networks: networks(report),
    live: true,
  }
}

/** What guests tell each other's administrators: the part of a report that a pool shows as `VM.xenstore_data`. */
export const sharedData = (report: Report): Readonly<Record<string, string>> =>
  Object.fromEntries([...report].filter(([path]) => path.startsWith('vm-data/')))

const chosen = (report: Report, keys: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(keys).flatMap(([path, key]) => {
      const value = report.get(path)
      return value === undefined ? [] : [[key, value]]
    }),
  )

/** `attr/vif/0/ipv4/0` is `0/ipv4/0`, and the first one is `0/ip` besides. */
function networks(report: Report): Readonly<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const [path, value] of report) {
    const [, card, family, index] = /^attr\/vif\/(\d+)\/(ipv[46])\/(\d+)$/.exec(path) ?? []
    if (card === undefined || value === '') continue
    found[`${card}/${family}/${index}`] = value
    if (family === 'ipv4' && index === '0') found[`${card}/ip`] = value
  }
  return found
}
