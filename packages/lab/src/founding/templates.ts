import { insertVm } from '../classes/vm.ts'
import type { Draft } from '../database/database.ts'
import type { LabOptions } from '../options.ts'

interface Template {
  readonly name: string
  readonly description: string
  readonly memory: number
  readonly firmware: 'bios' | 'uefi'
}

const GIB = 1024 ** 3

/** A few of the templates that a new pool comes with: clients make VMs out of them. Disks are theirs to choose. */
const TEMPLATES: readonly Template[] = [
  { name: 'Other install media', description: 'For a guest that is not listed', memory: GIB / 2, firmware: 'bios' },
  { name: 'Debian Bookworm 12', description: 'For Debian 12', memory: 2 * GIB, firmware: 'uefi' },
  { name: 'Windows Server 2022 (64-bit)', description: 'For Windows Server 2022', memory: 4 * GIB, firmware: 'uefi' },
]

export function addTemplates(draft: Draft, options: LabOptions): void {
  for (const { name, description, memory, firmware } of TEMPLATES) {
    insertVm({ options }, draft, {
      name_label: name,
      name_description: description,
      reference_label: name.toLowerCase().replaceAll(/\W+/g, '-'),
      is_a_template: true,
      is_default_template: true,
      power_state: 'Halted',
      user_version: 1,
      memory_static_max: memory,
      memory_dynamic_max: memory,
      memory_dynamic_min: memory,
      memory_static_min: memory / 4,
      VCPUs_max: 1,
      VCPUs_at_startup: 1,
      actions_after_shutdown: 'destroy',
      actions_after_reboot: 'restart',
      actions_after_crash: 'restart',
      HVM_boot_policy: 'BIOS order',
      HVM_boot_params: { order: 'cdn', firmware },
      platform: { acpi: '1', apic: 'true', nx: 'true', pae: 'true', viridian: String(name.startsWith('Windows')) },
      domain_type: 'hvm',
      other_config: { default_template: 'true', 'install-methods': 'cdrom' },
    })
  }
}
