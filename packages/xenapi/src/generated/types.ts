// Written by generate/generate.ts from generate/xenapi-classes.json. Change those, then run the generator.

import type { CallOptions } from '../call-options.ts'
import type { ConstructorOf, EventOf, Ref } from '../types.ts'

/** Reference to a Bond. */
export type BondRef = Ref<'Bond'>

/** Reference to a Certificate: an X.509 certificate that a host uses or trusts. */
export type CertificateRef = Ref<'Certificate'>

/** Reference to a DR_task. */
export type DrTaskRef = Ref<'DR_task'>

/** Reference to a Feature. */
export type FeatureRef = Ref<'Feature'>

/** Reference to a GPU_group. */
export type GpuGroupRef = Ref<'GPU_group'>

/** Reference to a PBD: the connection of one host to one storage repository. */
export type PbdRef = Ref<'PBD'>

/** Reference to a PCI. */
export type PciRef = Ref<'PCI'>

/** Reference to a PGPU. */
export type PgpuRef = Ref<'PGPU'>

/** Reference to a PIF: a network interface of a host, physical or virtual. */
export type PifRef = Ref<'PIF'>

/** Reference to a PIF_metrics. */
export type PifMetricsRef = Ref<'PIF_metrics'>

/** Reference to a PUSB. */
export type PusbRef = Ref<'PUSB'>

/** Reference to a Repository. */
export type RepositoryRef = Ref<'Repository'>

/** Reference to a SM: a storage driver, with what it can do. */
export type SmRef = Ref<'SM'>

/** Reference to a SR: a storage repository: where virtual disks live. */
export type SrRef = Ref<'SR'>

/** Reference to a VBD: a disk slot of a VM, holding a virtual disk or a CD. */
export type VbdRef = Ref<'VBD'>

/** Reference to a VBD_metrics. */
export type VbdMetricsRef = Ref<'VBD_metrics'>

/** Reference to a VDI: virtual disk. */
export type VdiRef = Ref<'VDI'>

/** Reference to a VGPU. */
export type VgpuRef = Ref<'VGPU'>

/** Reference to a VIF: a network interface of a VM. */
export type VifRef = Ref<'VIF'>

/** Reference to a VIF_metrics. */
export type VifMetricsRef = Ref<'VIF_metrics'>

/** Reference to a VLAN. */
export type VlanRef = Ref<'VLAN'>

/** Reference to a VM: a virtual machine, a template or a snapshot of either. */
export type VmRef = Ref<'VM'>

/** Reference to a VMPP. */
export type VmppRef = Ref<'VMPP'>

/** Reference to a VMSS. */
export type VmssRef = Ref<'VMSS'>

/** Reference to a VM_appliance. */
export type VmApplianceRef = Ref<'VM_appliance'>

/** Reference to a VM_guest_metrics: what the agent inside a VM reports. */
export type VmGuestMetricsRef = Ref<'VM_guest_metrics'>

/** Reference to a VM_metrics: measured state of a VM. */
export type VmMetricsRef = Ref<'VM_metrics'>

/** Reference to a VTPM: a virtual trusted platform module of a VM. */
export type VtpmRef = Ref<'VTPM'>

/** Reference to a VUSB. */
export type VusbRef = Ref<'VUSB'>

/** Reference to a blob. */
export type BlobRef = Ref<'blob'>

/** Reference to a console. */
export type ConsoleRef = Ref<'console'>

/** Reference to a crashdump. */
export type CrashdumpRef = Ref<'crashdump'>

/** Reference to a host: a server of the pool. */
export type HostRef = Ref<'host'>

/** Reference to a host_cpu. */
export type HostCpuRef = Ref<'host_cpu'>

/** Reference to a host_crashdump. */
export type HostCrashdumpRef = Ref<'host_crashdump'>

/** Reference to a host_metrics: measured state of a host. */
export type HostMetricsRef = Ref<'host_metrics'>

/** Reference to a host_patch. */
export type HostPatchRef = Ref<'host_patch'>

/** Reference to a message: alert; CBT alerts are VDI_CBT_SNAPSHOT_FAILED, VDI_CBT_METADATA_INCONSISTENT, VDI_CBT_RESIZE_FAILED. */
export type MessageRef = Ref<'message'>

/** Reference to a network: a virtual network of the pool. */
export type NetworkRef = Ref<'network'>

/** Reference to a network_sriov. */
export type NetworkSriovRef = Ref<'network_sriov'>

/** Reference to a pool: the pool itself; there is exactly one record. */
export type PoolRef = Ref<'pool'>

/** Reference to a pool_update. */
export type PoolUpdateRef = Ref<'pool_update'>

/** Reference to a role: a set of permissions. */
export type RoleRef = Ref<'role'>

/** Reference to a secret. */
export type SecretRef = Ref<'secret'>

/** Reference to a session: a login; its reference is the credential sent with every call. */
export type SessionRef = Ref<'session'>

/** Reference to a subject: a user or group of an external directory that may log in. */
export type SubjectRef = Ref<'subject'>

/** Reference to a task: record of one running or finished operation. */
export type TaskRef = Ref<'task'>

/** Reference to a tunnel. */
export type TunnelRef = Ref<'tunnel'>

/** Reference to a user. */
export type UserRef = Ref<'user'>

/** Values of the enum `certificate_type`. */
export type CertificateType = 'ca' | 'host' | 'host_internal'

/** Values of the enum `cls`. */
export type Cls = 'VM' | 'Host' | 'SR' | 'Pool' | 'VMPP' | 'VMSS' | 'PVS_proxy' | 'VDI' | 'Certificate'

/** Values of the enum `domain_type`. */
export type DomainType = 'hvm' | 'pv' | 'pv_in_pvh' | 'pvh' | 'unspecified'

/** Values of the enum `event_operation`. */
export type EventOperation = 'add' | 'del' | 'mod'

/** Values of the enum `host_allowed_operations`. */
export type HostAllowedOperations =
  | 'provision'
  | 'evacuate'
  | 'shutdown'
  | 'reboot'
  | 'power_on'
  | 'vm_start'
  | 'vm_resume'
  | 'vm_migrate'
  | 'apply_updates'
  | 'enable'

/** Values of the enum `host_display`. */
export type HostDisplay = 'enabled' | 'disable_on_reboot' | 'disabled' | 'enable_on_reboot'

/** Values of the enum `host_numa_affinity_policy`. */
export type HostNumaAffinityPolicy = 'any' | 'best_effort' | 'default_policy'

/** Values of the enum `host_sched_gran`. */
export type HostSchedGran = 'core' | 'cpu' | 'socket'

/** Values of the enum `ip_configuration_mode`. */
export type IpConfigurationMode = 'None' | 'DHCP' | 'Static'

/** Values of the enum `ipv6_configuration_mode`. */
export type Ipv6ConfigurationMode = 'None' | 'DHCP' | 'Static' | 'Autoconf'

/** Values of the enum `latest_synced_updates_applied_state`. */
export type LatestSyncedUpdatesAppliedState = 'yes' | 'no' | 'unknown'

/** Values of the enum `network_default_locking_mode`. */
export type NetworkDefaultLockingMode = 'unlocked' | 'disabled'

/** Values of the enum `network_operations`. */
export type NetworkOperations = 'attaching'

/** Values of the enum `network_purpose`. */
export type NetworkPurpose = 'nbd' | 'insecure_nbd'

/** Values of the enum `on_boot`. */
export type OnBoot = 'reset' | 'persist'

/** Values of the enum `on_crash_behaviour`. */
export type OnCrashBehaviour =
  | 'destroy'
  | 'coredump_and_destroy'
  | 'restart'
  | 'coredump_and_restart'
  | 'preserve'
  | 'rename_restart'

/** Values of the enum `on_normal_exit`. */
export type OnNormalExit = 'destroy' | 'restart'

/** Values of the enum `on_softreboot_behavior`. */
export type OnSoftrebootBehavior = 'soft_reboot' | 'destroy' | 'restart' | 'preserve'

/** Values of the enum `persistence_backend`. */
export type PersistenceBackend = 'xapi'

/** Values of the enum `pif_igmp_status`. */
export type PifIgmpStatus = 'enabled' | 'disabled' | 'unknown'

/** Values of the enum `pool_allowed_operations`. */
export type PoolAllowedOperations =
  | 'ha_enable'
  | 'ha_disable'
  | 'cluster_create'
  | 'designate_new_master'
  | 'configure_repositories'
  | 'sync_updates'
  | 'get_updates'
  | 'apply_updates'
  | 'tls_verification_enable'
  | 'cert_refresh'
  | 'exchange_certificates_on_join'
  | 'exchange_ca_certificates_on_join'
  | 'copy_primary_host_certs'
  | 'eject'

/** Values of the enum `primary_address_type`. */
export type PrimaryAddressType = 'IPv4' | 'IPv6'

/** Values of the enum `storage_operations`. */
export type StorageOperations =
  | 'scan'
  | 'destroy'
  | 'forget'
  | 'plug'
  | 'unplug'
  | 'update'
  | 'vdi_create'
  | 'vdi_introduce'
  | 'vdi_destroy'
  | 'vdi_resize'
  | 'vdi_clone'
  | 'vdi_snapshot'
  | 'vdi_mirror'
  | 'vdi_enable_cbt'
  | 'vdi_disable_cbt'
  | 'vdi_data_destroy'
  | 'vdi_list_changed_blocks'
  | 'vdi_set_on_boot'
  | 'pbd_create'
  | 'pbd_destroy'
  | 'vdi_revert'

/** Values of the enum `task_allowed_operations`. */
export type TaskAllowedOperations = 'cancel' | 'destroy'

/** Values of the enum `task_status_type`. */
export type TaskStatusType = 'pending' | 'success' | 'failure' | 'cancelling' | 'cancelled'

/** Values of the enum `telemetry_frequency`. */
export type TelemetryFrequency = 'daily' | 'weekly' | 'monthly'

/** Values of the enum `tristate_type`. */
export type TristateType = 'yes' | 'no' | 'unspecified'

/** Values of the enum `update_guidances`. */
export type UpdateGuidances =
  | 'reboot_host'
  | 'reboot_host_on_livepatch_failure'
  | 'reboot_host_on_kernel_livepatch_failure'
  | 'reboot_host_on_xen_livepatch_failure'
  | 'restart_toolstack'
  | 'restart_device_model'
  | 'restart_vm'

/** Values of the enum `update_sync_frequency`. */
export type UpdateSyncFrequency = 'daily' | 'weekly'

/** Values of the enum `vbd_mode`. */
export type VbdMode = 'RO' | 'RW'

/** Values of the enum `vbd_operations`. */
export type VbdOperations = 'attach' | 'eject' | 'insert' | 'plug' | 'unplug' | 'unplug_force' | 'pause' | 'unpause'

/** Values of the enum `vbd_type`. */
export type VbdType = 'CD' | 'Disk' | 'Floppy'

/** Values of the enum `vdi_operations`. */
export type VdiOperations =
  | 'clone'
  | 'copy'
  | 'resize'
  | 'resize_online'
  | 'snapshot'
  | 'mirror'
  | 'destroy'
  | 'forget'
  | 'update'
  | 'force_unlock'
  | 'generate_config'
  | 'enable_cbt'
  | 'disable_cbt'
  | 'data_destroy'
  | 'list_changed_blocks'
  | 'set_on_boot'
  | 'blocked'
  | 'revert_to'
  | 'revert_from'

/** Values of the enum `vdi_type`. */
export type VdiType =
  | 'system'
  | 'user'
  | 'ephemeral'
  | 'suspend'
  | 'crashdump'
  | 'ha_statefile'
  | 'metadata'
  | 'redo_log'
  | 'rrd'
  | 'pvs_cache'
  | 'cbt_metadata'

/** Values of the enum `vif_ipv4_configuration_mode`. */
export type VifIpv4ConfigurationMode = 'None' | 'Static'

/** Values of the enum `vif_ipv6_configuration_mode`. */
export type VifIpv6ConfigurationMode = 'None' | 'Static'

/** Values of the enum `vif_locking_mode`. */
export type VifLockingMode = 'network_default' | 'locked' | 'unlocked' | 'disabled'

/** Values of the enum `vif_operations`. */
export type VifOperations = 'attach' | 'plug' | 'unplug'

/** Values of the enum `vm_operations`. */
export type VmOperations =
  | 'snapshot'
  | 'clone'
  | 'copy'
  | 'create_template'
  | 'revert'
  | 'checkpoint'
  | 'snapshot_with_quiesce'
  | 'provision'
  | 'start'
  | 'start_on'
  | 'pause'
  | 'unpause'
  | 'clean_shutdown'
  | 'clean_reboot'
  | 'hard_shutdown'
  | 'power_state_reset'
  | 'hard_reboot'
  | 'suspend'
  | 'csvm'
  | 'resume'
  | 'resume_on'
  | 'pool_migrate'
  | 'migrate_send'
  | 'get_boot_record'
  | 'send_sysrq'
  | 'send_trigger'
  | 'query_services'
  | 'shutdown'
  | 'call_plugin'
  | 'changing_memory_live'
  | 'awaiting_memory_live'
  | 'changing_dynamic_range'
  | 'changing_static_range'
  | 'changing_memory_limits'
  | 'changing_shadow_memory'
  | 'changing_shadow_memory_live'
  | 'changing_VCPUs'
  | 'changing_VCPUs_live'
  | 'changing_NVRAM'
  | 'assert_operation_valid'
  | 'data_source_op'
  | 'update_allowed_operations'
  | 'make_into_template'
  | 'import'
  | 'export'
  | 'metadata_export'
  | 'reverting'
  | 'destroy'
  | 'create_vtpm'

/** Values of the enum `vm_power_state`. */
export type VmPowerState = 'Halted' | 'Paused' | 'Running' | 'Suspended'

/** Values of the enum `vtpm_operations`. */
export type VtpmOperations = 'destroy'

/** Record of a session: a login; its reference is the credential sent with every call. */
export interface SessionRecord {
  /** `string`, RO/runtime. */
  readonly uuid: string
  /**
   * Host that serves the session (the pool master).
   * `host ref`, RO/runtime.
   */
  readonly this_host: HostRef
  /** `user ref`, RO/runtime. */
  readonly this_user: UserRef
  /**
   * Refreshed by use, at most every 10 minutes.
   * `datetime`, RO/runtime.
   */
  readonly last_active: Date
  /** `bool`, RO/runtime. */
  readonly pool: boolean
  /** `(string -> string) map`, RW, default `{}`. */
  readonly other_config: Readonly<Record<string, string>>
  /** `bool`, RO/runtime, default `false`. */
  readonly is_local_superuser: boolean
  /** `subject ref`, RO/runtime, default `"OpaqueRef:NULL"`. */
  readonly subject: SubjectRef
  /** `datetime`, RO/runtime, default `"19700101T00:00:00Z"`. */
  readonly validation_time: Date
  /** `string`, RO/runtime, default `""`. */
  readonly auth_user_sid: string
  /** `string`, RO/runtime, default `""`. */
  readonly auth_user_name: string
  /** `string set`, RO/constructor, default `[]`. */
  readonly rbac_permissions: readonly string[]
  /** `task ref set`, RO/runtime. */
  readonly tasks: readonly TaskRef[]
  /** `session ref`, RO/constructor, default `"OpaqueRef:NULL"`. */
  readonly parent: SessionRef
  /**
   * Free label given at login; groups sessions for the per-originator limit.
   * `string`, RO/runtime, default `""`.
   */
  readonly originator: string
  /** `bool`, RO/runtime, default `false`. */
  readonly client_certificate: boolean
}

/** Record of a task: record of one running or finished operation. */
export interface TaskRecord {
  /** `string`, RO/runtime. */
  readonly uuid: string
  /** `string`, RO/runtime, default `""`. */
  readonly name_label: string
  /** `string`, RO/runtime, default `""`. */
  readonly name_description: string
  /** `enum task_allowed_operations set`, RO/runtime, default `[]`. */
  readonly allowed_operations: readonly TaskAllowedOperations[]
  /** `(string -> enum task_allowed_operations) map`, RO/runtime, default `{}`. */
  readonly current_operations: Readonly<Record<string, TaskAllowedOperations>>
  /** `datetime`, RO/runtime. */
  readonly created: Date
  /**
   * 1970 epoch until the task ends.
   * `datetime`, RO/runtime.
   */
  readonly finished: Date
  /**
   * Pending until it ends; cancelling exists in the enum but is never set.
   * `enum task_status_type`, RO/runtime.
   */
  readonly status: TaskStatusType
  /** `host ref`, RO/runtime. */
  readonly resident_on: HostRef
  /**
   * 0.0 to 1.0; forced to 1.0 at the end, failure included.
   * `float`, RO/runtime.
   */
  readonly progress: number
  /**
   * Always <none/>.
   * `string`, RO/runtime.
   */
  readonly type: string
  /**
   * XML text of the returned value, e.g. <value>OpaqueRef:...</value>; may be empty.
   * `string`, RO/runtime.
   */
  readonly result: string
  /**
   * Error code followed by its parameters when status is failure.
   * `string set`, RO/runtime.
   */
  readonly error_info: readonly string[]
  /** `(string -> string) map`, RW, default `{}`. */
  readonly other_config: Readonly<Record<string, string>>
  /** `task ref`, RO/runtime, default `"OpaqueRef:NULL"`. */
  readonly subtask_of: TaskRef
  /** `task ref set`, RO/runtime. */
  readonly subtasks: readonly TaskRef[]
  /** `string`, RO/runtime, default `"()"`. */
  readonly backtrace: string
}

/** One change notice: which object, and its whole record unless it is gone. */
export type EventRecord =
  | EventOf<'session', SessionRef, SessionRecord>
  | EventOf<'task', TaskRef, TaskRecord>
  | EventOf<'pool', PoolRef, PoolRecord>
  | EventOf<'host', HostRef, HostRecord>
  | EventOf<'host_metrics', HostMetricsRef, HostMetricsRecord>
  | EventOf<'network', NetworkRef, NetworkRecord>
  | EventOf<'pif', PifRef, PifRecord>
  | EventOf<'pbd', PbdRef, PbdRecord>
  | EventOf<'sr', SrRef, SrRecord>
  | EventOf<'sm', SmRef, SmRecord>
  | EventOf<'vdi', VdiRef, VdiRecord>
  | EventOf<'vbd', VbdRef, VbdRecord>
  | EventOf<'vif', VifRef, VifRecord>
  | EventOf<'vm', VmRef, VmRecord>
  | EventOf<'vm_metrics', VmMetricsRef, VmMetricsRecord>
  | EventOf<'vm_guest_metrics', VmGuestMetricsRef, VmGuestMetricsRecord>
  | EventOf<'vtpm', VtpmRef, VtpmRecord>
  | EventOf<'message', MessageRef, MessageRecord>
  | EventOf<'certificate', CertificateRef, CertificateRecord>
  | EventOf<'subject', SubjectRef, SubjectRecord>
  | EventOf<'role', RoleRef, RoleRecord>

/** What event.from returns. */
export interface EventBatch {
  readonly events: readonly EventRecord[]
  /** Number of objects per class, in lower case, for all classes. */
  readonly valid_ref_counts: Readonly<Record<string, number>>
  /** Where the next call starts. */
  readonly token: string
}

/** Record of a pool: the pool itself; there is exactly one record. */
export interface PoolRecord {
  /** `string`, RO/runtime. */
  readonly uuid: string
  /** `string`, RW. */
  readonly name_label: string
  /** `string`, RW. */
  readonly name_description: string
  /**
   * Host that answers API calls.
   * `host ref`, RO/runtime.
   */
  readonly master: HostRef
  /**
   * Used by imports that name no SR.
   * `SR ref`, RW.
   */
  readonly default_SR: SrRef
  /** `SR ref`, RW. */
  readonly suspend_image_SR: SrRef
  /** `SR ref`, RW. */
  readonly crash_dump_SR: SrRef
  /** `(string -> string) map`, RW. */
  readonly other_config: Readonly<Record<string, string>>
  /** `bool`, RO/runtime, default `false`. */
  readonly ha_enabled: boolean
  /** `(string -> string) map`, RO/runtime, default `{}`. */
  readonly ha_configuration: Readonly<Record<string, string>>
  /** `string set`, RO/runtime, default `[]`. */
  readonly ha_statefiles: readonly string[]
  /** `int`, RO/runtime, default `0`. */
  readonly ha_host_failures_to_tolerate: number
  /** `int`, RO/runtime, default `0`. */
  readonly ha_plan_exists_for: number
  /** `bool`, RW, default `false`. */
  readonly ha_allow_overcommit: boolean
  /** `bool`, RO/runtime, default `false`. */
  readonly ha_overcommitted: boolean
  /** `(string -> blob ref) map`, RO/runtime, default `{}`. */
  readonly blobs: Readonly<Record<string, BlobRef>>
  /** `string set`, RW, default `[]`. */
  readonly tags: readonly string[]
  /** `(string -> string) map`, RW, default `{}`. */
  readonly gui_config: Readonly<Record<string, string>>
  /** `(string -> string) map`, RW, default `{}`. */
  readonly health_check_config: Readonly<Record<string, string>>
  /** `string`, RO/runtime, default `""`. */
  readonly wlb_url: string
  /** `string`, RO/runtime, default `""`. */
  readonly wlb_username: string
  /** `bool`, RW, default `false`. */
  readonly wlb_enabled: boolean
  /**
   * `bool`, RW, default `false`.
   * @deprecated by the server
   */
  readonly wlb_verify_cert: boolean
  /** `bool`, RO/runtime, default `false`. */
  readonly redo_log_enabled: boolean
  /** `VDI ref`, RO/runtime, default `"OpaqueRef:NULL"`. */
  readonly redo_log_vdi: VdiRef
  /**
   * `string`, RO/runtime, default `""`.
   * @deprecated by the server
   */
  readonly vswitch_controller: string
  /**
   * Licence flags; restrict_cbt=true blocks VDI.enable_cbt.
   * `(string -> string) map`, RO/runtime, default `{}`.
   */
  readonly restrictions: Readonly<Record<string, string>>
  /** `VDI ref set`, RO/runtime. */
  readonly metadata_VDIs: readonly VdiRef[]
  /** `string`, RO/runtime, default `""`. */
  readonly ha_cluster_stack: string
  /** `enum pool_allowed_operations set`, RO/runtime, default `[]`. */
  readonly allowed_operations: readonly PoolAllowedOperations[]
  /** `(string -> enum pool_allowed_operations) map`, RO/runtime, default `{}`. */
  readonly current_operations: Readonly<Record<string, PoolAllowedOperations>>
  /** `(string -> string) map`, RO/runtime, default `{}`. */
  readonly guest_agent_config: Readonly<Record<string, string>>
  /** `(string -> string) map`, RO/runtime, default `{}`. */
  readonly cpu_info: Readonly<Record<string, string>>
  /** `bool`, RW, default `false`. */
  readonly policy_no_vendor_device: boolean
  /** `bool`, RW, default `false`. */
  readonly live_patching_disabled: boolean
  /** `bool`, RO/runtime, default `false`. */
  readonly igmp_snooping_enabled: boolean
  /** `string`, RO/constructor, default `""`. */
  readonly uefi_certificates: string
  /**
   * `string`, RO/constructor, default `""`.
   * State: prototyped.
   */
  readonly custom_uefi_certificates: string
  /** `bool`, RW, default `false`. */
  readonly is_psr_pending: boolean
  /** `bool`, RO/runtime, default `false`. */
  readonly tls_verification_enabled: boolean
  /** `Repository ref set`, RO/runtime, default `[]`. */
  readonly repositories: readonly RepositoryRef[]
  /** `bool`, RO/runtime, default `false`. */
  readonly client_certificate_auth_enabled: boolean
  /** `string`, RO/runtime, default `""`. */
  readonly client_certificate_auth_name: string
  /** `string`, RO/runtime, default `""`. */
  readonly repository_proxy_url: string
  /** `string`, RO/runtime, default `""`. */
  readonly repository_proxy_username: string
  /** `secret ref`, RO/runtime, default `"OpaqueRef:NULL"`. */
  readonly repository_proxy_password: SecretRef
  /**
   * `bool`, RW, default `false`.
   * State: prototyped.
   */
  readonly migration_compression: boolean
  /** `bool`, RW, default `true`. */
  readonly coordinator_bias: boolean
  /**
   * `int`, RO/constructor, default `8`.
   * State: prototyped.
   */
  readonly local_auth_max_threads: number
  /**
   * `int`, RO/constructor, default `1`.
   * State: prototyped.
   */
  readonly ext_auth_max_threads: number
  /**
   * `secret ref`, RO/runtime, default `"OpaqueRef:NULL"`.
   * State: prototyped.
   */
  readonly telemetry_uuid: SecretRef
  /**
   * `enum telemetry_frequency`, RO/runtime, default `"weekly"`.
   * State: prototyped.
   */
  readonly telemetry_frequency: TelemetryFrequency
  /**
   * `datetime`, RO/runtime, default `"19700101T00:00:00Z"`.
   * State: prototyped.
   */
  readonly telemetry_next_collection: Date
  /**
   * `datetime`, RO/runtime, default `"19700101T00:00:00Z"`.
   * State: prototyped.
   */
  readonly last_update_sync: Date
  /**
   * `enum update_sync_frequency`, RO/runtime, default `"weekly"`.
   * State: prototyped.
   */
  readonly update_sync_frequency: UpdateSyncFrequency
  /**
   * `int`, RO/runtime, default `0`.
   * State: prototyped.
   */
  readonly update_sync_day: number
  /**
   * `bool`, RO/runtime, default `false`.
   * State: prototyped.
   */
  readonly update_sync_enabled: boolean
}

/** Record of a host: a server of the pool. */
export interface HostRecord {
  /** `string`, RO/runtime. */
  readonly uuid: string
  /** `string`, RW, default `""`. */
  readonly name_label: string
  /** `string`, RW, default `""`. */
  readonly name_description: string
  /** `int`, RO/runtime, default `0`. */
  readonly memory_overhead: number
  /** `enum host_allowed_operations set`, RO/runtime, default `[]`. */
  readonly allowed_operations: readonly HostAllowedOperations[]
  /** `(string -> enum host_allowed_operations) map`, RO/runtime, default `{}`. */
  readonly current_operations: Readonly<Record<string, HostAllowedOperations>>
  /** `int`, RO/runtime. */
  readonly API_version_major: number
  /** `int`, RO/runtime. */
  readonly API_version_minor: number
  /** `string`, RO/runtime. */
  readonly API_version_vendor: string
  /** `(string -> string) map`, RO/runtime. */
  readonly API_version_vendor_implementation: Readonly<Record<string, string>>
  /** `bool`, RO/runtime. */
  readonly enabled: boolean
  /**
   * Product_version, product_brand, build_number, ... ; clients branch on it.
   * `(string -> string) map`, RO/constructor.
   */
  readonly software_version: Readonly<Record<string, string>>
  /** `(string -> string) map`, RW. */
  readonly other_config: Readonly<Record<string, string>>
  /** `string set`, RO/constructor. */
  readonly capabilities: readonly string[]
  /** `(string -> string) map`, RO/runtime. */
  readonly cpu_configuration: Readonly<Record<string, string>>
  /** `string`, RO/runtime. */
  readonly sched_policy: string
  /** `string set`, RO/runtime. */
  readonly supported_bootloaders: readonly string[]
  /** `VM ref set`, RO/runtime. */
  readonly resident_VMs: readonly VmRef[]
  /** `(string -> string) map`, RW. */
  readonly logging: Readonly<Record<string, string>>
  /** `PIF ref set`, RO/runtime. */
  readonly PIFs: readonly PifRef[]
  /** `SR ref`, RW. */
  readonly suspend_image_sr: SrRef
  /** `SR ref`, RW. */
  readonly crash_dump_sr: SrRef
  /** `host_crashdump ref set`, RO/runtime. */
  readonly crashdumps: readonly HostCrashdumpRef[]
  /**
   * `host_patch ref set`, RO/runtime.
   * @deprecated by the server
   */
  readonly patches: readonly HostPatchRef[]
  /** `pool_update ref set`, RO/runtime. */
  readonly updates: readonly PoolUpdateRef[]
  /** `PBD ref set`, RO/runtime. */
  readonly PBDs: readonly PbdRef[]
  /** `host_cpu ref set`, RO/runtime. */
  readonly host_CPUs: readonly HostCpuRef[]
  /** `(string -> string) map`, RO/runtime, default `{}`. */
  readonly cpu_info: Readonly<Record<string, string>>
  /** `string`, RW. */
  readonly hostname: string
  /**
   * Management address; HOST_IS_SLAVE and 302 redirects use it.
   * `string`, RW.
   */
  readonly address: string
  /** `host_metrics ref`, RO/runtime. */
  readonly metrics: HostMetricsRef
  /** `(string -> string) map`, RO/runtime. */
  readonly license_params: Readonly<Record<string, string>>
  /** `string set`, RO/runtime, default `[]`. */
  readonly ha_statefiles: readonly string[]
  /** `string set`, RO/runtime, default `[]`. */
  readonly ha_network_peers: readonly string[]
  /** `(string -> blob ref) map`, RO/runtime, default `{}`. */
  readonly blobs: Readonly<Record<string, BlobRef>>
  /** `string set`, RW, default `[]`. */
  readonly tags: readonly string[]
  /** `string`, RO/runtime, default `""`. */
  readonly external_auth_type: string
  /** `string`, RO/runtime, default `""`. */
  readonly external_auth_service_name: string
  /** `(string -> string) map`, RO/runtime, default `{}`. */
  readonly external_auth_configuration: Readonly<Record<string, string>>
  /** `string`, RO/runtime, default `""`. */
  readonly edition: string
  /** `(string -> string) map`, RW, default `{"address":"localhost","port":"27000"}`. */
  readonly license_server: Readonly<Record<string, string>>
  /** `(string -> string) map`, RO/runtime, default `{}`. */
  readonly bios_strings: Readonly<Record<string, string>>
  /** `string`, RO/runtime, default `""`. */
  readonly power_on_mode: string
  /** `(string -> string) map`, RO/runtime, default `{}`. */
  readonly power_on_config: Readonly<Record<string, string>>
  /** `SR ref`, RO/constructor, default `"OpaqueRef:NULL"`. */
  readonly local_cache_sr: SrRef
  /** `(string -> string) map`, RO/runtime, default `{}`. */
  readonly chipset_info: Readonly<Record<string, string>>
  /** `PCI ref set`, RO/runtime. */
  readonly PCIs: readonly PciRef[]
  /** `PGPU ref set`, RO/runtime. */
  readonly PGPUs: readonly PgpuRef[]
  /** `PUSB ref set`, RO/runtime. */
  readonly PUSBs: readonly PusbRef[]
  /**
   * `bool`, RO/constructor, default `true`.
   * @deprecated by the server
   */
  readonly ssl_legacy: boolean
  /** `(string -> string) map`, RW, default `{}`. */
  readonly guest_VCPUs_params: Readonly<Record<string, string>>
  /** `enum host_display`, RW, default `"enabled"`. */
  readonly display: HostDisplay
  /** `int set`, RO/runtime, default `[0]`. */
  readonly virtual_hardware_platform_versions: readonly number[]
  /**
   * Dom0 VM that carries the VBDs of NBD and HTTP transfers.
   * `VM ref`, RO/runtime, default `"OpaqueRef:NULL"`.
   */
  readonly control_domain: VmRef
  /** `pool_update ref set`, RO/runtime. */
  readonly updates_requiring_reboot: readonly PoolUpdateRef[]
  /** `Feature ref set`, RO/runtime. */
  readonly features: readonly FeatureRef[]
  /** `string`, RO/constructor, default `""`. */
  readonly iscsi_iqn: string
  /** `bool`, RO/constructor, default `false`. */
  readonly multipathing: boolean
  /**
   * `string`, RO/constructor, default `""`.
   * @deprecated by the server
   */
  readonly uefi_certificates: string
  /** `Certificate ref set`, RO/runtime. */
  readonly certificates: readonly CertificateRef[]
  /** `string set`, RO/runtime, default `[]`. */
  readonly editions: readonly string[]
  /** `enum update_guidances set`, RO/runtime, default `[]`. */
  readonly pending_guidances: readonly UpdateGuidances[]
  /** `bool`, RO/runtime, default `false`. */
  readonly tls_verification_enabled: boolean
  /**
   * `datetime`, RO/runtime, default `"19700101T00:00:00Z"`.
   * State: prototyped.
   */
  readonly last_software_update: Date
  /**
   * `bool`, RO/runtime, default `false`.
   * State: prototyped.
   */
  readonly https_only: boolean
  /**
   * `enum latest_synced_updates_applied_state`, RO/runtime, default `"unknown"`.
   * State: prototyped.
   */
  readonly latest_synced_updates_applied: LatestSyncedUpdatesAppliedState
  /**
   * `enum host_numa_affinity_policy`, RO/runtime, default `"default_policy"`.
   * State: prototyped.
   */
  readonly numa_affinity_policy: HostNumaAffinityPolicy
  /**
   * `enum update_guidances set`, RO/runtime, default `[]`.
   * State: prototyped.
   */
  readonly pending_guidances_recommended: readonly UpdateGuidances[]
  /**
   * `enum update_guidances set`, RO/runtime, default `[]`.
   * State: prototyped.
   */
  readonly pending_guidances_full: readonly UpdateGuidances[]
  /**
   * `string`, RO/runtime, default `""`.
   * State: prototyped.
   */
  readonly last_update_hash: string
}

/** Record of a host_metrics: measured state of a host. */
export interface HostMetricsRecord {
  /** `string`, RO/runtime. */
  readonly uuid: string
  /** `int`, RO/runtime. */
  readonly memory_total: number
  /**
   * `int`, RO/runtime, default `0`.
   * State: removed.
   */
  readonly memory_free: number
  /** `bool`, RO/runtime. */
  readonly live: boolean
  /** `datetime`, RO/runtime. */
  readonly last_updated: Date
  /** `(string -> string) map`, RW, default `{}`. */
  readonly other_config: Readonly<Record<string, string>>
}

/** Record of a network: a virtual network of the pool. */
export interface NetworkRecord {
  /** `string`, RO/runtime. */
  readonly uuid: string
  /** `string`, RW, default `""`. */
  readonly name_label: string
  /** `string`, RW, default `""`. */
  readonly name_description: string
  /** `enum network_operations set`, RO/runtime, default `[]`. */
  readonly allowed_operations: readonly NetworkOperations[]
  /** `(string -> enum network_operations) map`, RO/runtime, default `{}`. */
  readonly current_operations: Readonly<Record<string, NetworkOperations>>
  /** `VIF ref set`, RO/runtime. */
  readonly VIFs: readonly VifRef[]
  /** `PIF ref set`, RO/runtime. */
  readonly PIFs: readonly PifRef[]
  /** `int`, RW, default `1500`. */
  readonly MTU: number
  /** `(string -> string) map`, RW. */
  readonly other_config: Readonly<Record<string, string>>
  /** `string`, RO/constructor, default `""`. */
  readonly bridge: string
  /** `bool`, RO/constructor, default `true`. */
  readonly managed: boolean
  /** `(string -> blob ref) map`, RO/runtime, default `{}`. */
  readonly blobs: Readonly<Record<string, BlobRef>>
  /** `string set`, RW, default `[]`. */
  readonly tags: readonly string[]
  /** `enum network_default_locking_mode`, RO/runtime, default `"unlocked"`. */
  readonly default_locking_mode: NetworkDefaultLockingMode
  /** `(VIF ref -> string) map`, RO/runtime, default `{}`. */
  readonly assigned_ips: Readonly<Record<string, string>>
  /**
   * Set of nbd or insecure_nbd, never both kinds in one pool.
   * `enum network_purpose set`, RO/runtime, default `[]`.
   */
  readonly purpose: readonly NetworkPurpose[]
}

/** Record of a PIF: a network interface of a host, physical or virtual. */
export interface PifRecord {
  /** `string`, RO/runtime. */
  readonly uuid: string
  /** `string`, RO/constructor. */
  readonly device: string
  /** `network ref`, RO/constructor. */
  readonly network: NetworkRef
  /** `host ref`, RO/constructor. */
  readonly host: HostRef
  /** `string`, RO/constructor. */
  readonly MAC: string
  /** `int`, RO/constructor. */
  readonly MTU: number
  /** `int`, RO/constructor. */
  readonly VLAN: number
  /** `PIF_metrics ref`, RO/runtime. */
  readonly metrics: PifMetricsRef
  /** `bool`, RO/runtime, default `false`. */
  readonly physical: boolean
  /**
   * Only attached PIFs contribute NBD addresses.
   * `bool`, RO/runtime, default `true`.
   */
  readonly currently_attached: boolean
  /** `enum ip_configuration_mode`, RO/runtime, default `"None"`. */
  readonly ip_configuration_mode: IpConfigurationMode
  /**
   * IPv4 address; one NBD info record is produced per address.
   * `string`, RO/runtime, default `""`.
   */
  readonly IP: string
  /** `string`, RO/runtime, default `""`. */
  readonly netmask: string
  /** `string`, RO/runtime, default `""`. */
  readonly gateway: string
  /** `string`, RO/runtime, default `""`. */
  readonly DNS: string
  /** `Bond ref`, RO/runtime, default `"OpaqueRef:NULL"`. */
  readonly bond_slave_of: BondRef
  /** `Bond ref set`, RO/runtime. */
  readonly bond_master_of: readonly BondRef[]
  /** `VLAN ref`, RO/runtime, default `"OpaqueRef:NULL"`. */
  readonly VLAN_master_of: VlanRef
  /** `VLAN ref set`, RO/runtime. */
  readonly VLAN_slave_of: readonly VlanRef[]
  /** `bool`, RO/runtime, default `false`. */
  readonly management: boolean
  /** `(string -> string) map`, RW, default `{}`. */
  readonly other_config: Readonly<Record<string, string>>
  /** `bool`, RO/runtime, default `false`. */
  readonly disallow_unplug: boolean
  /** `tunnel ref set`, RO/runtime. */
  readonly tunnel_access_PIF_of: readonly TunnelRef[]
  /** `tunnel ref set`, RO/runtime. */
  readonly tunnel_transport_PIF_of: readonly TunnelRef[]
  /** `enum ipv6_configuration_mode`, RO/runtime, default `"None"`. */
  readonly ipv6_configuration_mode: Ipv6ConfigurationMode
  /**
   * IPv6 addresses with prefix length.
   * `string set`, RO/runtime, default `[]`.
   */
  readonly IPv6: readonly string[]
  /** `string`, RO/runtime, default `""`. */
  readonly ipv6_gateway: string
  /** `enum primary_address_type`, RO/runtime, default `"IPv4"`. */
  readonly primary_address_type: PrimaryAddressType
  /** `bool`, RO/constructor, default `true`. */
  readonly managed: boolean
  /** `(string -> string) map`, RO/runtime, default `{}`. */
  readonly properties: Readonly<Record<string, string>>
  /** `string set`, RO/runtime, default `[]`. */
  readonly capabilities: readonly string[]
  /** `enum pif_igmp_status`, RO/runtime, default `"unknown"`. */
  readonly igmp_snooping_status: PifIgmpStatus
  /** `network_sriov ref set`, RO/runtime. */
  readonly sriov_physical_PIF_of: readonly NetworkSriovRef[]
  /** `network_sriov ref set`, RO/runtime. */
  readonly sriov_logical_PIF_of: readonly NetworkSriovRef[]
  /** `PCI ref`, RO/runtime, default `"OpaqueRef:NULL"`. */
  readonly PCI: PciRef
}

/** Record of a PBD: the connection of one host to one storage repository. */
export interface PbdRecord {
  /** `string`, RO/runtime. */
  readonly uuid: string
  /** `host ref`, RO/constructor. */
  readonly host: HostRef
  /** `SR ref`, RO/constructor. */
  readonly SR: SrRef
  /** `(string -> string) map`, RO/constructor. */
  readonly device_config: Readonly<Record<string, string>>
  /**
   * Storage is usable on that host only when true.
   * `bool`, RO/runtime.
   */
  readonly currently_attached: boolean
  /** `(string -> string) map`, RW, default `{}`. */
  readonly other_config: Readonly<Record<string, string>>
}

/** Record of a SR: a storage repository: where virtual disks live. */
export interface SrRecord {
  /** `string`, RO/runtime. */
  readonly uuid: string
  /** `string`, RO/constructor, default `""`. */
  readonly name_label: string
  /** `string`, RO/constructor, default `""`. */
  readonly name_description: string
  /**
   * Lists the CBT operations when the driver has VDI_CONFIG_CBT.
   * `enum storage_operations set`, RO/runtime, default `[]`.
   */
  readonly allowed_operations: readonly StorageOperations[]
  /** `(string -> enum storage_operations) map`, RO/runtime, default `{}`. */
  readonly current_operations: Readonly<Record<string, StorageOperations>>
  /** `VDI ref set`, RO/runtime. */
  readonly VDIs: readonly VdiRef[]
  /** `PBD ref set`, RO/runtime. */
  readonly PBDs: readonly PbdRef[]
  /** `int`, RO/runtime. */
  readonly virtual_allocation: number
  /** `int`, RO/runtime. */
  readonly physical_utilisation: number
  /** `int`, RO/constructor. */
  readonly physical_size: number
  /**
   * Driver name, matches SM.type.
   * `string`, RO/constructor.
   */
  readonly type: string
  /** `string`, RO/constructor. */
  readonly content_type: string
  /** `bool`, RO/runtime. */
  readonly shared: boolean
  /** `(string -> string) map`, RW. */
  readonly other_config: Readonly<Record<string, string>>
  /** `string set`, RW, default `[]`. */
  readonly tags: readonly string[]
  /** `(string -> string) map`, RW, default `{}`. */
  readonly sm_config: Readonly<Record<string, string>>
  /** `(string -> blob ref) map`, RO/runtime, default `{}`. */
  readonly blobs: Readonly<Record<string, BlobRef>>
  /** `bool`, RO/runtime, default `false`. */
  readonly local_cache_enabled: boolean
  /** `DR_task ref`, RO/runtime, default `"OpaqueRef:NULL"`. */
  readonly introduced_by: DrTaskRef
  /** `bool`, RO/runtime, default `false`. */
  readonly clustered: boolean
  /** `bool`, RO/runtime, default `false`. */
  readonly is_tools_sr: boolean
}

/** Record of a SM: a storage driver, with what it can do. */
export interface SmRecord {
  /** `string`, RO/runtime. */
  readonly uuid: string
  /** `string`, RO/runtime, default `""`. */
  readonly name_label: string
  /** `string`, RO/runtime, default `""`. */
  readonly name_description: string
  /** `string`, RO/runtime. */
  readonly type: string
  /** `string`, RO/runtime. */
  readonly vendor: string
  /** `string`, RO/runtime. */
  readonly copyright: string
  /** `string`, RO/runtime. */
  readonly version: string
  /** `string`, RO/runtime. */
  readonly required_api_version: string
  /** `(string -> string) map`, RO/runtime. */
  readonly configuration: Readonly<Record<string, string>>
  /**
   * `string set`, RO/runtime, default `[]`.
   * @deprecated by the server
   */
  readonly capabilities: readonly string[]
  /**
   * Capability name -> version; VDI_CONFIG_CBT means changed block tracking.
   * `(string -> int) map`, RO/runtime, default `{}`.
   */
  readonly features: Readonly<Record<string, number>>
  /** `(string -> string) map`, RW, default `{}`. */
  readonly other_config: Readonly<Record<string, string>>
  /** `string`, RO/runtime, default `""`. */
  readonly driver_filename: string
  /** `string set`, RO/runtime, default `[]`. */
  readonly required_cluster_stack: readonly string[]
}

/** Record of a VDI: virtual disk. */
export interface VdiRecord {
  /** `string`, RO/runtime. */
  readonly uuid: string
  /** `string`, RO/constructor, default `""`. */
  readonly name_label: string
  /** `string`, RO/constructor, default `""`. */
  readonly name_description: string
  /**
   * Never lists the CBT operations, see SR.allowed_operations.
   * `enum vdi_operations set`, RO/runtime, default `[]`.
   */
  readonly allowed_operations: readonly VdiOperations[]
  /** `(string -> enum vdi_operations) map`, RO/runtime, default `{}`. */
  readonly current_operations: Readonly<Record<string, VdiOperations>>
  /** `SR ref`, RO/constructor. */
  readonly SR: SrRef
  /** `VBD ref set`, RO/runtime. */
  readonly VBDs: readonly VbdRef[]
  /** `crashdump ref set`, RO/runtime. */
  readonly crash_dumps: readonly CrashdumpRef[]
  /**
   * Bytes; may be larger than asked for at create.
   * `int`, RO/constructor.
   */
  readonly virtual_size: number
  /** `int`, RO/runtime. */
  readonly physical_utilisation: number
  /**
   * Cbt_metadata once data_destroy has removed the data.
   * `enum vdi_type`, RO/constructor.
   */
  readonly type: VdiType
  /** `bool`, RO/constructor. */
  readonly sharable: boolean
  /** `bool`, RO/constructor. */
  readonly read_only: boolean
  /** `(string -> string) map`, RW. */
  readonly other_config: Readonly<Record<string, string>>
  /** `bool`, RO/runtime. */
  readonly storage_lock: boolean
  /**
   * Driver's own id; import_metadata looks disks up by it.
   * `string`, RO/runtime, default `""`.
   */
  readonly location: string
  /**
   * False for hidden base copies and leaves being deleted.
   * `bool`, RO/runtime.
   */
  readonly managed: boolean
  /** `bool`, RO/runtime. */
  readonly missing: boolean
  /**
   * Never set.
   * `VDI ref`, RO/runtime.
   * @deprecated by the server
   */
  readonly parent: VdiRef
  /** `(string -> string) map`, RW, default `{}`. */
  readonly xenstore_data: Readonly<Record<string, string>>
  /**
   * Driver data; vhd-parent is read by backup clients.
   * `(string -> string) map`, RW, default `{}`.
   */
  readonly sm_config: Readonly<Record<string, string>>
  /**
   * True for VDI.snapshot results, stays true after data_destroy.
   * `bool`, RO/runtime, default `false`.
   */
  readonly is_a_snapshot: boolean
  /**
   * Source disk; repointed to the new disk by VM.revert.
   * `VDI ref`, RO/runtime, default `"OpaqueRef:NULL"`.
   */
  readonly snapshot_of: VdiRef
  /**
   * Reverse of snapshot_of.
   * `VDI ref set`, RO/runtime.
   */
  readonly snapshots: readonly VdiRef[]
  /**
   * Set at VDI.snapshot.
   * `datetime`, RO/runtime, default `"19700101T00:00:00Z"`.
   */
  readonly snapshot_time: Date
  /** `string set`, RW, default `[]`. */
  readonly tags: readonly string[]
  /** `bool`, RO/runtime, default `false`. */
  readonly allow_caching: boolean
  /**
   * Reset is incompatible with CBT.
   * `enum on_boot`, RO/runtime, default `"persist"`.
   */
  readonly on_boot: OnBoot
  /** `pool ref`, RO/runtime, default `"OpaqueRef:NULL"`. */
  readonly metadata_of_pool: PoolRef
  /** `bool`, RO/runtime, default `false`. */
  readonly metadata_latest: boolean
  /** `bool`, RO/runtime, default `false`. */
  readonly is_tools_iso: boolean
  /**
   * Copied to snapshots, false on clones, stays true after data_destroy.
   * `bool`, RO/runtime, default `false`.
   */
  readonly cbt_enabled: boolean
}

/** Record of a vdi_nbd_server_info: one way to reach a VDI over NBD; not stored. */
export interface VdiNbdServerInfoRecord {
  /**
   * /<vdi uuid>?session_id=<session ref>.
   * `string`, RO/runtime.
   */
  readonly exportname: string
  /**
   * IPv4 or IPv6 address of the server.
   * `string`, RO/runtime.
   */
  readonly address: string
  /**
   * 10809.
   * `int`, RO/runtime.
   */
  readonly port: number
  /**
   * PEM of the server certificate, present for insecure_nbd too.
   * `string`, RO/runtime.
   */
  readonly cert: string
  /**
   * Host name that the certificate covers.
   * `string`, RO/runtime.
   */
  readonly subject: string
}

/** Record of a VBD: a disk slot of a VM, holding a virtual disk or a CD. */
export interface VbdRecord {
  /** `string`, RO/runtime. */
  readonly uuid: string
  /** `enum vbd_operations set`, RO/runtime, default `[]`. */
  readonly allowed_operations: readonly VbdOperations[]
  /** `(string -> enum vbd_operations) map`, RO/runtime, default `{}`. */
  readonly current_operations: Readonly<Record<string, VbdOperations>>
  /** `VM ref`, RO/constructor. */
  readonly VM: VmRef
  /** `VDI ref`, RO/constructor. */
  readonly VDI: VdiRef
  /**
   * Guest device name, e.g. xvda.
   * `string`, RO/constructor, default `""`.
   */
  readonly device: string
  /**
   * Slot number or autodetect.
   * `string`, RW.
   */
  readonly userdevice: string
  /** `bool`, RW. */
  readonly bootable: boolean
  /** `enum vbd_mode`, RO/constructor. */
  readonly mode: VbdMode
  /** `enum vbd_type`, RW. */
  readonly type: VbdType
  /** `bool`, RW, default `true`. */
  readonly unpluggable: boolean
  /** `bool`, RO/runtime. */
  readonly storage_lock: boolean
  /** `bool`, RO/constructor. */
  readonly empty: boolean
  /** `(string -> string) map`, RW. */
  readonly other_config: Readonly<Record<string, string>>
  /**
   * Any true value on a control domain blocks list_changed_blocks, destroy, ....
   * `bool`, RO/constructor, default `false`.
   */
  readonly currently_attached: boolean
  /** `int`, RO/runtime. */
  readonly status_code: number
  /** `string`, RO/runtime. */
  readonly status_detail: string
  /** `(string -> string) map`, RO/runtime. */
  readonly runtime_properties: Readonly<Record<string, string>>
  /** `string`, RW. */
  readonly qos_algorithm_type: string
  /** `(string -> string) map`, RW. */
  readonly qos_algorithm_params: Readonly<Record<string, string>>
  /** `string set`, RO/runtime. */
  readonly qos_supported_algorithms: readonly string[]
  /**
   * `VBD_metrics ref`, RO/runtime, default `"OpaqueRef:NULL"`.
   * State: removed.
   */
  readonly metrics: VbdMetricsRef
}

/** Record of a VIF: a network interface of a VM. */
export interface VifRecord {
  /** `string`, RO/runtime. */
  readonly uuid: string
  /** `enum vif_operations set`, RO/runtime, default `[]`. */
  readonly allowed_operations: readonly VifOperations[]
  /** `(string -> enum vif_operations) map`, RO/runtime, default `{}`. */
  readonly current_operations: Readonly<Record<string, VifOperations>>
  /** `string`, RO/constructor. */
  readonly device: string
  /** `network ref`, RO/constructor. */
  readonly network: NetworkRef
  /** `VM ref`, RO/constructor. */
  readonly VM: VmRef
  /** `string`, RO/constructor. */
  readonly MAC: string
  /** `int`, RO/constructor. */
  readonly MTU: number
  /** `(string -> string) map`, RW. */
  readonly other_config: Readonly<Record<string, string>>
  /** `bool`, RO/constructor, default `false`. */
  readonly currently_attached: boolean
  /** `int`, RO/runtime. */
  readonly status_code: number
  /** `string`, RO/runtime. */
  readonly status_detail: string
  /** `(string -> string) map`, RO/runtime. */
  readonly runtime_properties: Readonly<Record<string, string>>
  /** `string`, RW. */
  readonly qos_algorithm_type: string
  /** `(string -> string) map`, RW. */
  readonly qos_algorithm_params: Readonly<Record<string, string>>
  /** `string set`, RO/runtime. */
  readonly qos_supported_algorithms: readonly string[]
  /**
   * `VIF_metrics ref`, RO/runtime, default `"OpaqueRef:NULL"`.
   * State: removed.
   */
  readonly metrics: VifMetricsRef
  /** `bool`, RO/runtime, default `false`. */
  readonly MAC_autogenerated: boolean
  /** `enum vif_locking_mode`, RO/constructor, default `"network_default"`. */
  readonly locking_mode: VifLockingMode
  /** `string set`, RO/constructor, default `[]`. */
  readonly ipv4_allowed: readonly string[]
  /** `string set`, RO/constructor, default `[]`. */
  readonly ipv6_allowed: readonly string[]
  /** `enum vif_ipv4_configuration_mode`, RO/runtime, default `"None"`. */
  readonly ipv4_configuration_mode: VifIpv4ConfigurationMode
  /** `string set`, RO/runtime, default `[]`. */
  readonly ipv4_addresses: readonly string[]
  /** `string`, RO/runtime, default `""`. */
  readonly ipv4_gateway: string
  /** `enum vif_ipv6_configuration_mode`, RO/runtime, default `"None"`. */
  readonly ipv6_configuration_mode: VifIpv6ConfigurationMode
  /** `string set`, RO/runtime, default `[]`. */
  readonly ipv6_addresses: readonly string[]
  /** `string`, RO/runtime, default `""`. */
  readonly ipv6_gateway: string
}

/** Record of a VM: a virtual machine, a template or a snapshot of either. */
export interface VmRecord {
  /** `string`, RO/runtime. */
  readonly uuid: string
  /** `enum vm_operations set`, RO/runtime, default `[]`. */
  readonly allowed_operations: readonly VmOperations[]
  /** `(string -> enum vm_operations) map`, RO/runtime, default `{}`. */
  readonly current_operations: Readonly<Record<string, VmOperations>>
  /** `string`, RW, default `""`. */
  readonly name_label: string
  /** `string`, RW, default `""`. */
  readonly name_description: string
  /** `enum vm_power_state`, RO/constructor, default `"Halted"`. */
  readonly power_state: VmPowerState
  /** `int`, RW. */
  readonly user_version: number
  /** `bool`, RW. */
  readonly is_a_template: boolean
  /** `bool`, RO/runtime, default `false`. */
  readonly is_default_template: boolean
  /** `VDI ref`, RO/constructor, default `"OpaqueRef:NULL"`. */
  readonly suspend_VDI: VdiRef
  /** `host ref`, RO/runtime. */
  readonly resident_on: HostRef
  /** `host ref`, RO/runtime, default `"OpaqueRef:NULL"`. */
  readonly scheduled_to_be_resident_on: HostRef
  /** `host ref`, RW. */
  readonly affinity: HostRef
  /** `int`, RO/runtime, default `0`. */
  readonly memory_overhead: number
  /**
   * `int`, RO/constructor, default `0`.
   * @deprecated by the server
   */
  readonly memory_target: number
  /** `int`, RO/constructor. */
  readonly memory_static_max: number
  /** `int`, RO/constructor. */
  readonly memory_dynamic_max: number
  /** `int`, RO/constructor. */
  readonly memory_dynamic_min: number
  /** `int`, RO/constructor. */
  readonly memory_static_min: number
  /** `(string -> string) map`, RW. */
  readonly VCPUs_params: Readonly<Record<string, string>>
  /** `int`, RO/constructor. */
  readonly VCPUs_max: number
  /** `int`, RO/constructor. */
  readonly VCPUs_at_startup: number
  /**
   * `enum on_softreboot_behavior`, RW, default `"soft_reboot"`.
   * State: prototyped.
   */
  readonly actions_after_softreboot: OnSoftrebootBehavior
  /** `enum on_normal_exit`, RW. */
  readonly actions_after_shutdown: OnNormalExit
  /** `enum on_normal_exit`, RW. */
  readonly actions_after_reboot: OnNormalExit
  /** `enum on_crash_behaviour`, RO/constructor. */
  readonly actions_after_crash: OnCrashBehaviour
  /** `console ref set`, RO/runtime. */
  readonly consoles: readonly ConsoleRef[]
  /** `VIF ref set`, RO/runtime. */
  readonly VIFs: readonly VifRef[]
  /** `VBD ref set`, RO/runtime. */
  readonly VBDs: readonly VbdRef[]
  /** `VUSB ref set`, RO/runtime. */
  readonly VUSBs: readonly VusbRef[]
  /** `crashdump ref set`, RO/runtime. */
  readonly crash_dumps: readonly CrashdumpRef[]
  /** `VTPM ref set`, RO/runtime. */
  readonly VTPMs: readonly VtpmRef[]
  /** `string`, RW. */
  readonly PV_bootloader: string
  /** `string`, RW. */
  readonly PV_kernel: string
  /** `string`, RW. */
  readonly PV_ramdisk: string
  /** `string`, RW. */
  readonly PV_args: string
  /** `string`, RW. */
  readonly PV_bootloader_args: string
  /** `string`, RW. */
  readonly PV_legacy_args: string
  /**
   * `string`, RO/constructor.
   * @deprecated by the server
   */
  readonly HVM_boot_policy: string
  /** `(string -> string) map`, RW. */
  readonly HVM_boot_params: Readonly<Record<string, string>>
  /** `float`, RO/constructor, default `1`. */
  readonly HVM_shadow_multiplier: number
  /** `(string -> string) map`, RW. */
  readonly platform: Readonly<Record<string, string>>
  /**
   * `string`, RW.
   * @deprecated by the server
   */
  readonly PCI_bus: string
  /** `(string -> string) map`, RW. */
  readonly other_config: Readonly<Record<string, string>>
  /** `int`, RO/runtime. */
  readonly domid: number
  /** `string`, RO/runtime. */
  readonly domarch: string
  /** `(string -> string) map`, RO/constructor, default `{}`. */
  readonly last_boot_CPU_flags: Readonly<Record<string, string>>
  /**
   * True for dom0.
   * `bool`, RO/runtime.
   */
  readonly is_control_domain: boolean
  /** `VM_metrics ref`, RO/runtime. */
  readonly metrics: VmMetricsRef
  /** `VM_guest_metrics ref`, RO/runtime. */
  readonly guest_metrics: VmGuestMetricsRef
  /** `string`, RO/constructor, default `""`. */
  readonly last_booted_record: string
  /** `string`, RW. */
  readonly recommendations: string
  /** `(string -> string) map`, RW, default `{}`. */
  readonly xenstore_data: Readonly<Record<string, string>>
  /**
   * `bool`, RO/constructor, default `false`.
   * @deprecated by the server
   */
  readonly ha_always_run: boolean
  /** `string`, RO/constructor, default `""`. */
  readonly ha_restart_priority: string
  /**
   * True for VM.snapshot results; is_a_template is true as well.
   * `bool`, RO/runtime, default `false`.
   */
  readonly is_a_snapshot: boolean
  /** `VM ref`, RO/runtime, default `"OpaqueRef:NULL"`. */
  readonly snapshot_of: VmRef
  /** `VM ref set`, RO/runtime. */
  readonly snapshots: readonly VmRef[]
  /** `datetime`, RO/runtime, default `"19700101T00:00:00Z"`. */
  readonly snapshot_time: Date
  /** `string`, RO/runtime, default `""`. */
  readonly transportable_snapshot_id: string
  /** `(string -> blob ref) map`, RO/runtime, default `{}`. */
  readonly blobs: Readonly<Record<string, BlobRef>>
  /** `string set`, RW, default `[]`. */
  readonly tags: readonly string[]
  /**
   * Operation -> error code; a listed operation fails with OPERATION_BLOCKED.
   * `(enum vm_operations -> string) map`, RW, default `{}`.
   */
  readonly blocked_operations: Readonly<Partial<Record<VmOperations, string>>>
  /** `(string -> string) map`, RO/runtime, default `{}`. */
  readonly snapshot_info: Readonly<Record<string, string>>
  /**
   * Stored record used by VM.revert.
   * `string`, RO/runtime, default `""`.
   */
  readonly snapshot_metadata: string
  /** `VM ref`, RO/runtime, default `"OpaqueRef:NULL"`. */
  readonly parent: VmRef
  /** `VM ref set`, RO/runtime. */
  readonly children: readonly VmRef[]
  /** `(string -> string) map`, RO/runtime, default `{}`. */
  readonly bios_strings: Readonly<Record<string, string>>
  /**
   * `VMPP ref`, RO/constructor, default `"OpaqueRef:NULL"`.
   * @deprecated by the server
   */
  readonly protection_policy: VmppRef
  /**
   * `bool`, RO/constructor, default `false`.
   * State: removed.
   */
  readonly is_snapshot_from_vmpp: boolean
  /** `VMSS ref`, RO/constructor, default `"OpaqueRef:NULL"`. */
  readonly snapshot_schedule: VmssRef
  /** `bool`, RO/constructor, default `false`. */
  readonly is_vmss_snapshot: boolean
  /** `VM_appliance ref`, RO/constructor, default `"OpaqueRef:NULL"`. */
  readonly appliance: VmApplianceRef
  /** `int`, RO/constructor, default `0`. */
  readonly start_delay: number
  /** `int`, RO/constructor, default `0`. */
  readonly shutdown_delay: number
  /** `int`, RO/constructor, default `0`. */
  readonly order: number
  /** `VGPU ref set`, RO/runtime. */
  readonly VGPUs: readonly VgpuRef[]
  /** `PCI ref set`, RO/runtime. */
  readonly attached_PCIs: readonly PciRef[]
  /** `SR ref`, RW, default `"OpaqueRef:NULL"`. */
  readonly suspend_SR: SrRef
  /** `int`, RO/constructor, default `0`. */
  readonly version: number
  /** `string`, RO/constructor, default `"0:0"`. */
  readonly generation_id: string
  /** `int`, RW, default `0`. */
  readonly hardware_platform_version: number
  /** `bool`, RO/constructor, default `false`. */
  readonly has_vendor_device: boolean
  /** `bool`, RO/runtime, default `false`. */
  readonly requires_reboot: boolean
  /** `string`, RO/constructor, default `""`. */
  readonly reference_label: string
  /** `enum domain_type`, RO/constructor, default `"unspecified"`. */
  readonly domain_type: DomainType
  /** `(string -> string) map`, RO/constructor, default `{}`. */
  readonly NVRAM: Readonly<Record<string, string>>
  /** `enum update_guidances set`, RO/runtime, default `[]`. */
  readonly pending_guidances: readonly UpdateGuidances[]
  /**
   * `enum update_guidances set`, RO/runtime, default `[]`.
   * State: prototyped.
   */
  readonly pending_guidances_recommended: readonly UpdateGuidances[]
  /**
   * `enum update_guidances set`, RO/runtime, default `[]`.
   * State: prototyped.
   */
  readonly pending_guidances_full: readonly UpdateGuidances[]
}

/** Record of a VM_metrics: measured state of a VM. */
export interface VmMetricsRecord {
  /** `string`, RO/runtime. */
  readonly uuid: string
  /** `int`, RO/runtime. */
  readonly memory_actual: number
  /** `int`, RO/runtime. */
  readonly VCPUs_number: number
  /**
   * `(int -> float) map`, RO/runtime, default `{}`.
   * State: removed.
   */
  readonly VCPUs_utilisation: Readonly<Record<string, number>>
  /** `(int -> int) map`, RO/runtime. */
  readonly VCPUs_CPU: Readonly<Record<string, number>>
  /** `(string -> string) map`, RO/runtime. */
  readonly VCPUs_params: Readonly<Record<string, string>>
  /** `(int -> string set) map`, RO/runtime. */
  readonly VCPUs_flags: Readonly<Record<string, readonly string[]>>
  /** `string set`, RO/runtime. */
  readonly state: readonly string[]
  /** `datetime`, RO/runtime. */
  readonly start_time: Date
  /** `datetime`, RO/runtime. */
  readonly install_time: Date
  /** `datetime`, RO/runtime. */
  readonly last_updated: Date
  /** `(string -> string) map`, RW, default `{}`. */
  readonly other_config: Readonly<Record<string, string>>
  /** `bool`, RO/runtime, default `false`. */
  readonly hvm: boolean
  /** `bool`, RO/runtime, default `false`. */
  readonly nested_virt: boolean
  /** `bool`, RO/runtime, default `false`. */
  readonly nomigrate: boolean
  /** `enum domain_type`, RO/runtime, default `"unspecified"`. */
  readonly current_domain_type: DomainType
}

/** Record of a VM_guest_metrics: what the agent inside a VM reports. */
export interface VmGuestMetricsRecord {
  /** `string`, RO/runtime. */
  readonly uuid: string
  /** `(string -> string) map`, RO/runtime. */
  readonly os_version: Readonly<Record<string, string>>
  /** `(string -> string) map`, RO/runtime. */
  readonly PV_drivers_version: Readonly<Record<string, string>>
  /**
   * `bool`, RO/runtime.
   * @deprecated by the server
   */
  readonly PV_drivers_up_to_date: boolean
  /**
   * `(string -> string) map`, RO/runtime, default `{}`.
   * State: removed.
   */
  readonly memory: Readonly<Record<string, string>>
  /**
   * `(string -> string) map`, RO/runtime, default `{}`.
   * State: removed.
   */
  readonly disks: Readonly<Record<string, string>>
  /** `(string -> string) map`, RO/runtime. */
  readonly networks: Readonly<Record<string, string>>
  /** `(string -> string) map`, RO/runtime. */
  readonly other: Readonly<Record<string, string>>
  /** `datetime`, RO/runtime. */
  readonly last_updated: Date
  /** `(string -> string) map`, RW, default `{}`. */
  readonly other_config: Readonly<Record<string, string>>
  /** `bool`, RO/runtime, default `false`. */
  readonly live: boolean
  /** `enum tristate_type`, RO/runtime, default `"unspecified"`. */
  readonly can_use_hotplug_vbd: TristateType
  /** `enum tristate_type`, RO/runtime, default `"unspecified"`. */
  readonly can_use_hotplug_vif: TristateType
  /** `bool`, RO/runtime, default `false`. */
  readonly PV_drivers_detected: boolean
}

/** Record of a VTPM: a virtual trusted platform module of a VM. */
export interface VtpmRecord {
  /** `string`, RO/runtime. */
  readonly uuid: string
  /** `enum vtpm_operations set`, RO/runtime, default `[]`. */
  readonly allowed_operations: readonly VtpmOperations[]
  /** `(string -> enum vtpm_operations) map`, RO/runtime, default `{}`. */
  readonly current_operations: Readonly<Record<string, VtpmOperations>>
  /** `VM ref`, RO/constructor. */
  readonly VM: VmRef
  /** `VM ref`, RO/runtime, default `"OpaqueRef:NULL"`. */
  readonly backend: VmRef
  /**
   * `enum persistence_backend`, RO/runtime, default `"xapi"`.
   * State: prototyped.
   */
  readonly persistence_backend: PersistenceBackend
  /**
   * `bool`, RO/constructor, default `false`.
   * State: prototyped.
   */
  readonly is_unique: boolean
  /**
   * `bool`, RO/runtime, default `false`.
   * State: prototyped.
   */
  readonly is_protected: boolean
}

/** Record of a message: alert; CBT alerts are VDI_CBT_SNAPSHOT_FAILED, VDI_CBT_METADATA_INCONSISTENT, VDI_CBT_RESIZE_FAILED. */
export interface MessageRecord {
  /** `string`, RO/runtime. */
  readonly uuid: string
  /** `string`, RO/runtime. */
  readonly name: string
  /** `int`, RO/runtime. */
  readonly priority: number
  /** `enum cls`, RO/runtime. */
  readonly cls: Cls
  /** `string`, RO/runtime. */
  readonly obj_uuid: string
  /** `datetime`, RO/runtime. */
  readonly timestamp: Date
  /** `string`, RO/runtime. */
  readonly body: string
}

/** Record of a Certificate: an X.509 certificate that a host uses or trusts. */
export interface CertificateRecord {
  /** `string`, RO/runtime. */
  readonly uuid: string
  /** `string`, RO/runtime, default `""`. */
  readonly name: string
  /** `enum certificate_type`, RO/runtime, default `"host"`. */
  readonly type: CertificateType
  /** `host ref`, RO/constructor, default `"OpaqueRef:NULL"`. */
  readonly host: HostRef
  /** `datetime`, RO/constructor, default `"19700101T00:00:00Z"`. */
  readonly not_before: Date
  /** `datetime`, RO/constructor, default `"19700101T00:00:00Z"`. */
  readonly not_after: Date
  /** `string`, RO/constructor, default `""`. */
  readonly fingerprint: string
}

/** Record of a subject: a user or group of an external directory that may log in. */
export interface SubjectRecord {
  /** `string`, RO/runtime. */
  readonly uuid: string
  /** `string`, RO/constructor, default `""`. */
  readonly subject_identifier: string
  /** `(string -> string) map`, RO/constructor, default `{}`. */
  readonly other_config: Readonly<Record<string, string>>
  /** `role ref set`, RO/runtime, default `["OpaqueRef:0165f154-ba3e-034e-6b27-5d271af109ba"]`. */
  readonly roles: readonly RoleRef[]
}

/** Record of a role: a set of permissions. */
export interface RoleRecord {
  /** `string`, RO/runtime. */
  readonly uuid: string
  /** `string`, RO/constructor, default `""`. */
  readonly name_label: string
  /** `string`, RO/constructor, default `""`. */
  readonly name_description: string
  /** `role ref set`, RO/constructor, default `[]`. */
  readonly subroles: readonly RoleRef[]
  /** `bool`, RO/runtime, default `false`. */
  readonly is_internal: boolean
}

/** What network.create takes. The first names are required; the others have defaults. */
export type NetworkConstructor = ConstructorOf<
  NetworkRecord,
  'other_config',
  'name_label' | 'name_description' | 'MTU' | 'bridge' | 'managed' | 'tags'
>

/** What PBD.create takes. The first names are required; the others have defaults. */
export type PbdConstructor = ConstructorOf<PbdRecord, 'host' | 'SR' | 'device_config', 'other_config'>

/** What VDI.create takes. The first names are required; the others have defaults. */
export type VdiConstructor = ConstructorOf<
  VdiRecord,
  'SR' | 'virtual_size' | 'type' | 'sharable' | 'read_only' | 'other_config',
  'name_label' | 'name_description' | 'xenstore_data' | 'sm_config' | 'tags'
>

/** What VBD.create takes. The first names are required; the others have defaults. */
export type VbdConstructor = ConstructorOf<
  VbdRecord,
  | 'VM'
  | 'VDI'
  | 'userdevice'
  | 'bootable'
  | 'mode'
  | 'type'
  | 'empty'
  | 'other_config'
  | 'qos_algorithm_type'
  | 'qos_algorithm_params',
  'device' | 'unpluggable' | 'currently_attached'
>

/** What VIF.create takes. The first names are required; the others have defaults. */
export type VifConstructor = ConstructorOf<
  VifRecord,
  'device' | 'network' | 'VM' | 'MAC' | 'MTU' | 'other_config' | 'qos_algorithm_type' | 'qos_algorithm_params',
  'currently_attached' | 'locking_mode' | 'ipv4_allowed' | 'ipv6_allowed'
>

/** What VM.create takes. The first names are required; the others have defaults. */
export type VmConstructor = ConstructorOf<
  VmRecord,
  | 'user_version'
  | 'is_a_template'
  | 'affinity'
  | 'memory_static_max'
  | 'memory_dynamic_max'
  | 'memory_dynamic_min'
  | 'memory_static_min'
  | 'VCPUs_params'
  | 'VCPUs_max'
  | 'VCPUs_at_startup'
  | 'actions_after_shutdown'
  | 'actions_after_reboot'
  | 'actions_after_crash'
  | 'PV_bootloader'
  | 'PV_kernel'
  | 'PV_ramdisk'
  | 'PV_args'
  | 'PV_bootloader_args'
  | 'PV_legacy_args'
  | 'HVM_boot_policy'
  | 'HVM_boot_params'
  | 'platform'
  | 'PCI_bus'
  | 'other_config'
  | 'recommendations',
  | 'name_label'
  | 'name_description'
  | 'power_state'
  | 'suspend_VDI'
  | 'memory_target'
  | 'actions_after_softreboot'
  | 'HVM_shadow_multiplier'
  | 'last_boot_CPU_flags'
  | 'last_booted_record'
  | 'xenstore_data'
  | 'ha_always_run'
  | 'ha_restart_priority'
  | 'tags'
  | 'blocked_operations'
  | 'protection_policy'
  | 'is_snapshot_from_vmpp'
  | 'snapshot_schedule'
  | 'is_vmss_snapshot'
  | 'appliance'
  | 'start_delay'
  | 'shutdown_delay'
  | 'order'
  | 'suspend_SR'
  | 'version'
  | 'generation_id'
  | 'hardware_platform_version'
  | 'has_vendor_device'
  | 'reference_label'
  | 'domain_type'
  | 'NVRAM'
>

/** What subject.create takes. The first names are required; the others have defaults. */
export type SubjectConstructor = ConstructorOf<SubjectRecord, never, 'subject_identifier' | 'other_config'>

/** Calls on session: a login; its reference is the credential sent with every call. */
export interface SessionCalls {
  /** `session.logout_subject_identifier(subject_identifier: string)` → `void`, also as a task. */
  logout_subject_identifier(subject_identifier: string, callOptions?: CallOptions): Promise<void>
  /** `session.get_all_subject_identifiers()` → `string set`, also as a task. */
  get_all_subject_identifiers(callOptions?: CallOptions): Promise<readonly string[]>
  /** `session.local_logout()` → `void`. */
  local_logout(callOptions?: CallOptions): Promise<void>
  /** `session.create_from_db_file(filename: string)` → `session ref`, also as a task. */
  create_from_db_file(filename: string, callOptions?: CallOptions): Promise<SessionRef>
  /** `session.slave_local_login_with_password(uname: string, pwd: string)` → `session ref`. */
  slave_local_login_with_password(uname: string, pwd: string, callOptions?: CallOptions): Promise<SessionRef>
  /** `session.change_password(old_pwd: string, new_pwd: string)` → `void`. */
  change_password(old_pwd: string, new_pwd: string, callOptions?: CallOptions): Promise<void>
  /**
   * Void; also wakes event calls blocked under the session.
   * `session.logout()` → `void`.
   */
  logout(callOptions?: CallOptions): Promise<void>
  /**
   * Trailing version and originator may be left out; answers HOST_IS_SLAVE on a pool member.
   * `session.login_with_password(uname: string, pwd: string, version: string, originator: string)` → `session ref`.
   * Left out: version is `"1.1"`, originator is `""`.
   * @throws XenApiError XENAPI_FAILURE: SESSION_AUTHENTICATION_FAILED, HOST_IS_SLAVE
   */
  login_with_password(uname: string, pwd: string, callOptions?: CallOptions): Promise<SessionRef>
  /**
   * Trailing version and originator may be left out; answers HOST_IS_SLAVE on a pool member.
   * `session.login_with_password(uname: string, pwd: string, version: string, originator: string)` → `session ref`.
   * Left out: version is `"1.1"`, originator is `""`.
   * @throws XenApiError XENAPI_FAILURE: SESSION_AUTHENTICATION_FAILED, HOST_IS_SLAVE
   */
  login_with_password(uname: string, pwd: string, version: string, callOptions?: CallOptions): Promise<SessionRef>
  /**
   * Trailing version and originator may be left out; answers HOST_IS_SLAVE on a pool member.
   * `session.login_with_password(uname: string, pwd: string, version: string, originator: string)` → `session ref`.
   * Left out: version is `"1.1"`, originator is `""`.
   * @throws XenApiError XENAPI_FAILURE: SESSION_AUTHENTICATION_FAILED, HOST_IS_SLAVE
   */
  login_with_password(
    uname: string,
    pwd: string,
    version: string,
    originator: string,
    callOptions?: CallOptions,
  ): Promise<SessionRef>
  /**
   * Takes a key out of `other_config`; a missing one is no failure.
   * `session.remove_from_other_config(self: session ref, key: string)` → `void`.
   */
  remove_from_other_config(self: SessionRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `other_config`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `session.add_to_other_config(self: session ref, key: string, value: string)` → `void`.
   */
  add_to_other_config(self: SessionRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `other_config`.
   * `session.set_other_config(self: session ref, value: (string -> string) map)` → `void`.
   */
  set_other_config(self: SessionRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /**
   * Reads the field `client_certificate`.
   * `session.get_client_certificate(self: session ref)` → `bool`.
   */
  get_client_certificate(self: SessionRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `originator`: free label given at login; groups sessions for the per-originator limit.
   * `session.get_originator(self: session ref)` → `string`.
   */
  get_originator(self: SessionRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `parent`.
   * `session.get_parent(self: session ref)` → `session ref`.
   */
  get_parent(self: SessionRef, callOptions?: CallOptions): Promise<SessionRef>
  /**
   * Reads the field `tasks`.
   * `session.get_tasks(self: session ref)` → `task ref set`.
   */
  get_tasks(self: SessionRef, callOptions?: CallOptions): Promise<readonly TaskRef[]>
  /**
   * Reads the field `rbac_permissions`.
   * `session.get_rbac_permissions(self: session ref)` → `string set`.
   */
  get_rbac_permissions(self: SessionRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Reads the field `auth_user_name`.
   * `session.get_auth_user_name(self: session ref)` → `string`.
   */
  get_auth_user_name(self: SessionRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `auth_user_sid`.
   * `session.get_auth_user_sid(self: session ref)` → `string`.
   */
  get_auth_user_sid(self: SessionRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `validation_time`.
   * `session.get_validation_time(self: session ref)` → `datetime`.
   */
  get_validation_time(self: SessionRef, callOptions?: CallOptions): Promise<Date>
  /**
   * Reads the field `subject`.
   * `session.get_subject(self: session ref)` → `subject ref`.
   */
  get_subject(self: SessionRef, callOptions?: CallOptions): Promise<SubjectRef>
  /**
   * Reads the field `is_local_superuser`.
   * `session.get_is_local_superuser(self: session ref)` → `bool`.
   */
  get_is_local_superuser(self: SessionRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `other_config`.
   * `session.get_other_config(self: session ref)` → `(string -> string) map`.
   */
  get_other_config(self: SessionRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `pool`.
   * `session.get_pool(self: session ref)` → `bool`.
   */
  get_pool(self: SessionRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `last_active`: refreshed by use, at most every 10 minutes.
   * `session.get_last_active(self: session ref)` → `datetime`.
   */
  get_last_active(self: SessionRef, callOptions?: CallOptions): Promise<Date>
  /**
   * Reads the field `this_user`.
   * `session.get_this_user(self: session ref)` → `user ref`.
   */
  get_this_user(self: SessionRef, callOptions?: CallOptions): Promise<UserRef>
  /**
   * Reads the field `this_host`: host that serves the session (the pool master).
   * `session.get_this_host(self: session ref)` → `host ref`.
   */
  get_this_host(self: SessionRef, callOptions?: CallOptions): Promise<HostRef>
  /**
   * Reads the field `uuid`.
   * `session.get_uuid(self: session ref)` → `string`.
   */
  get_uuid(self: SessionRef, callOptions?: CallOptions): Promise<string>
  /**
   * The session with this uuid; none is the failure UUID_INVALID.
   * `session.get_by_uuid(uuid: string)` → `session ref`.
   */
  get_by_uuid(uuid: string, callOptions?: CallOptions): Promise<SessionRef>
  /**
   * All fields of one session.
   * `session.get_record(self: session ref)` → `session record`.
   */
  get_record(self: SessionRef, callOptions?: CallOptions): Promise<SessionRecord>
}

/** Calls on task: record of one running or finished operation. */
export interface TaskCalls {
  /**
   * Every task of the pool with its record, by reference.
   * `task.get_all_records()` → `(task ref -> task record) map`.
   */
  get_all_records(callOptions?: CallOptions): Promise<Readonly<Record<string, TaskRecord>>>
  /**
   * Every task of the pool.
   * `task.get_all()` → `task ref set`.
   */
  get_all(callOptions?: CallOptions): Promise<readonly TaskRef[]>
  /**
   * Replaces the field `error_info`: error code followed by its parameters when status is failure.
   * `task.set_error_info(self: task ref, value: string set)` → `void`.
   */
  set_error_info(self: TaskRef, value: readonly string[], callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `result`: XML text of the returned value, e.g. <value>OpaqueRef:...</value>; may be empty.
   * `task.set_result(self: task ref, value: string)` → `void`.
   */
  set_result(self: TaskRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `progress`: 0.0 to 1.0; forced to 1.0 at the end, failure included.
   * `task.set_progress(self: task ref, value: float)` → `void`.
   */
  set_progress(self: TaskRef, value: number, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `status`: pending until it ends; cancelling exists in the enum but is never set.
   * `task.set_status(self: task ref, value: enum task_status_type)` → `void`.
   */
  set_status(self: TaskRef, value: TaskStatusType, callOptions?: CallOptions): Promise<void>
  /**
   * Asks for cancellation; the outcome shows in status.
   * `task.cancel(task: task ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: OPERATION_NOT_ALLOWED
   */
  cancel(task: TaskRef, callOptions?: CallOptions): Promise<void>
  /**
   * On a pending task the removal is deferred.
   * `task.destroy(self: task ref)` → `void`.
   */
  destroy(self: TaskRef, callOptions?: CallOptions): Promise<void>
  /**
   * Client-made task for HTTP transfers; caller destroys it.
   * `task.create(label: string, description: string)` → `task ref`.
   */
  create(label: string, description: string, callOptions?: CallOptions): Promise<TaskRef>
  /**
   * Takes a key out of `other_config`; a missing one is no failure.
   * `task.remove_from_other_config(self: task ref, key: string)` → `void`.
   */
  remove_from_other_config(self: TaskRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `other_config`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `task.add_to_other_config(self: task ref, key: string, value: string)` → `void`.
   */
  add_to_other_config(self: TaskRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `other_config`.
   * `task.set_other_config(self: task ref, value: (string -> string) map)` → `void`.
   */
  set_other_config(self: TaskRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /**
   * Reads the field `backtrace`.
   * `task.get_backtrace(self: task ref)` → `string`.
   */
  get_backtrace(self: TaskRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `subtasks`.
   * `task.get_subtasks(self: task ref)` → `task ref set`.
   */
  get_subtasks(self: TaskRef, callOptions?: CallOptions): Promise<readonly TaskRef[]>
  /**
   * Reads the field `subtask_of`.
   * `task.get_subtask_of(self: task ref)` → `task ref`.
   */
  get_subtask_of(self: TaskRef, callOptions?: CallOptions): Promise<TaskRef>
  /**
   * Reads the field `other_config`.
   * `task.get_other_config(self: task ref)` → `(string -> string) map`.
   */
  get_other_config(self: TaskRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `error_info`: error code followed by its parameters when status is failure.
   * `task.get_error_info(self: task ref)` → `string set`.
   */
  get_error_info(self: TaskRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Reads the field `result`: XML text of the returned value, e.g. <value>OpaqueRef:...</value>; may be empty.
   * `task.get_result(self: task ref)` → `string`.
   */
  get_result(self: TaskRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `type`: always <none/>.
   * `task.get_type(self: task ref)` → `string`.
   */
  get_type(self: TaskRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `progress`: 0.0 to 1.0; forced to 1.0 at the end, failure included.
   * `task.get_progress(self: task ref)` → `float`.
   */
  get_progress(self: TaskRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `resident_on`.
   * `task.get_resident_on(self: task ref)` → `host ref`.
   */
  get_resident_on(self: TaskRef, callOptions?: CallOptions): Promise<HostRef>
  /**
   * Reads the field `status`: pending until it ends; cancelling exists in the enum but is never set.
   * `task.get_status(self: task ref)` → `enum task_status_type`.
   */
  get_status(self: TaskRef, callOptions?: CallOptions): Promise<TaskStatusType>
  /**
   * Reads the field `finished`: 1970 epoch until the task ends.
   * `task.get_finished(self: task ref)` → `datetime`.
   */
  get_finished(self: TaskRef, callOptions?: CallOptions): Promise<Date>
  /**
   * Reads the field `created`.
   * `task.get_created(self: task ref)` → `datetime`.
   */
  get_created(self: TaskRef, callOptions?: CallOptions): Promise<Date>
  /**
   * Reads the field `current_operations`.
   * `task.get_current_operations(self: task ref)` → `(string -> enum task_allowed_operations) map`.
   */
  get_current_operations(
    self: TaskRef,
    callOptions?: CallOptions,
  ): Promise<Readonly<Record<string, TaskAllowedOperations>>>
  /**
   * Reads the field `allowed_operations`.
   * `task.get_allowed_operations(self: task ref)` → `enum task_allowed_operations set`.
   */
  get_allowed_operations(self: TaskRef, callOptions?: CallOptions): Promise<readonly TaskAllowedOperations[]>
  /**
   * Reads the field `name_description`.
   * `task.get_name_description(self: task ref)` → `string`.
   */
  get_name_description(self: TaskRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `name_label`.
   * `task.get_name_label(self: task ref)` → `string`.
   */
  get_name_label(self: TaskRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `uuid`.
   * `task.get_uuid(self: task ref)` → `string`.
   */
  get_uuid(self: TaskRef, callOptions?: CallOptions): Promise<string>
  /**
   * All task with this name; an empty set when there is none.
   * `task.get_by_name_label(label: string)` → `task ref set`.
   */
  get_by_name_label(label: string, callOptions?: CallOptions): Promise<readonly TaskRef[]>
  /**
   * The task with this uuid; none is the failure UUID_INVALID.
   * `task.get_by_uuid(uuid: string)` → `task ref`.
   */
  get_by_uuid(uuid: string, callOptions?: CallOptions): Promise<TaskRef>
  /**
   * All fields of one task.
   * `task.get_record(self: task ref)` → `task record`.
   */
  get_record(self: TaskRef, callOptions?: CallOptions): Promise<TaskRecord>
  /**
   * Not published; the records an expression selects.
   * `task.get_all_records_where(expr: string)` → `(task ref -> task record) map`.
   */
  get_all_records_where(expr: string, callOptions?: CallOptions): Promise<Readonly<Record<string, TaskRecord>>>
}

/** Calls on event: one change notice; not stored. */
export interface EventCalls {
  /**
   * Touches an object and returns a token from just before the touch.
   * `event.inject(class: string, ref: string)` → `string`.
   */
  inject(class_: string, ref: string, callOptions?: CallOptions): Promise<string>
  /** `event.get_current_id()` → `int`. */
  get_current_id(callOptions?: CallOptions): Promise<number>
  /**
   * Wire result is {events,valid_ref_counts,token}, not a set of records.
   * `event.from(classes: string set, token: string, timeout: float)` → `an event batch`.
   * @throws XenApiError XENAPI_FAILURE: SESSION_NOT_REGISTERED, EVENTS_LOST
   */
  from(classes: readonly string[], token: string, timeout: number, callOptions?: CallOptions): Promise<EventBatch>
  /**
   * Old style, needs event.register.
   * `event.next()` → `event record set`.
   * @throws XenApiError XENAPI_FAILURE: SESSION_NOT_REGISTERED, EVENTS_LOST
   * @deprecated by the server
   */
  next(callOptions?: CallOptions): Promise<readonly EventRecord[]>
  /**
   * `event.unregister(classes: string set)` → `void`, also as a task.
   * @deprecated by the server
   */
  unregister(classes: readonly string[], callOptions?: CallOptions): Promise<void>
  /**
   * `event.register(classes: string set)` → `void`, also as a task.
   * @deprecated by the server
   */
  register(classes: readonly string[], callOptions?: CallOptions): Promise<void>
}

/** Calls on pool: the pool itself; there is exactly one record. */
export interface PoolCalls {
  /**
   * Every pool of the pool with its record, by reference.
   * `pool.get_all_records()` → `(pool ref -> pool record) map`.
   */
  get_all_records(callOptions?: CallOptions): Promise<Readonly<Record<string, PoolRecord>>>
  /**
   * Every pool of the pool.
   * `pool.get_all()` → `pool ref set`.
   */
  get_all(callOptions?: CallOptions): Promise<readonly PoolRef[]>
  /**
   * Replaces the field `ext_auth_max_threads`.
   * `pool.set_ext_auth_max_threads(self: pool ref, value: int)` → `void`.
   * State: prototyped.
   */
  set_ext_auth_max_threads(self: PoolRef, value: number, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `local_auth_max_threads`.
   * `pool.set_local_auth_max_threads(self: pool ref, value: int)` → `void`.
   * State: prototyped.
   */
  set_local_auth_max_threads(self: PoolRef, value: number, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `update_sync_enabled`.
   * `pool.set_update_sync_enabled(self: pool ref, value: bool)` → `void`, also as a task.
   * State: prototyped.
   */
  set_update_sync_enabled(self: PoolRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * `pool.configure_update_sync(self: pool ref, update_sync_frequency: enum update_sync_frequency, update_sync_day: int)` → `void`, also as a task.
   * State: prototyped.
   */
  configure_update_sync(
    self: PoolRef,
    update_sync_frequency: UpdateSyncFrequency,
    update_sync_day: number,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `pool.reset_telemetry_uuid(self: pool ref)` → `void`, also as a task.
   * State: prototyped.
   */
  reset_telemetry_uuid(self: PoolRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `telemetry_next_collection`.
   * `pool.set_telemetry_next_collection(self: pool ref, value: datetime)` → `void`, also as a task.
   * State: prototyped.
   */
  set_telemetry_next_collection(self: PoolRef, value: Date, callOptions?: CallOptions): Promise<void>
  /**
   * `pool.set_https_only(self: pool ref, value: bool)` → `void`, also as a task.
   * State: prototyped.
   */
  set_https_only(self: PoolRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `custom_uefi_certificates`.
   * `pool.set_custom_uefi_certificates(self: pool ref, value: string)` → `void`, also as a task.
   * State: prototyped.
   */
  set_custom_uefi_certificates(self: PoolRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `uefi_certificates`.
   * `pool.set_uefi_certificates(self: pool ref, value: string)` → `void`, also as a task.
   * @deprecated by the server
   */
  set_uefi_certificates(self: PoolRef, value: string, callOptions?: CallOptions): Promise<void>
  /** `pool.disable_repository_proxy(self: pool ref)` → `void`, also as a task. */
  disable_repository_proxy(self: PoolRef, callOptions?: CallOptions): Promise<void>
  /** `pool.configure_repository_proxy(self: pool ref, url: string, username: string, password: string)` → `void`, also as a task. */
  configure_repository_proxy(
    self: PoolRef,
    url: string,
    username: string,
    password: string,
    callOptions?: CallOptions,
  ): Promise<void>
  /** `pool.disable_client_certificate_auth(self: pool ref)` → `void`, also as a task. */
  disable_client_certificate_auth(self: PoolRef, callOptions?: CallOptions): Promise<void>
  /** `pool.enable_client_certificate_auth(self: pool ref, name: string)` → `void`, also as a task. */
  enable_client_certificate_auth(self: PoolRef, name: string, callOptions?: CallOptions): Promise<void>
  /** `pool.check_update_readiness(self: pool ref, requires_reboot: bool)` → `string set set`, also as a task. */
  check_update_readiness(
    self: PoolRef,
    requires_reboot: boolean,
    callOptions?: CallOptions,
  ): Promise<readonly (readonly string[])[]>
  /**
   * `pool.sync_updates(self: pool ref, force: bool, token: string, token_id: string)` → `string`, also as a task.
   * Left out: token is `""`, token_id is `""`.
   */
  sync_updates(self: PoolRef, force: boolean, callOptions?: CallOptions): Promise<string>
  /**
   * `pool.sync_updates(self: pool ref, force: bool, token: string, token_id: string)` → `string`, also as a task.
   * Left out: token is `""`, token_id is `""`.
   */
  sync_updates(self: PoolRef, force: boolean, token: string, callOptions?: CallOptions): Promise<string>
  /**
   * `pool.sync_updates(self: pool ref, force: bool, token: string, token_id: string)` → `string`, also as a task.
   * Left out: token is `""`, token_id is `""`.
   */
  sync_updates(
    self: PoolRef,
    force: boolean,
    token: string,
    token_id: string,
    callOptions?: CallOptions,
  ): Promise<string>
  /** `pool.remove_repository(self: pool ref, value: Repository ref)` → `void`, also as a task. */
  remove_repository(self: PoolRef, value: RepositoryRef, callOptions?: CallOptions): Promise<void>
  /** `pool.add_repository(self: pool ref, value: Repository ref)` → `void`, also as a task. */
  add_repository(self: PoolRef, value: RepositoryRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `repositories`.
   * `pool.set_repositories(self: pool ref, value: Repository ref set)` → `void`, also as a task.
   */
  set_repositories(self: PoolRef, value: readonly RepositoryRef[], callOptions?: CallOptions): Promise<void>
  /**
   * `pool.rotate_secret()` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: INTERNAL_ERROR, HOST_IS_SLAVE, CANNOT_CONTACT_HOST, HA_IS_ENABLED, NOT_SUPPORTED_DURING_UPGRADE
   */
  rotate_secret(callOptions?: CallOptions): Promise<void>
  /**
   * Takes a key out of `guest_agent_config`; a missing one is no failure.
   * `pool.remove_from_guest_agent_config(self: pool ref, key: string)` → `void`, also as a task.
   */
  remove_from_guest_agent_config(self: PoolRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `guest_agent_config`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `pool.add_to_guest_agent_config(self: pool ref, key: string, value: string)` → `void`, also as a task.
   */
  add_to_guest_agent_config(self: PoolRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /** `pool.has_extension(self: pool ref, name: string)` → `bool`, also as a task. */
  has_extension(self: PoolRef, name: string, callOptions?: CallOptions): Promise<boolean>
  /**
   * Replaces the field `igmp_snooping_enabled`.
   * `pool.set_igmp_snooping_enabled(self: pool ref, value: bool)` → `void`, also as a task.
   */
  set_igmp_snooping_enabled(self: PoolRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * `pool.disable_ssl_legacy(self: pool ref)` → `void`, also as a task.
   * @deprecated by the server
   */
  disable_ssl_legacy(self: PoolRef, callOptions?: CallOptions): Promise<void>
  /**
   * `pool.enable_ssl_legacy(self: pool ref)` → `void`, also as a task.
   * State: removed.
   */
  enable_ssl_legacy(self: PoolRef, callOptions?: CallOptions): Promise<void>
  /** `pool.apply_edition(self: pool ref, edition: string)` → `void`, also as a task. */
  apply_edition(self: PoolRef, edition: string, callOptions?: CallOptions): Promise<void>
  /** `pool.get_license_state(self: pool ref)` → `(string -> string) map`, also as a task. */
  get_license_state(self: PoolRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /** `pool.disable_local_storage_caching(self: pool ref)` → `void`, also as a task. */
  disable_local_storage_caching(self: PoolRef, callOptions?: CallOptions): Promise<void>
  /** `pool.enable_local_storage_caching(self: pool ref)` → `void`, also as a task. */
  enable_local_storage_caching(self: PoolRef, callOptions?: CallOptions): Promise<void>
  /** `pool.test_archive_target(self: pool ref, config: (string -> string) map)` → `string`. */
  test_archive_target(
    self: PoolRef,
    config: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<string>
  /**
   * Replaces the field `vswitch_controller`.
   * `pool.set_vswitch_controller(address: string)` → `void`, also as a task.
   * @deprecated by the server
   */
  set_vswitch_controller(address: string, callOptions?: CallOptions): Promise<void>
  /** `pool.disable_redo_log()` → `void`, also as a task. */
  disable_redo_log(callOptions?: CallOptions): Promise<void>
  /** `pool.enable_redo_log(sr: SR ref)` → `void`, also as a task. */
  enable_redo_log(sr: SrRef, callOptions?: CallOptions): Promise<void>
  /** `pool.enable_tls_verification()` → `void`. */
  enable_tls_verification(callOptions?: CallOptions): Promise<void>
  /** `pool.certificate_sync()` → `void`, also as a task. */
  certificate_sync(callOptions?: CallOptions): Promise<void>
  /** `pool.crl_list()` → `string set`, also as a task. */
  crl_list(callOptions?: CallOptions): Promise<readonly string[]>
  /** `pool.crl_uninstall(name: string)` → `void`, also as a task. */
  crl_uninstall(name: string, callOptions?: CallOptions): Promise<void>
  /** `pool.crl_install(name: string, cert: string)` → `void`, also as a task. */
  crl_install(name: string, cert: string, callOptions?: CallOptions): Promise<void>
  /** `pool.uninstall_ca_certificate(name: string)` → `void`, also as a task. */
  uninstall_ca_certificate(name: string, callOptions?: CallOptions): Promise<void>
  /** `pool.install_ca_certificate(name: string, cert: string)` → `void`, also as a task. */
  install_ca_certificate(name: string, cert: string, callOptions?: CallOptions): Promise<void>
  /**
   * `pool.certificate_list()` → `string set`, also as a task.
   * @deprecated by the server
   */
  certificate_list(callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * `pool.certificate_uninstall(name: string)` → `void`, also as a task.
   * @deprecated by the server
   */
  certificate_uninstall(name: string, callOptions?: CallOptions): Promise<void>
  /**
   * `pool.certificate_install(name: string, cert: string)` → `void`, also as a task.
   * @deprecated by the server
   */
  certificate_install(name: string, cert: string, callOptions?: CallOptions): Promise<void>
  /** `pool.send_test_post(host: string, port: int, body: string)` → `string`, also as a task. */
  send_test_post(host: string, port: number, body: string, callOptions?: CallOptions): Promise<string>
  /** `pool.retrieve_wlb_recommendations()` → `(VM ref -> string set) map`, also as a task. */
  retrieve_wlb_recommendations(callOptions?: CallOptions): Promise<Readonly<Record<string, readonly string[]>>>
  /** `pool.retrieve_wlb_configuration()` → `(string -> string) map`, also as a task. */
  retrieve_wlb_configuration(callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /** `pool.send_wlb_configuration(config: (string -> string) map)` → `void`, also as a task. */
  send_wlb_configuration(config: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /** `pool.deconfigure_wlb()` → `void`, also as a task. */
  deconfigure_wlb(callOptions?: CallOptions): Promise<void>
  /** `pool.initialize_wlb(wlb_url: string, wlb_username: string, wlb_password: string, xenserver_username: string, xenserver_password: string)` → `void`, also as a task. */
  initialize_wlb(
    wlb_url: string,
    wlb_username: string,
    wlb_password: string,
    xenserver_username: string,
    xenserver_password: string,
    callOptions?: CallOptions,
  ): Promise<void>
  /** `pool.detect_nonhomogeneous_external_auth(pool: pool ref)` → `void`. */
  detect_nonhomogeneous_external_auth(pool: PoolRef, callOptions?: CallOptions): Promise<void>
  /**
   * `pool.disable_external_auth(pool: pool ref, config: (string -> string) map)` → `void`.
   * Left out: config is `{}`.
   */
  disable_external_auth(pool: PoolRef, callOptions?: CallOptions): Promise<void>
  /**
   * `pool.disable_external_auth(pool: pool ref, config: (string -> string) map)` → `void`.
   * Left out: config is `{}`.
   */
  disable_external_auth(
    pool: PoolRef,
    config: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<void>
  /** `pool.enable_external_auth(pool: pool ref, config: (string -> string) map, service_name: string, auth_type: string)` → `void`. */
  enable_external_auth(
    pool: PoolRef,
    config: Readonly<Record<string, string>>,
    service_name: string,
    auth_type: string,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `pool.create_new_blob(pool: pool ref, name: string, mime_type: string, public: bool)` → `blob ref`, also as a task.
   * Left out: public is `false`.
   */
  create_new_blob(pool: PoolRef, name: string, mime_type: string, callOptions?: CallOptions): Promise<BlobRef>
  /**
   * `pool.create_new_blob(pool: pool ref, name: string, mime_type: string, public: bool)` → `blob ref`, also as a task.
   * Left out: public is `false`.
   */
  create_new_blob(
    pool: PoolRef,
    name: string,
    mime_type: string,
    public_: boolean,
    callOptions?: CallOptions,
  ): Promise<BlobRef>
  /**
   * Replaces the field `ha_host_failures_to_tolerate`.
   * `pool.set_ha_host_failures_to_tolerate(self: pool ref, value: int)` → `void`, also as a task.
   */
  set_ha_host_failures_to_tolerate(self: PoolRef, value: number, callOptions?: CallOptions): Promise<void>
  /** `pool.ha_compute_vm_failover_plan(failed_hosts: host ref set, failed_vms: VM ref set)` → `(VM ref -> (string -> string) map) map`. */
  ha_compute_vm_failover_plan(
    failed_hosts: readonly HostRef[],
    failed_vms: readonly VmRef[],
    callOptions?: CallOptions,
  ): Promise<Readonly<Record<string, Readonly<Record<string, string>>>>>
  /** `pool.ha_compute_hypothetical_max_host_failures_to_tolerate(configuration: (VM ref -> string) map)` → `int`. */
  ha_compute_hypothetical_max_host_failures_to_tolerate(
    configuration: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<number>
  /** `pool.ha_compute_max_host_failures_to_tolerate()` → `int`. */
  ha_compute_max_host_failures_to_tolerate(callOptions?: CallOptions): Promise<number>
  /** `pool.ha_failover_plan_exists(n: int)` → `bool`. */
  ha_failover_plan_exists(n: number, callOptions?: CallOptions): Promise<boolean>
  /** `pool.ha_prevent_restarts_for(seconds: int)` → `void`. */
  ha_prevent_restarts_for(seconds: number, callOptions?: CallOptions): Promise<void>
  /** `pool.designate_new_master(host: host ref)` → `void`, also as a task. */
  designate_new_master(host: HostRef, callOptions?: CallOptions): Promise<void>
  /** `pool.sync_database()` → `void`, also as a task. */
  sync_database(callOptions?: CallOptions): Promise<void>
  /** `pool.disable_ha()` → `void`, also as a task. */
  disable_ha(callOptions?: CallOptions): Promise<void>
  /** `pool.enable_ha(heartbeat_srs: SR ref set, configuration: (string -> string) map)` → `void`, also as a task. */
  enable_ha(
    heartbeat_srs: readonly SrRef[],
    configuration: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `pool.create_VLAN_from_PIF(pif: PIF ref, network: network ref, VLAN: int)` → `PIF ref set`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VLAN_TAG_INVALID
   */
  create_VLAN_from_PIF(
    pif: PifRef,
    network: NetworkRef,
    VLAN: number,
    callOptions?: CallOptions,
  ): Promise<readonly PifRef[]>
  /**
   * `pool.management_reconfigure(network: network ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: HA_IS_ENABLED, PIF_NOT_PRESENT, CANNOT_PLUG_BOND_SLAVE, PIF_INCOMPATIBLE_PRIMARY_ADDRESS_TYPE, PIF_HAS_NO_NETWORK_CONFIGURATION, PIF_HAS_NO_V6_NETWORK_CONFIGURATION
   */
  management_reconfigure(network: NetworkRef, callOptions?: CallOptions): Promise<void>
  /**
   * `pool.create_VLAN(device: string, network: network ref, VLAN: int)` → `PIF ref set`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VLAN_TAG_INVALID
   */
  create_VLAN(device: string, network: NetworkRef, VLAN: number, callOptions?: CallOptions): Promise<readonly PifRef[]>
  /** `pool.recover_slaves()` → `host ref set`, also as a task. */
  recover_slaves(callOptions?: CallOptions): Promise<readonly HostRef[]>
  /** `pool.emergency_reset_master(master_address: string)` → `void`. */
  emergency_reset_master(master_address: string, callOptions?: CallOptions): Promise<void>
  /** `pool.emergency_transition_to_master()` → `void`. */
  emergency_transition_to_master(callOptions?: CallOptions): Promise<void>
  /** `pool.eject(host: host ref)` → `void`, also as a task. */
  eject(host: HostRef, callOptions?: CallOptions): Promise<void>
  /** `pool.join_force(master_address: string, master_username: string, master_password: string)` → `void`, also as a task. */
  join_force(
    master_address: string,
    master_username: string,
    master_password: string,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `pool.join(master_address: string, master_username: string, master_password: string)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: JOINING_HOST_CANNOT_CONTAIN_SHARED_SRS
   */
  join(
    master_address: string,
    master_username: string,
    master_password: string,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * Replaces the field `coordinator_bias`.
   * `pool.set_coordinator_bias(self: pool ref, value: bool)` → `void`.
   */
  set_coordinator_bias(self: PoolRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `migration_compression`.
   * `pool.set_migration_compression(self: pool ref, value: bool)` → `void`.
   * State: prototyped.
   */
  set_migration_compression(self: PoolRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `is_psr_pending`.
   * `pool.set_is_psr_pending(self: pool ref, value: bool)` → `void`.
   */
  set_is_psr_pending(self: PoolRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `live_patching_disabled`.
   * `pool.set_live_patching_disabled(self: pool ref, value: bool)` → `void`.
   */
  set_live_patching_disabled(self: PoolRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `policy_no_vendor_device`.
   * `pool.set_policy_no_vendor_device(self: pool ref, value: bool)` → `void`.
   */
  set_policy_no_vendor_device(self: PoolRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `wlb_verify_cert`.
   * `pool.set_wlb_verify_cert(self: pool ref, value: bool)` → `void`.
   * @deprecated by the server
   */
  set_wlb_verify_cert(self: PoolRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `wlb_enabled`.
   * `pool.set_wlb_enabled(self: pool ref, value: bool)` → `void`.
   */
  set_wlb_enabled(self: PoolRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * Takes a key out of `health_check_config`; a missing one is no failure.
   * `pool.remove_from_health_check_config(self: pool ref, key: string)` → `void`.
   */
  remove_from_health_check_config(self: PoolRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `health_check_config`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `pool.add_to_health_check_config(self: pool ref, key: string, value: string)` → `void`.
   */
  add_to_health_check_config(self: PoolRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `health_check_config`.
   * `pool.set_health_check_config(self: pool ref, value: (string -> string) map)` → `void`.
   */
  set_health_check_config(
    self: PoolRef,
    value: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * Takes a key out of `gui_config`; a missing one is no failure.
   * `pool.remove_from_gui_config(self: pool ref, key: string)` → `void`.
   */
  remove_from_gui_config(self: PoolRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `gui_config`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `pool.add_to_gui_config(self: pool ref, key: string, value: string)` → `void`.
   */
  add_to_gui_config(self: PoolRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `gui_config`.
   * `pool.set_gui_config(self: pool ref, value: (string -> string) map)` → `void`.
   */
  set_gui_config(self: PoolRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /**
   * Takes a value out of the set `tags`.
   * `pool.remove_tags(self: pool ref, value: string)` → `void`.
   */
  remove_tags(self: PoolRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a value to the set `tags`.
   * `pool.add_tags(self: pool ref, value: string)` → `void`.
   */
  add_tags(self: PoolRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `tags`.
   * `pool.set_tags(self: pool ref, value: string set)` → `void`.
   */
  set_tags(self: PoolRef, value: readonly string[], callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `ha_allow_overcommit`.
   * `pool.set_ha_allow_overcommit(self: pool ref, value: bool)` → `void`.
   */
  set_ha_allow_overcommit(self: PoolRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * Takes a key out of `other_config`; a missing one is no failure.
   * `pool.remove_from_other_config(self: pool ref, key: string)` → `void`.
   */
  remove_from_other_config(self: PoolRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `other_config`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `pool.add_to_other_config(self: pool ref, key: string, value: string)` → `void`.
   */
  add_to_other_config(self: PoolRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `other_config`.
   * `pool.set_other_config(self: pool ref, value: (string -> string) map)` → `void`.
   */
  set_other_config(self: PoolRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `crash_dump_SR`.
   * `pool.set_crash_dump_SR(self: pool ref, value: SR ref)` → `void`.
   */
  set_crash_dump_SR(self: PoolRef, value: SrRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `suspend_image_SR`.
   * `pool.set_suspend_image_SR(self: pool ref, value: SR ref)` → `void`.
   */
  set_suspend_image_SR(self: PoolRef, value: SrRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `default_SR`: used by imports that name no SR.
   * `pool.set_default_SR(self: pool ref, value: SR ref)` → `void`.
   */
  set_default_SR(self: PoolRef, value: SrRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `name_description`.
   * `pool.set_name_description(self: pool ref, value: string)` → `void`.
   */
  set_name_description(self: PoolRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `name_label`.
   * `pool.set_name_label(self: pool ref, value: string)` → `void`.
   */
  set_name_label(self: PoolRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Reads the field `update_sync_enabled`.
   * `pool.get_update_sync_enabled(self: pool ref)` → `bool`.
   * State: prototyped.
   */
  get_update_sync_enabled(self: PoolRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `update_sync_day`.
   * `pool.get_update_sync_day(self: pool ref)` → `int`.
   * State: prototyped.
   */
  get_update_sync_day(self: PoolRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `update_sync_frequency`.
   * `pool.get_update_sync_frequency(self: pool ref)` → `enum update_sync_frequency`.
   * State: prototyped.
   */
  get_update_sync_frequency(self: PoolRef, callOptions?: CallOptions): Promise<UpdateSyncFrequency>
  /**
   * Reads the field `last_update_sync`.
   * `pool.get_last_update_sync(self: pool ref)` → `datetime`.
   * State: prototyped.
   */
  get_last_update_sync(self: PoolRef, callOptions?: CallOptions): Promise<Date>
  /**
   * Reads the field `telemetry_next_collection`.
   * `pool.get_telemetry_next_collection(self: pool ref)` → `datetime`.
   * State: prototyped.
   */
  get_telemetry_next_collection(self: PoolRef, callOptions?: CallOptions): Promise<Date>
  /**
   * Reads the field `telemetry_frequency`.
   * `pool.get_telemetry_frequency(self: pool ref)` → `enum telemetry_frequency`.
   * State: prototyped.
   */
  get_telemetry_frequency(self: PoolRef, callOptions?: CallOptions): Promise<TelemetryFrequency>
  /**
   * Reads the field `telemetry_uuid`.
   * `pool.get_telemetry_uuid(self: pool ref)` → `secret ref`.
   * State: prototyped.
   */
  get_telemetry_uuid(self: PoolRef, callOptions?: CallOptions): Promise<SecretRef>
  /**
   * Reads the field `ext_auth_max_threads`.
   * `pool.get_ext_auth_max_threads(self: pool ref)` → `int`.
   * State: prototyped.
   */
  get_ext_auth_max_threads(self: PoolRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `local_auth_max_threads`.
   * `pool.get_local_auth_max_threads(self: pool ref)` → `int`.
   * State: prototyped.
   */
  get_local_auth_max_threads(self: PoolRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `coordinator_bias`.
   * `pool.get_coordinator_bias(self: pool ref)` → `bool`.
   */
  get_coordinator_bias(self: PoolRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `migration_compression`.
   * `pool.get_migration_compression(self: pool ref)` → `bool`.
   * State: prototyped.
   */
  get_migration_compression(self: PoolRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `repository_proxy_password`.
   * `pool.get_repository_proxy_password(self: pool ref)` → `secret ref`.
   */
  get_repository_proxy_password(self: PoolRef, callOptions?: CallOptions): Promise<SecretRef>
  /**
   * Reads the field `repository_proxy_username`.
   * `pool.get_repository_proxy_username(self: pool ref)` → `string`.
   */
  get_repository_proxy_username(self: PoolRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `repository_proxy_url`.
   * `pool.get_repository_proxy_url(self: pool ref)` → `string`.
   */
  get_repository_proxy_url(self: PoolRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `client_certificate_auth_name`.
   * `pool.get_client_certificate_auth_name(self: pool ref)` → `string`.
   */
  get_client_certificate_auth_name(self: PoolRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `client_certificate_auth_enabled`.
   * `pool.get_client_certificate_auth_enabled(self: pool ref)` → `bool`.
   */
  get_client_certificate_auth_enabled(self: PoolRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `repositories`.
   * `pool.get_repositories(self: pool ref)` → `Repository ref set`.
   */
  get_repositories(self: PoolRef, callOptions?: CallOptions): Promise<readonly RepositoryRef[]>
  /**
   * Reads the field `tls_verification_enabled`.
   * `pool.get_tls_verification_enabled(self: pool ref)` → `bool`.
   */
  get_tls_verification_enabled(self: PoolRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `is_psr_pending`.
   * `pool.get_is_psr_pending(self: pool ref)` → `bool`.
   */
  get_is_psr_pending(self: PoolRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `custom_uefi_certificates`.
   * `pool.get_custom_uefi_certificates(self: pool ref)` → `string`.
   * State: prototyped.
   */
  get_custom_uefi_certificates(self: PoolRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `uefi_certificates`.
   * `pool.get_uefi_certificates(self: pool ref)` → `string`.
   */
  get_uefi_certificates(self: PoolRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `igmp_snooping_enabled`.
   * `pool.get_igmp_snooping_enabled(self: pool ref)` → `bool`.
   */
  get_igmp_snooping_enabled(self: PoolRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `live_patching_disabled`.
   * `pool.get_live_patching_disabled(self: pool ref)` → `bool`.
   */
  get_live_patching_disabled(self: PoolRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `policy_no_vendor_device`.
   * `pool.get_policy_no_vendor_device(self: pool ref)` → `bool`.
   */
  get_policy_no_vendor_device(self: PoolRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `cpu_info`.
   * `pool.get_cpu_info(self: pool ref)` → `(string -> string) map`.
   */
  get_cpu_info(self: PoolRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `guest_agent_config`.
   * `pool.get_guest_agent_config(self: pool ref)` → `(string -> string) map`.
   */
  get_guest_agent_config(self: PoolRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `current_operations`.
   * `pool.get_current_operations(self: pool ref)` → `(string -> enum pool_allowed_operations) map`.
   */
  get_current_operations(
    self: PoolRef,
    callOptions?: CallOptions,
  ): Promise<Readonly<Record<string, PoolAllowedOperations>>>
  /**
   * Reads the field `allowed_operations`.
   * `pool.get_allowed_operations(self: pool ref)` → `enum pool_allowed_operations set`.
   */
  get_allowed_operations(self: PoolRef, callOptions?: CallOptions): Promise<readonly PoolAllowedOperations[]>
  /**
   * Reads the field `ha_cluster_stack`.
   * `pool.get_ha_cluster_stack(self: pool ref)` → `string`.
   */
  get_ha_cluster_stack(self: PoolRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `metadata_VDIs`.
   * `pool.get_metadata_VDIs(self: pool ref)` → `VDI ref set`.
   */
  get_metadata_VDIs(self: PoolRef, callOptions?: CallOptions): Promise<readonly VdiRef[]>
  /**
   * Reads the field `restrictions`: licence flags; restrict_cbt=true blocks VDI.enable_cbt.
   * `pool.get_restrictions(self: pool ref)` → `(string -> string) map`.
   */
  get_restrictions(self: PoolRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `vswitch_controller`.
   * `pool.get_vswitch_controller(self: pool ref)` → `string`.
   * @deprecated by the server
   */
  get_vswitch_controller(self: PoolRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `redo_log_vdi`.
   * `pool.get_redo_log_vdi(self: pool ref)` → `VDI ref`.
   */
  get_redo_log_vdi(self: PoolRef, callOptions?: CallOptions): Promise<VdiRef>
  /**
   * Reads the field `redo_log_enabled`.
   * `pool.get_redo_log_enabled(self: pool ref)` → `bool`.
   */
  get_redo_log_enabled(self: PoolRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `wlb_verify_cert`.
   * `pool.get_wlb_verify_cert(self: pool ref)` → `bool`.
   * @deprecated by the server
   */
  get_wlb_verify_cert(self: PoolRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `wlb_enabled`.
   * `pool.get_wlb_enabled(self: pool ref)` → `bool`.
   */
  get_wlb_enabled(self: PoolRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `wlb_username`.
   * `pool.get_wlb_username(self: pool ref)` → `string`.
   */
  get_wlb_username(self: PoolRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `wlb_url`.
   * `pool.get_wlb_url(self: pool ref)` → `string`.
   */
  get_wlb_url(self: PoolRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `health_check_config`.
   * `pool.get_health_check_config(self: pool ref)` → `(string -> string) map`.
   */
  get_health_check_config(self: PoolRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `gui_config`.
   * `pool.get_gui_config(self: pool ref)` → `(string -> string) map`.
   */
  get_gui_config(self: PoolRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `tags`.
   * `pool.get_tags(self: pool ref)` → `string set`.
   */
  get_tags(self: PoolRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Reads the field `blobs`.
   * `pool.get_blobs(self: pool ref)` → `(string -> blob ref) map`.
   */
  get_blobs(self: PoolRef, callOptions?: CallOptions): Promise<Readonly<Record<string, BlobRef>>>
  /**
   * Reads the field `ha_overcommitted`.
   * `pool.get_ha_overcommitted(self: pool ref)` → `bool`.
   */
  get_ha_overcommitted(self: PoolRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `ha_allow_overcommit`.
   * `pool.get_ha_allow_overcommit(self: pool ref)` → `bool`.
   */
  get_ha_allow_overcommit(self: PoolRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `ha_plan_exists_for`.
   * `pool.get_ha_plan_exists_for(self: pool ref)` → `int`.
   */
  get_ha_plan_exists_for(self: PoolRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `ha_host_failures_to_tolerate`.
   * `pool.get_ha_host_failures_to_tolerate(self: pool ref)` → `int`.
   */
  get_ha_host_failures_to_tolerate(self: PoolRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `ha_statefiles`.
   * `pool.get_ha_statefiles(self: pool ref)` → `string set`.
   */
  get_ha_statefiles(self: PoolRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Reads the field `ha_configuration`.
   * `pool.get_ha_configuration(self: pool ref)` → `(string -> string) map`.
   */
  get_ha_configuration(self: PoolRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `ha_enabled`.
   * `pool.get_ha_enabled(self: pool ref)` → `bool`.
   */
  get_ha_enabled(self: PoolRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `other_config`.
   * `pool.get_other_config(self: pool ref)` → `(string -> string) map`.
   */
  get_other_config(self: PoolRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `crash_dump_SR`.
   * `pool.get_crash_dump_SR(self: pool ref)` → `SR ref`.
   */
  get_crash_dump_SR(self: PoolRef, callOptions?: CallOptions): Promise<SrRef>
  /**
   * Reads the field `suspend_image_SR`.
   * `pool.get_suspend_image_SR(self: pool ref)` → `SR ref`.
   */
  get_suspend_image_SR(self: PoolRef, callOptions?: CallOptions): Promise<SrRef>
  /**
   * Reads the field `default_SR`: used by imports that name no SR.
   * `pool.get_default_SR(self: pool ref)` → `SR ref`.
   */
  get_default_SR(self: PoolRef, callOptions?: CallOptions): Promise<SrRef>
  /**
   * Reads the field `master`: host that answers API calls.
   * `pool.get_master(self: pool ref)` → `host ref`.
   */
  get_master(self: PoolRef, callOptions?: CallOptions): Promise<HostRef>
  /**
   * Reads the field `name_description`.
   * `pool.get_name_description(self: pool ref)` → `string`.
   */
  get_name_description(self: PoolRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `name_label`.
   * `pool.get_name_label(self: pool ref)` → `string`.
   */
  get_name_label(self: PoolRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `uuid`.
   * `pool.get_uuid(self: pool ref)` → `string`.
   */
  get_uuid(self: PoolRef, callOptions?: CallOptions): Promise<string>
  /**
   * The pool with this uuid; none is the failure UUID_INVALID.
   * `pool.get_by_uuid(uuid: string)` → `pool ref`.
   */
  get_by_uuid(uuid: string, callOptions?: CallOptions): Promise<PoolRef>
  /**
   * All fields of one pool.
   * `pool.get_record(self: pool ref)` → `pool record`.
   */
  get_record(self: PoolRef, callOptions?: CallOptions): Promise<PoolRecord>
  /**
   * Not published; the records an expression selects.
   * `pool.get_all_records_where(expr: string)` → `(pool ref -> pool record) map`.
   */
  get_all_records_where(expr: string, callOptions?: CallOptions): Promise<Readonly<Record<string, PoolRecord>>>
}

/** Calls on host: a server of the pool. */
export interface HostCalls {
  /**
   * Every host of the pool with its record, by reference.
   * `host.get_all_records()` → `(host ref -> host record) map`.
   */
  get_all_records(callOptions?: CallOptions): Promise<Readonly<Record<string, HostRecord>>>
  /**
   * Every host of the pool.
   * `host.get_all()` → `host ref set`.
   */
  get_all(callOptions?: CallOptions): Promise<readonly HostRef[]>
  /**
   * `host.emergency_clear_mandatory_guidance()` → `void`.
   * State: prototyped.
   */
  emergency_clear_mandatory_guidance(callOptions?: CallOptions): Promise<void>
  /**
   * `host.apply_recommended_guidances(self: host ref)` → `void`, also as a task.
   * State: removed.
   */
  apply_recommended_guidances(self: HostRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `https_only`.
   * `host.set_https_only(self: host ref, value: bool)` → `void`, also as a task.
   * State: prototyped.
   */
  set_https_only(self: HostRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /** `host.apply_updates(self: host ref, hash: string)` → `string set set`, also as a task. */
  apply_updates(self: HostRef, hash: string, callOptions?: CallOptions): Promise<readonly (readonly string[])[]>
  /** `host.emergency_reenable_tls_verification()` → `void`. */
  emergency_reenable_tls_verification(callOptions?: CallOptions): Promise<void>
  /** `host.emergency_disable_tls_verification()` → `void`. */
  emergency_disable_tls_verification(callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `numa_affinity_policy`.
   * `host.set_numa_affinity_policy(self: host ref, value: enum host_numa_affinity_policy)` → `void`, also as a task.
   * State: prototyped.
   */
  set_numa_affinity_policy(self: HostRef, value: HostNumaAffinityPolicy, callOptions?: CallOptions): Promise<void>
  /** `host.get_sched_gran(self: host ref)` → `enum host_sched_gran`, also as a task. */
  get_sched_gran(self: HostRef, callOptions?: CallOptions): Promise<HostSchedGran>
  /** `host.set_sched_gran(self: host ref, value: enum host_sched_gran)` → `void`, also as a task. */
  set_sched_gran(self: HostRef, value: HostSchedGran, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `uefi_certificates`.
   * `host.set_uefi_certificates(host: host ref, value: string)` → `void`, also as a task.
   * @deprecated by the server
   */
  set_uefi_certificates(host: HostRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `multipathing`.
   * `host.set_multipathing(host: host ref, value: bool)` → `void`, also as a task.
   */
  set_multipathing(host: HostRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `iscsi_iqn`.
   * `host.set_iscsi_iqn(host: host ref, value: string)` → `void`, also as a task.
   */
  set_iscsi_iqn(host: HostRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `ssl_legacy`.
   * `host.set_ssl_legacy(self: host ref, value: bool)` → `void`, also as a task.
   */
  set_ssl_legacy(self: HostRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /** `host.disable_display(host: host ref)` → `enum host_display`, also as a task. */
  disable_display(host: HostRef, callOptions?: CallOptions): Promise<HostDisplay>
  /** `host.enable_display(host: host ref)` → `enum host_display`, also as a task. */
  enable_display(host: HostRef, callOptions?: CallOptions): Promise<HostDisplay>
  /** `host.declare_dead(host: host ref)` → `void`, also as a task. */
  declare_dead(host: HostRef, callOptions?: CallOptions): Promise<void>
  /** `host.migrate_receive(host: host ref, network: network ref, options: (string -> string) map)` → `(string -> string) map`, also as a task. */
  migrate_receive(
    host: HostRef,
    network: NetworkRef,
    options: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<Readonly<Record<string, string>>>
  /** `host.disable_local_storage_caching(host: host ref)` → `void`. */
  disable_local_storage_caching(host: HostRef, callOptions?: CallOptions): Promise<void>
  /** `host.enable_local_storage_caching(host: host ref, sr: SR ref)` → `void`. */
  enable_local_storage_caching(host: HostRef, sr: SrRef, callOptions?: CallOptions): Promise<void>
  /**
   * `host.reset_cpu_features(host: host ref)` → `void`.
   * State: removed.
   */
  reset_cpu_features(host: HostRef, callOptions?: CallOptions): Promise<void>
  /**
   * `host.set_cpu_features(host: host ref, features: string)` → `void`.
   * State: removed.
   */
  set_cpu_features(host: HostRef, features: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `power_on_mode`.
   * `host.set_power_on_mode(self: host ref, power_on_mode: string, power_on_config: (string -> string) map)` → `void`, also as a task.
   */
  set_power_on_mode(
    self: HostRef,
    power_on_mode: string,
    power_on_config: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `host.refresh_pack_info(host: host ref)` → `void`, also as a task.
   * @deprecated by the server
   */
  refresh_pack_info(host: HostRef, callOptions?: CallOptions): Promise<void>
  /**
   * `host.apply_edition(host: host ref, edition: string, force: bool)` → `void`.
   * Left out: force is `false`.
   */
  apply_edition(host: HostRef, edition: string, callOptions?: CallOptions): Promise<void>
  /**
   * `host.apply_edition(host: host ref, edition: string, force: bool)` → `void`.
   * Left out: force is `false`.
   */
  apply_edition(host: HostRef, edition: string, force: boolean, callOptions?: CallOptions): Promise<void>
  /** `host.reset_server_certificate(host: host ref)` → `void`, also as a task. */
  reset_server_certificate(host: HostRef, callOptions?: CallOptions): Promise<void>
  /** `host.emergency_reset_server_certificate()` → `void`. */
  emergency_reset_server_certificate(callOptions?: CallOptions): Promise<void>
  /**
   * `host.install_server_certificate(host: host ref, certificate: string, private_key: string, certificate_chain: string)` → `void`, also as a task.
   * Left out: certificate_chain is `""`.
   */
  install_server_certificate(
    host: HostRef,
    certificate: string,
    private_key: string,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `host.install_server_certificate(host: host ref, certificate: string, private_key: string, certificate_chain: string)` → `void`, also as a task.
   * Left out: certificate_chain is `""`.
   */
  install_server_certificate(
    host: HostRef,
    certificate: string,
    private_key: string,
    certificate_chain: string,
    callOptions?: CallOptions,
  ): Promise<void>
  /** `host.refresh_server_certificate(host: host ref)` → `void`, also as a task. */
  refresh_server_certificate(host: HostRef, callOptions?: CallOptions): Promise<void>
  /** `host.get_server_certificate(host: host ref)` → `string`, also as a task. */
  get_server_certificate(host: HostRef, callOptions?: CallOptions): Promise<string>
  /** `host.retrieve_wlb_evacuate_recommendations(self: host ref)` → `(VM ref -> string set) map`, also as a task. */
  retrieve_wlb_evacuate_recommendations(
    self: HostRef,
    callOptions?: CallOptions,
  ): Promise<Readonly<Record<string, readonly string[]>>>
  /**
   * `host.disable_external_auth(host: host ref, config: (string -> string) map)` → `void`.
   * Left out: config is `{}`.
   */
  disable_external_auth(host: HostRef, callOptions?: CallOptions): Promise<void>
  /**
   * `host.disable_external_auth(host: host ref, config: (string -> string) map)` → `void`.
   * Left out: config is `{}`.
   */
  disable_external_auth(
    host: HostRef,
    config: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<void>
  /** `host.enable_external_auth(host: host ref, config: (string -> string) map, service_name: string, auth_type: string)` → `void`. */
  enable_external_auth(
    host: HostRef,
    config: Readonly<Record<string, string>>,
    service_name: string,
    auth_type: string,
    callOptions?: CallOptions,
  ): Promise<void>
  /** `host.get_server_localtime(host: host ref)` → `datetime`. */
  get_server_localtime(host: HostRef, callOptions?: CallOptions): Promise<Date>
  /** `host.get_servertime(host: host ref)` → `datetime`. */
  get_servertime(host: HostRef, callOptions?: CallOptions): Promise<Date>
  /** `host.call_extension(host: host ref, call: string)` → `string`. */
  call_extension(host: HostRef, call: string, callOptions?: CallOptions): Promise<string>
  /** `host.has_extension(host: host ref, name: string)` → `bool`, also as a task. */
  has_extension(host: HostRef, name: string, callOptions?: CallOptions): Promise<boolean>
  /** `host.call_plugin(host: host ref, plugin: string, fn: string, args: (string -> string) map)` → `string`, also as a task. */
  call_plugin(
    host: HostRef,
    plugin: string,
    fn: string,
    args: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<string>
  /**
   * `host.create_new_blob(host: host ref, name: string, mime_type: string, public: bool)` → `blob ref`, also as a task.
   * Left out: public is `false`.
   */
  create_new_blob(host: HostRef, name: string, mime_type: string, callOptions?: CallOptions): Promise<BlobRef>
  /**
   * `host.create_new_blob(host: host ref, name: string, mime_type: string, public: bool)` → `blob ref`, also as a task.
   * Left out: public is `false`.
   */
  create_new_blob(
    host: HostRef,
    name: string,
    mime_type: string,
    public_: boolean,
    callOptions?: CallOptions,
  ): Promise<BlobRef>
  /** `host.backup_rrds(host: host ref, delay: float)` → `void`. */
  backup_rrds(host: HostRef, delay: number, callOptions?: CallOptions): Promise<void>
  /** `host.sync_data(host: host ref)` → `void`. */
  sync_data(host: HostRef, callOptions?: CallOptions): Promise<void>
  /** `host.compute_memory_overhead(host: host ref)` → `int`, also as a task. */
  compute_memory_overhead(host: HostRef, callOptions?: CallOptions): Promise<number>
  /** `host.compute_free_memory(host: host ref)` → `int`, also as a task. */
  compute_free_memory(host: HostRef, callOptions?: CallOptions): Promise<number>
  /**
   * `host.set_hostname_live(host: host ref, hostname: string)` → `void`.
   * @throws XenApiError XENAPI_FAILURE: HOST_NAME_INVALID
   */
  set_hostname_live(host: HostRef, hostname: string, callOptions?: CallOptions): Promise<void>
  /** `host.shutdown_agent()` → `void`. */
  shutdown_agent(callOptions?: CallOptions): Promise<void>
  /** `host.restart_agent(host: host ref)` → `void`, also as a task. */
  restart_agent(host: HostRef, callOptions?: CallOptions): Promise<void>
  /** `host.get_system_status_capabilities(host: host ref)` → `string`. */
  get_system_status_capabilities(host: HostRef, callOptions?: CallOptions): Promise<string>
  /** `host.get_management_interface(host: host ref)` → `PIF ref`, also as a task. */
  get_management_interface(host: HostRef, callOptions?: CallOptions): Promise<PifRef>
  /** `host.management_disable()` → `void`. */
  management_disable(callOptions?: CallOptions): Promise<void>
  /** `host.local_management_reconfigure(interface: string)` → `void`. */
  local_management_reconfigure(interface_: string, callOptions?: CallOptions): Promise<void>
  /** `host.management_reconfigure(pif: PIF ref)` → `void`, also as a task. */
  management_reconfigure(pif: PifRef, callOptions?: CallOptions): Promise<void>
  /** `host.syslog_reconfigure(host: host ref)` → `void`, also as a task. */
  syslog_reconfigure(host: HostRef, callOptions?: CallOptions): Promise<void>
  /**
   * `host.evacuate(host: host ref, network: network ref, evacuate_batch_size: int)` → `void`, also as a task.
   * Left out: network is `"OpaqueRef:NULL"`, evacuate_batch_size is `0`.
   */
  evacuate(host: HostRef, callOptions?: CallOptions): Promise<void>
  /**
   * `host.evacuate(host: host ref, network: network ref, evacuate_batch_size: int)` → `void`, also as a task.
   * Left out: network is `"OpaqueRef:NULL"`, evacuate_batch_size is `0`.
   */
  evacuate(host: HostRef, network: NetworkRef, callOptions?: CallOptions): Promise<void>
  /**
   * `host.evacuate(host: host ref, network: network ref, evacuate_batch_size: int)` → `void`, also as a task.
   * Left out: network is `"OpaqueRef:NULL"`, evacuate_batch_size is `0`.
   */
  evacuate(host: HostRef, network: NetworkRef, evacuate_batch_size: number, callOptions?: CallOptions): Promise<void>
  /**
   * `host.get_uncooperative_resident_VMs(self: host ref)` → `VM ref set`, also as a task.
   * @deprecated by the server
   */
  get_uncooperative_resident_VMs(self: HostRef, callOptions?: CallOptions): Promise<readonly VmRef[]>
  /** `host.get_vms_which_prevent_evacuation(self: host ref)` → `(VM ref -> string set) map`, also as a task. */
  get_vms_which_prevent_evacuation(
    self: HostRef,
    callOptions?: CallOptions,
  ): Promise<Readonly<Record<string, readonly string[]>>>
  /** `host.assert_can_evacuate(host: host ref)` → `void`, also as a task. */
  assert_can_evacuate(host: HostRef, callOptions?: CallOptions): Promise<void>
  /** `host.forget_data_source_archives(host: host ref, data_source: string)` → `void`. */
  forget_data_source_archives(host: HostRef, data_source: string, callOptions?: CallOptions): Promise<void>
  /** `host.query_data_source(host: host ref, data_source: string)` → `float`. */
  query_data_source(host: HostRef, data_source: string, callOptions?: CallOptions): Promise<number>
  /** `host.record_data_source(host: host ref, data_source: string)` → `void`. */
  record_data_source(host: HostRef, data_source: string, callOptions?: CallOptions): Promise<void>
  /** `host.get_data_sources(host: host ref)` → `data_source record set`. */
  get_data_sources(host: HostRef, callOptions?: CallOptions): Promise<readonly Readonly<Record<string, unknown>>[]>
  /**
   * `host.emergency_ha_disable(soft: bool)` → `void`.
   * Left out: soft is `false`.
   */
  emergency_ha_disable(callOptions?: CallOptions): Promise<void>
  /**
   * `host.emergency_ha_disable(soft: bool)` → `void`.
   * Left out: soft is `false`.
   */
  emergency_ha_disable(soft: boolean, callOptions?: CallOptions): Promise<void>
  /** `host.power_on(host: host ref)` → `void`, also as a task. */
  power_on(host: HostRef, callOptions?: CallOptions): Promise<void>
  /**
   * Removes the host.
   * `host.destroy(self: host ref)` → `void`, also as a task.
   */
  destroy(self: HostRef, callOptions?: CallOptions): Promise<void>
  /** `host.license_remove(host: host ref)` → `void`, also as a task. */
  license_remove(host: HostRef, callOptions?: CallOptions): Promise<void>
  /**
   * `host.license_add(host: host ref, contents: string)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: LICENSE_PROCESSING_ERROR
   */
  license_add(host: HostRef, contents: string, callOptions?: CallOptions): Promise<void>
  /**
   * `host.license_apply(host: host ref, contents: string)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: LICENSE_PROCESSING_ERROR
   * State: removed.
   */
  license_apply(host: HostRef, contents: string, callOptions?: CallOptions): Promise<void>
  /** `host.list_methods()` → `string set`. */
  list_methods(callOptions?: CallOptions): Promise<readonly string[]>
  /** `host.bugreport_upload(host: host ref, url: string, options: (string -> string) map)` → `void`, also as a task. */
  bugreport_upload(
    host: HostRef,
    url: string,
    options: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<void>
  /** `host.send_debug_keys(host: host ref, keys: string)` → `void`, also as a task. */
  send_debug_keys(host: HostRef, keys: string, callOptions?: CallOptions): Promise<void>
  /** `host.get_log(host: host ref)` → `string`, also as a task. */
  get_log(host: HostRef, callOptions?: CallOptions): Promise<string>
  /** `host.dmesg_clear(host: host ref)` → `string`, also as a task. */
  dmesg_clear(host: HostRef, callOptions?: CallOptions): Promise<string>
  /** `host.dmesg(host: host ref)` → `string`, also as a task. */
  dmesg(host: HostRef, callOptions?: CallOptions): Promise<string>
  /** `host.reboot(host: host ref)` → `void`, also as a task. */
  reboot(host: HostRef, callOptions?: CallOptions): Promise<void>
  /** `host.shutdown(host: host ref)` → `void`, also as a task. */
  shutdown(host: HostRef, callOptions?: CallOptions): Promise<void>
  /** `host.enable(host: host ref)` → `void`, also as a task. */
  enable(host: HostRef, callOptions?: CallOptions): Promise<void>
  /** `host.disable(host: host ref)` → `void`, also as a task. */
  disable(host: HostRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `display`.
   * `host.set_display(self: host ref, value: enum host_display)` → `void`.
   */
  set_display(self: HostRef, value: HostDisplay, callOptions?: CallOptions): Promise<void>
  /**
   * Takes a key out of `guest_VCPUs_params`; a missing one is no failure.
   * `host.remove_from_guest_VCPUs_params(self: host ref, key: string)` → `void`.
   */
  remove_from_guest_VCPUs_params(self: HostRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `guest_VCPUs_params`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `host.add_to_guest_VCPUs_params(self: host ref, key: string, value: string)` → `void`.
   */
  add_to_guest_VCPUs_params(self: HostRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `guest_VCPUs_params`.
   * `host.set_guest_VCPUs_params(self: host ref, value: (string -> string) map)` → `void`.
   */
  set_guest_VCPUs_params(
    self: HostRef,
    value: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * Takes a key out of `license_server`; a missing one is no failure.
   * `host.remove_from_license_server(self: host ref, key: string)` → `void`.
   */
  remove_from_license_server(self: HostRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `license_server`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `host.add_to_license_server(self: host ref, key: string, value: string)` → `void`.
   */
  add_to_license_server(self: HostRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `license_server`.
   * `host.set_license_server(self: host ref, value: (string -> string) map)` → `void`.
   */
  set_license_server(self: HostRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /**
   * Takes a value out of the set `tags`.
   * `host.remove_tags(self: host ref, value: string)` → `void`.
   */
  remove_tags(self: HostRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a value to the set `tags`.
   * `host.add_tags(self: host ref, value: string)` → `void`.
   */
  add_tags(self: HostRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `tags`.
   * `host.set_tags(self: host ref, value: string set)` → `void`.
   */
  set_tags(self: HostRef, value: readonly string[], callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `address`: management address; HOST_IS_SLAVE and 302 redirects use it.
   * `host.set_address(self: host ref, value: string)` → `void`.
   */
  set_address(self: HostRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `hostname`.
   * `host.set_hostname(self: host ref, value: string)` → `void`.
   */
  set_hostname(self: HostRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `crash_dump_sr`.
   * `host.set_crash_dump_sr(self: host ref, value: SR ref)` → `void`.
   */
  set_crash_dump_sr(self: HostRef, value: SrRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `suspend_image_sr`.
   * `host.set_suspend_image_sr(self: host ref, value: SR ref)` → `void`.
   */
  set_suspend_image_sr(self: HostRef, value: SrRef, callOptions?: CallOptions): Promise<void>
  /**
   * Takes a key out of `logging`; a missing one is no failure.
   * `host.remove_from_logging(self: host ref, key: string)` → `void`.
   */
  remove_from_logging(self: HostRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `logging`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `host.add_to_logging(self: host ref, key: string, value: string)` → `void`.
   */
  add_to_logging(self: HostRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `logging`.
   * `host.set_logging(self: host ref, value: (string -> string) map)` → `void`.
   */
  set_logging(self: HostRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /**
   * Takes a key out of `other_config`; a missing one is no failure.
   * `host.remove_from_other_config(self: host ref, key: string)` → `void`.
   */
  remove_from_other_config(self: HostRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `other_config`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `host.add_to_other_config(self: host ref, key: string, value: string)` → `void`.
   */
  add_to_other_config(self: HostRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `other_config`.
   * `host.set_other_config(self: host ref, value: (string -> string) map)` → `void`.
   */
  set_other_config(self: HostRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `name_description`.
   * `host.set_name_description(self: host ref, value: string)` → `void`.
   */
  set_name_description(self: HostRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `name_label`.
   * `host.set_name_label(self: host ref, value: string)` → `void`.
   */
  set_name_label(self: HostRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Reads the field `last_update_hash`.
   * `host.get_last_update_hash(self: host ref)` → `string`.
   * State: prototyped.
   */
  get_last_update_hash(self: HostRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `pending_guidances_full`.
   * `host.get_pending_guidances_full(self: host ref)` → `enum update_guidances set`.
   * State: prototyped.
   */
  get_pending_guidances_full(self: HostRef, callOptions?: CallOptions): Promise<readonly UpdateGuidances[]>
  /**
   * Reads the field `pending_guidances_recommended`.
   * `host.get_pending_guidances_recommended(self: host ref)` → `enum update_guidances set`.
   * State: prototyped.
   */
  get_pending_guidances_recommended(self: HostRef, callOptions?: CallOptions): Promise<readonly UpdateGuidances[]>
  /**
   * Reads the field `numa_affinity_policy`.
   * `host.get_numa_affinity_policy(self: host ref)` → `enum host_numa_affinity_policy`.
   * State: prototyped.
   */
  get_numa_affinity_policy(self: HostRef, callOptions?: CallOptions): Promise<HostNumaAffinityPolicy>
  /**
   * Reads the field `latest_synced_updates_applied`.
   * `host.get_latest_synced_updates_applied(self: host ref)` → `enum latest_synced_updates_applied_state`.
   * State: prototyped.
   */
  get_latest_synced_updates_applied(self: HostRef, callOptions?: CallOptions): Promise<LatestSyncedUpdatesAppliedState>
  /**
   * Reads the field `https_only`.
   * `host.get_https_only(self: host ref)` → `bool`.
   * State: prototyped.
   */
  get_https_only(self: HostRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `last_software_update`.
   * `host.get_last_software_update(self: host ref)` → `datetime`.
   * State: prototyped.
   */
  get_last_software_update(self: HostRef, callOptions?: CallOptions): Promise<Date>
  /**
   * Reads the field `tls_verification_enabled`.
   * `host.get_tls_verification_enabled(self: host ref)` → `bool`.
   */
  get_tls_verification_enabled(self: HostRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `pending_guidances`.
   * `host.get_pending_guidances(self: host ref)` → `enum update_guidances set`.
   */
  get_pending_guidances(self: HostRef, callOptions?: CallOptions): Promise<readonly UpdateGuidances[]>
  /**
   * Reads the field `editions`.
   * `host.get_editions(self: host ref)` → `string set`.
   */
  get_editions(self: HostRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Reads the field `certificates`.
   * `host.get_certificates(self: host ref)` → `Certificate ref set`.
   */
  get_certificates(self: HostRef, callOptions?: CallOptions): Promise<readonly CertificateRef[]>
  /**
   * Reads the field `uefi_certificates`.
   * `host.get_uefi_certificates(self: host ref)` → `string`.
   * @deprecated by the server
   */
  get_uefi_certificates(self: HostRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `multipathing`.
   * `host.get_multipathing(self: host ref)` → `bool`.
   */
  get_multipathing(self: HostRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `iscsi_iqn`.
   * `host.get_iscsi_iqn(self: host ref)` → `string`.
   */
  get_iscsi_iqn(self: HostRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `features`.
   * `host.get_features(self: host ref)` → `Feature ref set`.
   */
  get_features(self: HostRef, callOptions?: CallOptions): Promise<readonly FeatureRef[]>
  /**
   * Reads the field `updates_requiring_reboot`.
   * `host.get_updates_requiring_reboot(self: host ref)` → `pool_update ref set`.
   */
  get_updates_requiring_reboot(self: HostRef, callOptions?: CallOptions): Promise<readonly PoolUpdateRef[]>
  /**
   * Reads the field `control_domain`: dom0 VM that carries the VBDs of NBD and HTTP transfers.
   * `host.get_control_domain(self: host ref)` → `VM ref`.
   */
  get_control_domain(self: HostRef, callOptions?: CallOptions): Promise<VmRef>
  /**
   * Reads the field `virtual_hardware_platform_versions`.
   * `host.get_virtual_hardware_platform_versions(self: host ref)` → `int set`.
   */
  get_virtual_hardware_platform_versions(self: HostRef, callOptions?: CallOptions): Promise<readonly number[]>
  /**
   * Reads the field `display`.
   * `host.get_display(self: host ref)` → `enum host_display`.
   */
  get_display(self: HostRef, callOptions?: CallOptions): Promise<HostDisplay>
  /**
   * Reads the field `guest_VCPUs_params`.
   * `host.get_guest_VCPUs_params(self: host ref)` → `(string -> string) map`.
   */
  get_guest_VCPUs_params(self: HostRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `ssl_legacy`.
   * `host.get_ssl_legacy(self: host ref)` → `bool`.
   * @deprecated by the server
   */
  get_ssl_legacy(self: HostRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `PUSBs`.
   * `host.get_PUSBs(self: host ref)` → `PUSB ref set`.
   */
  get_PUSBs(self: HostRef, callOptions?: CallOptions): Promise<readonly PusbRef[]>
  /**
   * Reads the field `PGPUs`.
   * `host.get_PGPUs(self: host ref)` → `PGPU ref set`.
   */
  get_PGPUs(self: HostRef, callOptions?: CallOptions): Promise<readonly PgpuRef[]>
  /**
   * Reads the field `PCIs`.
   * `host.get_PCIs(self: host ref)` → `PCI ref set`.
   */
  get_PCIs(self: HostRef, callOptions?: CallOptions): Promise<readonly PciRef[]>
  /**
   * Reads the field `chipset_info`.
   * `host.get_chipset_info(self: host ref)` → `(string -> string) map`.
   */
  get_chipset_info(self: HostRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `local_cache_sr`.
   * `host.get_local_cache_sr(self: host ref)` → `SR ref`.
   */
  get_local_cache_sr(self: HostRef, callOptions?: CallOptions): Promise<SrRef>
  /**
   * Reads the field `power_on_config`.
   * `host.get_power_on_config(self: host ref)` → `(string -> string) map`.
   */
  get_power_on_config(self: HostRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `power_on_mode`.
   * `host.get_power_on_mode(self: host ref)` → `string`.
   */
  get_power_on_mode(self: HostRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `bios_strings`.
   * `host.get_bios_strings(self: host ref)` → `(string -> string) map`.
   */
  get_bios_strings(self: HostRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `license_server`.
   * `host.get_license_server(self: host ref)` → `(string -> string) map`.
   */
  get_license_server(self: HostRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `edition`.
   * `host.get_edition(self: host ref)` → `string`.
   */
  get_edition(self: HostRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `external_auth_configuration`.
   * `host.get_external_auth_configuration(self: host ref)` → `(string -> string) map`.
   */
  get_external_auth_configuration(self: HostRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `external_auth_service_name`.
   * `host.get_external_auth_service_name(self: host ref)` → `string`.
   */
  get_external_auth_service_name(self: HostRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `external_auth_type`.
   * `host.get_external_auth_type(self: host ref)` → `string`.
   */
  get_external_auth_type(self: HostRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `tags`.
   * `host.get_tags(self: host ref)` → `string set`.
   */
  get_tags(self: HostRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Reads the field `blobs`.
   * `host.get_blobs(self: host ref)` → `(string -> blob ref) map`.
   */
  get_blobs(self: HostRef, callOptions?: CallOptions): Promise<Readonly<Record<string, BlobRef>>>
  /**
   * Reads the field `ha_network_peers`.
   * `host.get_ha_network_peers(self: host ref)` → `string set`.
   */
  get_ha_network_peers(self: HostRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Reads the field `ha_statefiles`.
   * `host.get_ha_statefiles(self: host ref)` → `string set`.
   */
  get_ha_statefiles(self: HostRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Reads the field `license_params`.
   * `host.get_license_params(self: host ref)` → `(string -> string) map`.
   */
  get_license_params(self: HostRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `metrics`.
   * `host.get_metrics(self: host ref)` → `host_metrics ref`.
   */
  get_metrics(self: HostRef, callOptions?: CallOptions): Promise<HostMetricsRef>
  /**
   * Reads the field `address`: management address; HOST_IS_SLAVE and 302 redirects use it.
   * `host.get_address(self: host ref)` → `string`.
   */
  get_address(self: HostRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `hostname`.
   * `host.get_hostname(self: host ref)` → `string`.
   */
  get_hostname(self: HostRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `cpu_info`.
   * `host.get_cpu_info(self: host ref)` → `(string -> string) map`.
   */
  get_cpu_info(self: HostRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `host_CPUs`.
   * `host.get_host_CPUs(self: host ref)` → `host_cpu ref set`.
   */
  get_host_CPUs(self: HostRef, callOptions?: CallOptions): Promise<readonly HostCpuRef[]>
  /**
   * Reads the field `PBDs`.
   * `host.get_PBDs(self: host ref)` → `PBD ref set`.
   */
  get_PBDs(self: HostRef, callOptions?: CallOptions): Promise<readonly PbdRef[]>
  /**
   * Reads the field `updates`.
   * `host.get_updates(self: host ref)` → `pool_update ref set`.
   */
  get_updates(self: HostRef, callOptions?: CallOptions): Promise<readonly PoolUpdateRef[]>
  /**
   * Reads the field `patches`.
   * `host.get_patches(self: host ref)` → `host_patch ref set`.
   * @deprecated by the server
   */
  get_patches(self: HostRef, callOptions?: CallOptions): Promise<readonly HostPatchRef[]>
  /**
   * Reads the field `crashdumps`.
   * `host.get_crashdumps(self: host ref)` → `host_crashdump ref set`.
   */
  get_crashdumps(self: HostRef, callOptions?: CallOptions): Promise<readonly HostCrashdumpRef[]>
  /**
   * Reads the field `crash_dump_sr`.
   * `host.get_crash_dump_sr(self: host ref)` → `SR ref`.
   */
  get_crash_dump_sr(self: HostRef, callOptions?: CallOptions): Promise<SrRef>
  /**
   * Reads the field `suspend_image_sr`.
   * `host.get_suspend_image_sr(self: host ref)` → `SR ref`.
   */
  get_suspend_image_sr(self: HostRef, callOptions?: CallOptions): Promise<SrRef>
  /**
   * Reads the field `PIFs`.
   * `host.get_PIFs(self: host ref)` → `PIF ref set`.
   */
  get_PIFs(self: HostRef, callOptions?: CallOptions): Promise<readonly PifRef[]>
  /**
   * Reads the field `logging`.
   * `host.get_logging(self: host ref)` → `(string -> string) map`.
   */
  get_logging(self: HostRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `resident_VMs`.
   * `host.get_resident_VMs(self: host ref)` → `VM ref set`.
   */
  get_resident_VMs(self: HostRef, callOptions?: CallOptions): Promise<readonly VmRef[]>
  /**
   * Reads the field `supported_bootloaders`.
   * `host.get_supported_bootloaders(self: host ref)` → `string set`.
   */
  get_supported_bootloaders(self: HostRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Reads the field `sched_policy`.
   * `host.get_sched_policy(self: host ref)` → `string`.
   */
  get_sched_policy(self: HostRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `cpu_configuration`.
   * `host.get_cpu_configuration(self: host ref)` → `(string -> string) map`.
   */
  get_cpu_configuration(self: HostRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `capabilities`.
   * `host.get_capabilities(self: host ref)` → `string set`.
   */
  get_capabilities(self: HostRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Reads the field `other_config`.
   * `host.get_other_config(self: host ref)` → `(string -> string) map`.
   */
  get_other_config(self: HostRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `software_version`: product_version, product_brand, build_number, ... ; clients branch on it.
   * `host.get_software_version(self: host ref)` → `(string -> string) map`.
   */
  get_software_version(self: HostRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `enabled`.
   * `host.get_enabled(self: host ref)` → `bool`.
   */
  get_enabled(self: HostRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `API_version_vendor_implementation`.
   * `host.get_API_version_vendor_implementation(self: host ref)` → `(string -> string) map`.
   */
  get_API_version_vendor_implementation(
    self: HostRef,
    callOptions?: CallOptions,
  ): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `API_version_vendor`.
   * `host.get_API_version_vendor(self: host ref)` → `string`.
   */
  get_API_version_vendor(self: HostRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `API_version_minor`.
   * `host.get_API_version_minor(self: host ref)` → `int`.
   */
  get_API_version_minor(self: HostRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `API_version_major`.
   * `host.get_API_version_major(self: host ref)` → `int`.
   */
  get_API_version_major(self: HostRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `current_operations`.
   * `host.get_current_operations(self: host ref)` → `(string -> enum host_allowed_operations) map`.
   */
  get_current_operations(
    self: HostRef,
    callOptions?: CallOptions,
  ): Promise<Readonly<Record<string, HostAllowedOperations>>>
  /**
   * Reads the field `allowed_operations`.
   * `host.get_allowed_operations(self: host ref)` → `enum host_allowed_operations set`.
   */
  get_allowed_operations(self: HostRef, callOptions?: CallOptions): Promise<readonly HostAllowedOperations[]>
  /**
   * Reads the field `memory_overhead`.
   * `host.get_memory_overhead(self: host ref)` → `int`.
   */
  get_memory_overhead(self: HostRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `name_description`.
   * `host.get_name_description(self: host ref)` → `string`.
   */
  get_name_description(self: HostRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `name_label`.
   * `host.get_name_label(self: host ref)` → `string`.
   */
  get_name_label(self: HostRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `uuid`.
   * `host.get_uuid(self: host ref)` → `string`.
   */
  get_uuid(self: HostRef, callOptions?: CallOptions): Promise<string>
  /**
   * All host with this name; an empty set when there is none.
   * `host.get_by_name_label(label: string)` → `host ref set`.
   */
  get_by_name_label(label: string, callOptions?: CallOptions): Promise<readonly HostRef[]>
  /**
   * The host with this uuid; none is the failure UUID_INVALID.
   * `host.get_by_uuid(uuid: string)` → `host ref`.
   */
  get_by_uuid(uuid: string, callOptions?: CallOptions): Promise<HostRef>
  /**
   * All fields of one host.
   * `host.get_record(self: host ref)` → `host record`.
   */
  get_record(self: HostRef, callOptions?: CallOptions): Promise<HostRecord>
  /**
   * Not published; the records an expression selects.
   * `host.get_all_records_where(expr: string)` → `(host ref -> host record) map`.
   */
  get_all_records_where(expr: string, callOptions?: CallOptions): Promise<Readonly<Record<string, HostRecord>>>
}

/** Calls on host_metrics: measured state of a host. */
export interface HostMetricsCalls {
  /**
   * Every host_metrics of the pool with its record, by reference.
   * `host_metrics.get_all_records()` → `(host_metrics ref -> host_metrics record) map`.
   */
  get_all_records(callOptions?: CallOptions): Promise<Readonly<Record<string, HostMetricsRecord>>>
  /**
   * Every host_metrics of the pool.
   * `host_metrics.get_all()` → `host_metrics ref set`.
   */
  get_all(callOptions?: CallOptions): Promise<readonly HostMetricsRef[]>
  /**
   * Takes a key out of `other_config`; a missing one is no failure.
   * `host_metrics.remove_from_other_config(self: host_metrics ref, key: string)` → `void`.
   */
  remove_from_other_config(self: HostMetricsRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `other_config`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `host_metrics.add_to_other_config(self: host_metrics ref, key: string, value: string)` → `void`.
   */
  add_to_other_config(self: HostMetricsRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `other_config`.
   * `host_metrics.set_other_config(self: host_metrics ref, value: (string -> string) map)` → `void`.
   */
  set_other_config(
    self: HostMetricsRef,
    value: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * Reads the field `other_config`.
   * `host_metrics.get_other_config(self: host_metrics ref)` → `(string -> string) map`.
   */
  get_other_config(self: HostMetricsRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `last_updated`.
   * `host_metrics.get_last_updated(self: host_metrics ref)` → `datetime`.
   */
  get_last_updated(self: HostMetricsRef, callOptions?: CallOptions): Promise<Date>
  /**
   * Reads the field `live`.
   * `host_metrics.get_live(self: host_metrics ref)` → `bool`.
   */
  get_live(self: HostMetricsRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `memory_free`.
   * `host_metrics.get_memory_free(self: host_metrics ref)` → `int`.
   * State: removed.
   */
  get_memory_free(self: HostMetricsRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `memory_total`.
   * `host_metrics.get_memory_total(self: host_metrics ref)` → `int`.
   */
  get_memory_total(self: HostMetricsRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `uuid`.
   * `host_metrics.get_uuid(self: host_metrics ref)` → `string`.
   */
  get_uuid(self: HostMetricsRef, callOptions?: CallOptions): Promise<string>
  /**
   * The host_metrics with this uuid; none is the failure UUID_INVALID.
   * `host_metrics.get_by_uuid(uuid: string)` → `host_metrics ref`.
   */
  get_by_uuid(uuid: string, callOptions?: CallOptions): Promise<HostMetricsRef>
  /**
   * All fields of one host_metrics.
   * `host_metrics.get_record(self: host_metrics ref)` → `host_metrics record`.
   */
  get_record(self: HostMetricsRef, callOptions?: CallOptions): Promise<HostMetricsRecord>
  /**
   * Not published; the records an expression selects.
   * `host_metrics.get_all_records_where(expr: string)` → `(host_metrics ref -> host_metrics record) map`.
   */
  get_all_records_where(expr: string, callOptions?: CallOptions): Promise<Readonly<Record<string, HostMetricsRecord>>>
}

/** Calls on network: a virtual network of the pool. */
export interface NetworkCalls {
  /**
   * Every network of the pool with its record, by reference.
   * `network.get_all_records()` → `(network ref -> network record) map`.
   */
  get_all_records(callOptions?: CallOptions): Promise<Readonly<Record<string, NetworkRecord>>>
  /**
   * Every network of the pool.
   * `network.get_all()` → `network ref set`.
   */
  get_all(callOptions?: CallOptions): Promise<readonly NetworkRef[]>
  /**
   * Takes a value out of the set `purpose`: set of nbd or insecure_nbd, never both kinds in one pool.
   * `network.remove_purpose(self: network ref, value: enum network_purpose)` → `void`, also as a task.
   */
  remove_purpose(self: NetworkRef, value: NetworkPurpose, callOptions?: CallOptions): Promise<void>
  /**
   * Idempotent; mixing the two kinds fails.
   * `network.add_purpose(self: network ref, value: enum network_purpose)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: NETWORK_INCOMPATIBLE_PURPOSES
   */
  add_purpose(self: NetworkRef, value: NetworkPurpose, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `default_locking_mode`.
   * `network.set_default_locking_mode(network: network ref, value: enum network_default_locking_mode)` → `void`, also as a task.
   */
  set_default_locking_mode(
    network: NetworkRef,
    value: NetworkDefaultLockingMode,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `network.create_new_blob(network: network ref, name: string, mime_type: string, public: bool)` → `blob ref`, also as a task.
   * Left out: public is `false`.
   */
  create_new_blob(network: NetworkRef, name: string, mime_type: string, callOptions?: CallOptions): Promise<BlobRef>
  /**
   * `network.create_new_blob(network: network ref, name: string, mime_type: string, public: bool)` → `blob ref`, also as a task.
   * Left out: public is `false`.
   */
  create_new_blob(
    network: NetworkRef,
    name: string,
    mime_type: string,
    public_: boolean,
    callOptions?: CallOptions,
  ): Promise<BlobRef>
  /**
   * Takes a value out of the set `tags`.
   * `network.remove_tags(self: network ref, value: string)` → `void`.
   */
  remove_tags(self: NetworkRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a value to the set `tags`.
   * `network.add_tags(self: network ref, value: string)` → `void`.
   */
  add_tags(self: NetworkRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `tags`.
   * `network.set_tags(self: network ref, value: string set)` → `void`.
   */
  set_tags(self: NetworkRef, value: readonly string[], callOptions?: CallOptions): Promise<void>
  /**
   * Takes a key out of `other_config`; a missing one is no failure.
   * `network.remove_from_other_config(self: network ref, key: string)` → `void`.
   */
  remove_from_other_config(self: NetworkRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `other_config`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `network.add_to_other_config(self: network ref, key: string, value: string)` → `void`.
   */
  add_to_other_config(self: NetworkRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `other_config`.
   * `network.set_other_config(self: network ref, value: (string -> string) map)` → `void`.
   */
  set_other_config(self: NetworkRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `MTU`.
   * `network.set_MTU(self: network ref, value: int)` → `void`.
   */
  set_MTU(self: NetworkRef, value: number, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `name_description`.
   * `network.set_name_description(self: network ref, value: string)` → `void`.
   */
  set_name_description(self: NetworkRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `name_label`.
   * `network.set_name_label(self: network ref, value: string)` → `void`.
   */
  set_name_label(self: NetworkRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Reads the field `purpose`: set of nbd or insecure_nbd, never both kinds in one pool.
   * `network.get_purpose(self: network ref)` → `enum network_purpose set`.
   */
  get_purpose(self: NetworkRef, callOptions?: CallOptions): Promise<readonly NetworkPurpose[]>
  /**
   * Reads the field `assigned_ips`.
   * `network.get_assigned_ips(self: network ref)` → `(VIF ref -> string) map`.
   */
  get_assigned_ips(self: NetworkRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `default_locking_mode`.
   * `network.get_default_locking_mode(self: network ref)` → `enum network_default_locking_mode`.
   */
  get_default_locking_mode(self: NetworkRef, callOptions?: CallOptions): Promise<NetworkDefaultLockingMode>
  /**
   * Reads the field `tags`.
   * `network.get_tags(self: network ref)` → `string set`.
   */
  get_tags(self: NetworkRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Reads the field `blobs`.
   * `network.get_blobs(self: network ref)` → `(string -> blob ref) map`.
   */
  get_blobs(self: NetworkRef, callOptions?: CallOptions): Promise<Readonly<Record<string, BlobRef>>>
  /**
   * Reads the field `managed`.
   * `network.get_managed(self: network ref)` → `bool`.
   */
  get_managed(self: NetworkRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `bridge`.
   * `network.get_bridge(self: network ref)` → `string`.
   */
  get_bridge(self: NetworkRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `other_config`.
   * `network.get_other_config(self: network ref)` → `(string -> string) map`.
   */
  get_other_config(self: NetworkRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `MTU`.
   * `network.get_MTU(self: network ref)` → `int`.
   */
  get_MTU(self: NetworkRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `PIFs`.
   * `network.get_PIFs(self: network ref)` → `PIF ref set`.
   */
  get_PIFs(self: NetworkRef, callOptions?: CallOptions): Promise<readonly PifRef[]>
  /**
   * Reads the field `VIFs`.
   * `network.get_VIFs(self: network ref)` → `VIF ref set`.
   */
  get_VIFs(self: NetworkRef, callOptions?: CallOptions): Promise<readonly VifRef[]>
  /**
   * Reads the field `current_operations`.
   * `network.get_current_operations(self: network ref)` → `(string -> enum network_operations) map`.
   */
  get_current_operations(
    self: NetworkRef,
    callOptions?: CallOptions,
  ): Promise<Readonly<Record<string, NetworkOperations>>>
  /**
   * Reads the field `allowed_operations`.
   * `network.get_allowed_operations(self: network ref)` → `enum network_operations set`.
   */
  get_allowed_operations(self: NetworkRef, callOptions?: CallOptions): Promise<readonly NetworkOperations[]>
  /**
   * Reads the field `name_description`.
   * `network.get_name_description(self: network ref)` → `string`.
   */
  get_name_description(self: NetworkRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `name_label`.
   * `network.get_name_label(self: network ref)` → `string`.
   */
  get_name_label(self: NetworkRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `uuid`.
   * `network.get_uuid(self: network ref)` → `string`.
   */
  get_uuid(self: NetworkRef, callOptions?: CallOptions): Promise<string>
  /**
   * All network with this name; an empty set when there is none.
   * `network.get_by_name_label(label: string)` → `network ref set`.
   */
  get_by_name_label(label: string, callOptions?: CallOptions): Promise<readonly NetworkRef[]>
  /**
   * Removes the network.
   * `network.destroy(self: network ref)` → `void`, also as a task.
   */
  destroy(self: NetworkRef, callOptions?: CallOptions): Promise<void>
  /**
   * Makes a new network.
   * `network.create(args: network record)` → `network ref`, also as a task.
   */
  create(args: NetworkConstructor, callOptions?: CallOptions): Promise<NetworkRef>
  /**
   * The network with this uuid; none is the failure UUID_INVALID.
   * `network.get_by_uuid(uuid: string)` → `network ref`.
   */
  get_by_uuid(uuid: string, callOptions?: CallOptions): Promise<NetworkRef>
  /**
   * All fields of one network.
   * `network.get_record(self: network ref)` → `network record`.
   */
  get_record(self: NetworkRef, callOptions?: CallOptions): Promise<NetworkRecord>
  /**
   * Not published; the records an expression selects.
   * `network.get_all_records_where(expr: string)` → `(network ref -> network record) map`.
   */
  get_all_records_where(expr: string, callOptions?: CallOptions): Promise<Readonly<Record<string, NetworkRecord>>>
}

/** Calls on PIF: a network interface of a host, physical or virtual. */
export interface PifCalls {
  /**
   * Every PIF of the pool with its record, by reference.
   * `PIF.get_all_records()` → `(PIF ref -> PIF record) map`.
   */
  get_all_records(callOptions?: CallOptions): Promise<Readonly<Record<string, PifRecord>>>
  /**
   * Every PIF of the pool.
   * `PIF.get_all()` → `PIF ref set`.
   */
  get_all(callOptions?: CallOptions): Promise<readonly PifRef[]>
  /** `PIF.set_property(self: PIF ref, name: string, value: string)` → `void`, also as a task. */
  set_property(self: PifRef, name: string, value: string, callOptions?: CallOptions): Promise<void>
  /** `PIF.db_forget(self: PIF ref)` → `void`, also as a task. */
  db_forget(self: PifRef, callOptions?: CallOptions): Promise<void>
  /** `PIF.db_introduce(device: string, network: network ref, host: host ref, MAC: string, MTU: int, VLAN: int, physical: bool, ip_configuration_mode: enum ip_configuration_mode, IP: string, netmask: string, gateway: string, DNS: string, bond_slave_of: Bond ref, VLAN_master_of: VLAN ref, management: bool, other_config: (string -> string) map, disallow_unplug: bool, ipv6_configuration_mode: enum ipv6_configuration_mode, IPv6: string set, ipv6_gateway: string, primary_address_type: enum primary_address_type, managed: bool, properties: (string -> string) map)` → `PIF ref`, also as a task. */
  db_introduce(
    device: string,
    network: NetworkRef,
    host: HostRef,
    MAC: string,
    MTU: number,
    VLAN: number,
    physical: boolean,
    ip_configuration_mode: IpConfigurationMode,
    IP: string,
    netmask: string,
    gateway: string,
    DNS: string,
    bond_slave_of: BondRef,
    VLAN_master_of: VlanRef,
    management: boolean,
    other_config: Readonly<Record<string, string>>,
    disallow_unplug: boolean,
    ipv6_configuration_mode: Ipv6ConfigurationMode,
    IPv6: readonly string[],
    ipv6_gateway: string,
    primary_address_type: PrimaryAddressType,
    managed: boolean,
    properties: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<PifRef>
  /**
   * `PIF.plug(self: PIF ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: TRANSPORT_PIF_NOT_CONFIGURED
   */
  plug(self: PifRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `disallow_unplug`.
   * `PIF.set_disallow_unplug(self: PIF ref, value: bool)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: OTHER_OPERATION_IN_PROGRESS, CLUSTERING_ENABLED
   */
  set_disallow_unplug(self: PifRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * `PIF.unplug(self: PIF ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN, VIF_IN_USE, PIF_DOES_NOT_ALLOW_UNPLUG, PIF_HAS_FCOE_SR_IN_USE
   */
  unplug(self: PifRef, callOptions?: CallOptions): Promise<void>
  /**
   * `PIF.forget(self: PIF ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: PIF_TUNNEL_STILL_EXISTS, CLUSTERING_ENABLED
   */
  forget(self: PifRef, callOptions?: CallOptions): Promise<void>
  /** `PIF.introduce(host: host ref, MAC: string, device: string, managed: bool)` → `PIF ref`, also as a task. */
  introduce(host: HostRef, MAC: string, device: string, managed: boolean, callOptions?: CallOptions): Promise<PifRef>
  /** `PIF.scan(host: host ref)` → `void`, also as a task. */
  scan(host: HostRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `primary_address_type`.
   * `PIF.set_primary_address_type(self: PIF ref, primary_address_type: enum primary_address_type)` → `void`, also as a task.
   */
  set_primary_address_type(
    self: PifRef,
    primary_address_type: PrimaryAddressType,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `PIF.reconfigure_ipv6(self: PIF ref, mode: enum ipv6_configuration_mode, IPv6: string, gateway: string, DNS: string)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: CLUSTERING_ENABLED
   */
  reconfigure_ipv6(
    self: PifRef,
    mode: Ipv6ConfigurationMode,
    IPv6: string,
    gateway: string,
    DNS: string,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `PIF.reconfigure_ip(self: PIF ref, mode: enum ip_configuration_mode, IP: string, netmask: string, gateway: string, DNS: string)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: CLUSTERING_ENABLED
   */
  reconfigure_ip(
    self: PifRef,
    mode: IpConfigurationMode,
    IP: string,
    netmask: string,
    gateway: string,
    DNS: string,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * Removes the PIF.
   * `PIF.destroy(self: PIF ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: PIF_IS_PHYSICAL
   * @deprecated by the server
   */
  destroy(self: PifRef, callOptions?: CallOptions): Promise<void>
  /**
   * `PIF.create_VLAN(device: string, network: network ref, host: host ref, VLAN: int)` → `PIF ref`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VLAN_TAG_INVALID
   * @deprecated by the server
   */
  create_VLAN(
    device: string,
    network: NetworkRef,
    host: HostRef,
    VLAN: number,
    callOptions?: CallOptions,
  ): Promise<PifRef>
  /**
   * Takes a key out of `other_config`; a missing one is no failure.
   * `PIF.remove_from_other_config(self: PIF ref, key: string)` → `void`.
   */
  remove_from_other_config(self: PifRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `other_config`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `PIF.add_to_other_config(self: PIF ref, key: string, value: string)` → `void`.
   */
  add_to_other_config(self: PifRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `other_config`.
   * `PIF.set_other_config(self: PIF ref, value: (string -> string) map)` → `void`.
   */
  set_other_config(self: PifRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /**
   * Reads the field `PCI`.
   * `PIF.get_PCI(self: PIF ref)` → `PCI ref`.
   */
  get_PCI(self: PifRef, callOptions?: CallOptions): Promise<PciRef>
  /**
   * Reads the field `sriov_logical_PIF_of`.
   * `PIF.get_sriov_logical_PIF_of(self: PIF ref)` → `network_sriov ref set`.
   */
  get_sriov_logical_PIF_of(self: PifRef, callOptions?: CallOptions): Promise<readonly NetworkSriovRef[]>
  /**
   * Reads the field `sriov_physical_PIF_of`.
   * `PIF.get_sriov_physical_PIF_of(self: PIF ref)` → `network_sriov ref set`.
   */
  get_sriov_physical_PIF_of(self: PifRef, callOptions?: CallOptions): Promise<readonly NetworkSriovRef[]>
  /**
   * Reads the field `igmp_snooping_status`.
   * `PIF.get_igmp_snooping_status(self: PIF ref)` → `enum pif_igmp_status`.
   */
  get_igmp_snooping_status(self: PifRef, callOptions?: CallOptions): Promise<PifIgmpStatus>
  /**
   * Reads the field `capabilities`.
   * `PIF.get_capabilities(self: PIF ref)` → `string set`.
   */
  get_capabilities(self: PifRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Reads the field `properties`.
   * `PIF.get_properties(self: PIF ref)` → `(string -> string) map`.
   */
  get_properties(self: PifRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `managed`.
   * `PIF.get_managed(self: PIF ref)` → `bool`.
   */
  get_managed(self: PifRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `primary_address_type`.
   * `PIF.get_primary_address_type(self: PIF ref)` → `enum primary_address_type`.
   */
  get_primary_address_type(self: PifRef, callOptions?: CallOptions): Promise<PrimaryAddressType>
  /**
   * Reads the field `ipv6_gateway`.
   * `PIF.get_ipv6_gateway(self: PIF ref)` → `string`.
   */
  get_ipv6_gateway(self: PifRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `IPv6`: IPv6 addresses with prefix length.
   * `PIF.get_IPv6(self: PIF ref)` → `string set`.
   */
  get_IPv6(self: PifRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Reads the field `ipv6_configuration_mode`.
   * `PIF.get_ipv6_configuration_mode(self: PIF ref)` → `enum ipv6_configuration_mode`.
   */
  get_ipv6_configuration_mode(self: PifRef, callOptions?: CallOptions): Promise<Ipv6ConfigurationMode>
  /**
   * Reads the field `tunnel_transport_PIF_of`.
   * `PIF.get_tunnel_transport_PIF_of(self: PIF ref)` → `tunnel ref set`.
   */
  get_tunnel_transport_PIF_of(self: PifRef, callOptions?: CallOptions): Promise<readonly TunnelRef[]>
  /**
   * Reads the field `tunnel_access_PIF_of`.
   * `PIF.get_tunnel_access_PIF_of(self: PIF ref)` → `tunnel ref set`.
   */
  get_tunnel_access_PIF_of(self: PifRef, callOptions?: CallOptions): Promise<readonly TunnelRef[]>
  /**
   * Reads the field `disallow_unplug`.
   * `PIF.get_disallow_unplug(self: PIF ref)` → `bool`.
   */
  get_disallow_unplug(self: PifRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `other_config`.
   * `PIF.get_other_config(self: PIF ref)` → `(string -> string) map`.
   */
  get_other_config(self: PifRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `management`.
   * `PIF.get_management(self: PIF ref)` → `bool`.
   */
  get_management(self: PifRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `VLAN_slave_of`.
   * `PIF.get_VLAN_slave_of(self: PIF ref)` → `VLAN ref set`.
   */
  get_VLAN_slave_of(self: PifRef, callOptions?: CallOptions): Promise<readonly VlanRef[]>
  /**
   * Reads the field `VLAN_master_of`.
   * `PIF.get_VLAN_master_of(self: PIF ref)` → `VLAN ref`.
   */
  get_VLAN_master_of(self: PifRef, callOptions?: CallOptions): Promise<VlanRef>
  /**
   * Reads the field `bond_master_of`.
   * `PIF.get_bond_master_of(self: PIF ref)` → `Bond ref set`.
   */
  get_bond_master_of(self: PifRef, callOptions?: CallOptions): Promise<readonly BondRef[]>
  /**
   * Reads the field `bond_slave_of`.
   * `PIF.get_bond_slave_of(self: PIF ref)` → `Bond ref`.
   */
  get_bond_slave_of(self: PifRef, callOptions?: CallOptions): Promise<BondRef>
  /**
   * Reads the field `DNS`.
   * `PIF.get_DNS(self: PIF ref)` → `string`.
   */
  get_DNS(self: PifRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `gateway`.
   * `PIF.get_gateway(self: PIF ref)` → `string`.
   */
  get_gateway(self: PifRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `netmask`.
   * `PIF.get_netmask(self: PIF ref)` → `string`.
   */
  get_netmask(self: PifRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `IP`: IPv4 address; one NBD info record is produced per address.
   * `PIF.get_IP(self: PIF ref)` → `string`.
   */
  get_IP(self: PifRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `ip_configuration_mode`.
   * `PIF.get_ip_configuration_mode(self: PIF ref)` → `enum ip_configuration_mode`.
   */
  get_ip_configuration_mode(self: PifRef, callOptions?: CallOptions): Promise<IpConfigurationMode>
  /**
   * Reads the field `currently_attached`: only attached PIFs contribute NBD addresses.
   * `PIF.get_currently_attached(self: PIF ref)` → `bool`.
   */
  get_currently_attached(self: PifRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `physical`.
   * `PIF.get_physical(self: PIF ref)` → `bool`.
   */
  get_physical(self: PifRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `metrics`.
   * `PIF.get_metrics(self: PIF ref)` → `PIF_metrics ref`.
   */
  get_metrics(self: PifRef, callOptions?: CallOptions): Promise<PifMetricsRef>
  /**
   * Reads the field `VLAN`.
   * `PIF.get_VLAN(self: PIF ref)` → `int`.
   */
  get_VLAN(self: PifRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `MTU`.
   * `PIF.get_MTU(self: PIF ref)` → `int`.
   */
  get_MTU(self: PifRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `MAC`.
   * `PIF.get_MAC(self: PIF ref)` → `string`.
   */
  get_MAC(self: PifRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `host`.
   * `PIF.get_host(self: PIF ref)` → `host ref`.
   */
  get_host(self: PifRef, callOptions?: CallOptions): Promise<HostRef>
  /**
   * Reads the field `network`.
   * `PIF.get_network(self: PIF ref)` → `network ref`.
   */
  get_network(self: PifRef, callOptions?: CallOptions): Promise<NetworkRef>
  /**
   * Reads the field `device`.
   * `PIF.get_device(self: PIF ref)` → `string`.
   */
  get_device(self: PifRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `uuid`.
   * `PIF.get_uuid(self: PIF ref)` → `string`.
   */
  get_uuid(self: PifRef, callOptions?: CallOptions): Promise<string>
  /**
   * The PIF with this uuid; none is the failure UUID_INVALID.
   * `PIF.get_by_uuid(uuid: string)` → `PIF ref`.
   */
  get_by_uuid(uuid: string, callOptions?: CallOptions): Promise<PifRef>
  /**
   * All fields of one PIF.
   * `PIF.get_record(self: PIF ref)` → `PIF record`.
   */
  get_record(self: PifRef, callOptions?: CallOptions): Promise<PifRecord>
  /**
   * Not published; the records an expression selects.
   * `PIF.get_all_records_where(expr: string)` → `(PIF ref -> PIF record) map`.
   */
  get_all_records_where(expr: string, callOptions?: CallOptions): Promise<Readonly<Record<string, PifRecord>>>
}

/** Calls on PBD: the connection of one host to one storage repository. */
export interface PbdCalls {
  /**
   * Every PBD of the pool with its record, by reference.
   * `PBD.get_all_records()` → `(PBD ref -> PBD record) map`.
   */
  get_all_records(callOptions?: CallOptions): Promise<Readonly<Record<string, PbdRecord>>>
  /**
   * Every PBD of the pool.
   * `PBD.get_all()` → `PBD ref set`.
   */
  get_all(callOptions?: CallOptions): Promise<readonly PbdRef[]>
  /**
   * Replaces the field `device_config`.
   * `PBD.set_device_config(self: PBD ref, value: (string -> string) map)` → `void`, also as a task.
   */
  set_device_config(self: PbdRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /** `PBD.unplug(self: PBD ref)` → `void`, also as a task. */
  unplug(self: PbdRef, callOptions?: CallOptions): Promise<void>
  /**
   * `PBD.plug(self: PBD ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: SR_UNKNOWN_DRIVER
   */
  plug(self: PbdRef, callOptions?: CallOptions): Promise<void>
  /**
   * Takes a key out of `other_config`; a missing one is no failure.
   * `PBD.remove_from_other_config(self: PBD ref, key: string)` → `void`.
   */
  remove_from_other_config(self: PbdRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `other_config`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `PBD.add_to_other_config(self: PBD ref, key: string, value: string)` → `void`.
   */
  add_to_other_config(self: PbdRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `other_config`.
   * `PBD.set_other_config(self: PBD ref, value: (string -> string) map)` → `void`.
   */
  set_other_config(self: PbdRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /**
   * Reads the field `other_config`.
   * `PBD.get_other_config(self: PBD ref)` → `(string -> string) map`.
   */
  get_other_config(self: PbdRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `currently_attached`: storage is usable on that host only when true.
   * `PBD.get_currently_attached(self: PBD ref)` → `bool`.
   */
  get_currently_attached(self: PbdRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `device_config`.
   * `PBD.get_device_config(self: PBD ref)` → `(string -> string) map`.
   */
  get_device_config(self: PbdRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `SR`.
   * `PBD.get_SR(self: PBD ref)` → `SR ref`.
   */
  get_SR(self: PbdRef, callOptions?: CallOptions): Promise<SrRef>
  /**
   * Reads the field `host`.
   * `PBD.get_host(self: PBD ref)` → `host ref`.
   */
  get_host(self: PbdRef, callOptions?: CallOptions): Promise<HostRef>
  /**
   * Reads the field `uuid`.
   * `PBD.get_uuid(self: PBD ref)` → `string`.
   */
  get_uuid(self: PbdRef, callOptions?: CallOptions): Promise<string>
  /**
   * Removes the PBD.
   * `PBD.destroy(self: PBD ref)` → `void`, also as a task.
   */
  destroy(self: PbdRef, callOptions?: CallOptions): Promise<void>
  /**
   * Makes a new PBD.
   * `PBD.create(args: PBD record)` → `PBD ref`, also as a task.
   */
  create(args: PbdConstructor, callOptions?: CallOptions): Promise<PbdRef>
  /**
   * The PBD with this uuid; none is the failure UUID_INVALID.
   * `PBD.get_by_uuid(uuid: string)` → `PBD ref`.
   */
  get_by_uuid(uuid: string, callOptions?: CallOptions): Promise<PbdRef>
  /**
   * All fields of one PBD.
   * `PBD.get_record(self: PBD ref)` → `PBD record`.
   */
  get_record(self: PbdRef, callOptions?: CallOptions): Promise<PbdRecord>
  /**
   * Not published; the records an expression selects.
   * `PBD.get_all_records_where(expr: string)` → `(PBD ref -> PBD record) map`.
   */
  get_all_records_where(expr: string, callOptions?: CallOptions): Promise<Readonly<Record<string, PbdRecord>>>
}

/** Calls on SR: a storage repository: where virtual disks live. */
export interface SrCalls {
  /**
   * Every SR of the pool with its record, by reference.
   * `SR.get_all_records()` → `(SR ref -> SR record) map`.
   */
  get_all_records(callOptions?: CallOptions): Promise<Readonly<Record<string, SrRecord>>>
  /**
   * Every SR of the pool.
   * `SR.get_all()` → `SR ref set`.
   */
  get_all(callOptions?: CallOptions): Promise<readonly SrRef[]>
  /** `SR.forget_data_source_archives(sr: SR ref, data_source: string)` → `void`. */
  forget_data_source_archives(sr: SrRef, data_source: string, callOptions?: CallOptions): Promise<void>
  /** `SR.query_data_source(sr: SR ref, data_source: string)` → `float`. */
  query_data_source(sr: SrRef, data_source: string, callOptions?: CallOptions): Promise<number>
  /** `SR.record_data_source(sr: SR ref, data_source: string)` → `void`. */
  record_data_source(sr: SrRef, data_source: string, callOptions?: CallOptions): Promise<void>
  /** `SR.get_data_sources(sr: SR ref)` → `data_source record set`. */
  get_data_sources(sr: SrRef, callOptions?: CallOptions): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** `SR.disable_database_replication(sr: SR ref)` → `void`, also as a task. */
  disable_database_replication(sr: SrRef, callOptions?: CallOptions): Promise<void>
  /** `SR.enable_database_replication(sr: SR ref)` → `void`, also as a task. */
  enable_database_replication(sr: SrRef, callOptions?: CallOptions): Promise<void>
  /** `SR.assert_supports_database_replication(sr: SR ref)` → `void`, also as a task. */
  assert_supports_database_replication(sr: SrRef, callOptions?: CallOptions): Promise<void>
  /** `SR.assert_can_host_ha_statefile(sr: SR ref)` → `void`, also as a task. */
  assert_can_host_ha_statefile(sr: SrRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `physical_size`.
   * `SR.set_physical_size(self: SR ref, value: int)` → `void`.
   */
  set_physical_size(self: SrRef, value: number, callOptions?: CallOptions): Promise<void>
  /**
   * `SR.create_new_blob(sr: SR ref, name: string, mime_type: string, public: bool)` → `blob ref`, also as a task.
   * Left out: public is `false`.
   */
  create_new_blob(sr: SrRef, name: string, mime_type: string, callOptions?: CallOptions): Promise<BlobRef>
  /**
   * `SR.create_new_blob(sr: SR ref, name: string, mime_type: string, public: bool)` → `blob ref`, also as a task.
   * Left out: public is `false`.
   */
  create_new_blob(
    sr: SrRef,
    name: string,
    mime_type: string,
    public_: boolean,
    callOptions?: CallOptions,
  ): Promise<BlobRef>
  /**
   * Replaces the field `name_description`.
   * `SR.set_name_description(sr: SR ref, value: string)` → `void`, also as a task.
   */
  set_name_description(sr: SrRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `name_label`.
   * `SR.set_name_label(sr: SR ref, value: string)` → `void`, also as a task.
   */
  set_name_label(sr: SrRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `shared`.
   * `SR.set_shared(sr: SR ref, value: bool)` → `void`, also as a task.
   */
  set_shared(sr: SrRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /** `SR.probe_ext(host: host ref, device_config: (string -> string) map, type: string, sm_config: (string -> string) map)` → `probe_result record set`, also as a task. */
  probe_ext(
    host: HostRef,
    device_config: Readonly<Record<string, string>>,
    type: string,
    sm_config: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** `SR.probe(host: host ref, device_config: (string -> string) map, type: string, sm_config: (string -> string) map)` → `string`, also as a task. */
  probe(
    host: HostRef,
    device_config: Readonly<Record<string, string>>,
    type: string,
    sm_config: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<string>
  /**
   * Asks the driver for the list of disks and updates records.
   * `SR.scan(sr: SR ref)` → `void`, also as a task.
   */
  scan(sr: SrRef, callOptions?: CallOptions): Promise<void>
  /** `SR.get_supported_types()` → `string set`. */
  get_supported_types(callOptions?: CallOptions): Promise<readonly string[]>
  /** `SR.update(sr: SR ref)` → `void`, also as a task. */
  update(sr: SrRef, callOptions?: CallOptions): Promise<void>
  /**
   * `SR.forget(sr: SR ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: SR_HAS_PBD
   */
  forget(sr: SrRef, callOptions?: CallOptions): Promise<void>
  /**
   * Removes the SR.
   * `SR.destroy(sr: SR ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: SR_HAS_PBD
   */
  destroy(sr: SrRef, callOptions?: CallOptions): Promise<void>
  /**
   * `SR.make(host: host ref, device_config: (string -> string) map, physical_size: int, name_label: string, name_description: string, type: string, content_type: string, sm_config: (string -> string) map)` → `string`, also as a task.
   * @deprecated by the server
   */
  make(
    host: HostRef,
    device_config: Readonly<Record<string, string>>,
    physical_size: number,
    name_label: string,
    name_description: string,
    type: string,
    content_type: string,
    sm_config: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<string>
  /** `SR.introduce(uuid: string, name_label: string, name_description: string, type: string, content_type: string, shared: bool, sm_config: (string -> string) map)` → `SR ref`, also as a task. */
  introduce(
    uuid: string,
    name_label: string,
    name_description: string,
    type: string,
    content_type: string,
    shared: boolean,
    sm_config: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<SrRef>
  /**
   * Makes a new SR.
   * `SR.create(host: host ref, device_config: (string -> string) map, physical_size: int, name_label: string, name_description: string, type: string, content_type: string, shared: bool, sm_config: (string -> string) map)` → `SR ref`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: SR_UNKNOWN_DRIVER
   */
  create(
    host: HostRef,
    device_config: Readonly<Record<string, string>>,
    physical_size: number,
    name_label: string,
    name_description: string,
    type: string,
    content_type: string,
    shared: boolean,
    sm_config: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<SrRef>
  /**
   * Takes a key out of `sm_config`; a missing one is no failure.
   * `SR.remove_from_sm_config(self: SR ref, key: string)` → `void`.
   */
  remove_from_sm_config(self: SrRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `sm_config`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `SR.add_to_sm_config(self: SR ref, key: string, value: string)` → `void`.
   */
  add_to_sm_config(self: SrRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `sm_config`.
   * `SR.set_sm_config(self: SR ref, value: (string -> string) map)` → `void`.
   */
  set_sm_config(self: SrRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /**
   * Takes a value out of the set `tags`.
   * `SR.remove_tags(self: SR ref, value: string)` → `void`.
   */
  remove_tags(self: SrRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a value to the set `tags`.
   * `SR.add_tags(self: SR ref, value: string)` → `void`.
   */
  add_tags(self: SrRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `tags`.
   * `SR.set_tags(self: SR ref, value: string set)` → `void`.
   */
  set_tags(self: SrRef, value: readonly string[], callOptions?: CallOptions): Promise<void>
  /**
   * Takes a key out of `other_config`; a missing one is no failure.
   * `SR.remove_from_other_config(self: SR ref, key: string)` → `void`.
   */
  remove_from_other_config(self: SrRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `other_config`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `SR.add_to_other_config(self: SR ref, key: string, value: string)` → `void`.
   */
  add_to_other_config(self: SrRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `other_config`.
   * `SR.set_other_config(self: SR ref, value: (string -> string) map)` → `void`.
   */
  set_other_config(self: SrRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /**
   * Reads the field `is_tools_sr`.
   * `SR.get_is_tools_sr(self: SR ref)` → `bool`.
   */
  get_is_tools_sr(self: SrRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `clustered`.
   * `SR.get_clustered(self: SR ref)` → `bool`.
   */
  get_clustered(self: SrRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `introduced_by`.
   * `SR.get_introduced_by(self: SR ref)` → `DR_task ref`.
   */
  get_introduced_by(self: SrRef, callOptions?: CallOptions): Promise<DrTaskRef>
  /**
   * Reads the field `local_cache_enabled`.
   * `SR.get_local_cache_enabled(self: SR ref)` → `bool`.
   */
  get_local_cache_enabled(self: SrRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `blobs`.
   * `SR.get_blobs(self: SR ref)` → `(string -> blob ref) map`.
   */
  get_blobs(self: SrRef, callOptions?: CallOptions): Promise<Readonly<Record<string, BlobRef>>>
  /**
   * Reads the field `sm_config`.
   * `SR.get_sm_config(self: SR ref)` → `(string -> string) map`.
   */
  get_sm_config(self: SrRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `tags`.
   * `SR.get_tags(self: SR ref)` → `string set`.
   */
  get_tags(self: SrRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Reads the field `other_config`.
   * `SR.get_other_config(self: SR ref)` → `(string -> string) map`.
   */
  get_other_config(self: SrRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `shared`.
   * `SR.get_shared(self: SR ref)` → `bool`.
   */
  get_shared(self: SrRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `content_type`.
   * `SR.get_content_type(self: SR ref)` → `string`.
   */
  get_content_type(self: SrRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `type`: driver name, matches SM.type.
   * `SR.get_type(self: SR ref)` → `string`.
   */
  get_type(self: SrRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `physical_size`.
   * `SR.get_physical_size(self: SR ref)` → `int`.
   */
  get_physical_size(self: SrRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `physical_utilisation`.
   * `SR.get_physical_utilisation(self: SR ref)` → `int`.
   */
  get_physical_utilisation(self: SrRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `virtual_allocation`.
   * `SR.get_virtual_allocation(self: SR ref)` → `int`.
   */
  get_virtual_allocation(self: SrRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `PBDs`.
   * `SR.get_PBDs(self: SR ref)` → `PBD ref set`.
   */
  get_PBDs(self: SrRef, callOptions?: CallOptions): Promise<readonly PbdRef[]>
  /**
   * Reads the field `VDIs`.
   * `SR.get_VDIs(self: SR ref)` → `VDI ref set`.
   */
  get_VDIs(self: SrRef, callOptions?: CallOptions): Promise<readonly VdiRef[]>
  /**
   * Reads the field `current_operations`.
   * `SR.get_current_operations(self: SR ref)` → `(string -> enum storage_operations) map`.
   */
  get_current_operations(self: SrRef, callOptions?: CallOptions): Promise<Readonly<Record<string, StorageOperations>>>
  /**
   * Reads the field `allowed_operations`: lists the CBT operations when the driver has VDI_CONFIG_CBT.
   * `SR.get_allowed_operations(self: SR ref)` → `enum storage_operations set`.
   */
  get_allowed_operations(self: SrRef, callOptions?: CallOptions): Promise<readonly StorageOperations[]>
  /**
   * Reads the field `name_description`.
   * `SR.get_name_description(self: SR ref)` → `string`.
   */
  get_name_description(self: SrRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `name_label`.
   * `SR.get_name_label(self: SR ref)` → `string`.
   */
  get_name_label(self: SrRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `uuid`.
   * `SR.get_uuid(self: SR ref)` → `string`.
   */
  get_uuid(self: SrRef, callOptions?: CallOptions): Promise<string>
  /**
   * All SR with this name; an empty set when there is none.
   * `SR.get_by_name_label(label: string)` → `SR ref set`.
   */
  get_by_name_label(label: string, callOptions?: CallOptions): Promise<readonly SrRef[]>
  /**
   * The SR with this uuid; none is the failure UUID_INVALID.
   * `SR.get_by_uuid(uuid: string)` → `SR ref`.
   */
  get_by_uuid(uuid: string, callOptions?: CallOptions): Promise<SrRef>
  /**
   * All fields of one SR.
   * `SR.get_record(self: SR ref)` → `SR record`.
   */
  get_record(self: SrRef, callOptions?: CallOptions): Promise<SrRecord>
  /**
   * Not published; the records an expression selects.
   * `SR.get_all_records_where(expr: string)` → `(SR ref -> SR record) map`.
   */
  get_all_records_where(expr: string, callOptions?: CallOptions): Promise<Readonly<Record<string, SrRecord>>>
}

/** Calls on SM: a storage driver, with what it can do. */
export interface SmCalls {
  /**
   * Every SM of the pool with its record, by reference.
   * `SM.get_all_records()` → `(SM ref -> SM record) map`.
   */
  get_all_records(callOptions?: CallOptions): Promise<Readonly<Record<string, SmRecord>>>
  /**
   * Every SM of the pool.
   * `SM.get_all()` → `SM ref set`.
   */
  get_all(callOptions?: CallOptions): Promise<readonly SmRef[]>
  /**
   * Takes a key out of `other_config`; a missing one is no failure.
   * `SM.remove_from_other_config(self: SM ref, key: string)` → `void`.
   */
  remove_from_other_config(self: SmRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `other_config`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `SM.add_to_other_config(self: SM ref, key: string, value: string)` → `void`.
   */
  add_to_other_config(self: SmRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `other_config`.
   * `SM.set_other_config(self: SM ref, value: (string -> string) map)` → `void`.
   */
  set_other_config(self: SmRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /**
   * Reads the field `required_cluster_stack`.
   * `SM.get_required_cluster_stack(self: SM ref)` → `string set`.
   */
  get_required_cluster_stack(self: SmRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Reads the field `driver_filename`.
   * `SM.get_driver_filename(self: SM ref)` → `string`.
   */
  get_driver_filename(self: SmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `other_config`.
   * `SM.get_other_config(self: SM ref)` → `(string -> string) map`.
   */
  get_other_config(self: SmRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `features`: capability name -> version; VDI_CONFIG_CBT means changed block tracking.
   * `SM.get_features(self: SM ref)` → `(string -> int) map`.
   */
  get_features(self: SmRef, callOptions?: CallOptions): Promise<Readonly<Record<string, number>>>
  /**
   * Reads the field `capabilities`.
   * `SM.get_capabilities(self: SM ref)` → `string set`.
   * @deprecated by the server
   */
  get_capabilities(self: SmRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Reads the field `configuration`.
   * `SM.get_configuration(self: SM ref)` → `(string -> string) map`.
   */
  get_configuration(self: SmRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `required_api_version`.
   * `SM.get_required_api_version(self: SM ref)` → `string`.
   */
  get_required_api_version(self: SmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `version`.
   * `SM.get_version(self: SM ref)` → `string`.
   */
  get_version(self: SmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `copyright`.
   * `SM.get_copyright(self: SM ref)` → `string`.
   */
  get_copyright(self: SmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `vendor`.
   * `SM.get_vendor(self: SM ref)` → `string`.
   */
  get_vendor(self: SmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `type`.
   * `SM.get_type(self: SM ref)` → `string`.
   */
  get_type(self: SmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `name_description`.
   * `SM.get_name_description(self: SM ref)` → `string`.
   */
  get_name_description(self: SmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `name_label`.
   * `SM.get_name_label(self: SM ref)` → `string`.
   */
  get_name_label(self: SmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `uuid`.
   * `SM.get_uuid(self: SM ref)` → `string`.
   */
  get_uuid(self: SmRef, callOptions?: CallOptions): Promise<string>
  /**
   * All SM with this name; an empty set when there is none.
   * `SM.get_by_name_label(label: string)` → `SM ref set`.
   */
  get_by_name_label(label: string, callOptions?: CallOptions): Promise<readonly SmRef[]>
  /**
   * The SM with this uuid; none is the failure UUID_INVALID.
   * `SM.get_by_uuid(uuid: string)` → `SM ref`.
   */
  get_by_uuid(uuid: string, callOptions?: CallOptions): Promise<SmRef>
  /**
   * All fields of one SM.
   * `SM.get_record(self: SM ref)` → `SM record`.
   */
  get_record(self: SmRef, callOptions?: CallOptions): Promise<SmRecord>
  /**
   * Not published; the records an expression selects.
   * `SM.get_all_records_where(expr: string)` → `(SM ref -> SM record) map`.
   */
  get_all_records_where(expr: string, callOptions?: CallOptions): Promise<Readonly<Record<string, SmRecord>>>
}

/** Calls on VDI: virtual disk. */
export interface VdiCalls {
  /**
   * Every VDI of the pool with its record, by reference.
   * `VDI.get_all_records()` → `(VDI ref -> VDI record) map`.
   */
  get_all_records(callOptions?: CallOptions): Promise<Readonly<Record<string, VdiRecord>>>
  /**
   * Every VDI of the pool.
   * `VDI.get_all()` → `VDI ref set`.
   */
  get_all(callOptions?: CallOptions): Promise<readonly VdiRef[]>
  /**
   * One record per reachable address; empty list when no network carries an NBD purpose.
   * `VDI.get_nbd_info(self: VDI ref)` → `vdi_nbd_server_info record set`.
   * @throws XenApiError XENAPI_FAILURE: VDI_INCOMPATIBLE_TYPE
   */
  get_nbd_info(self: VdiRef, callOptions?: CallOptions): Promise<readonly VdiNbdServerInfoRecord[]>
  /**
   * Base64 bitmap, 64 KiB blocks, first block in the most significant bit; vdi_to must be the later one.
   * `VDI.list_changed_blocks(vdi_from: VDI ref, vdi_to: VDI ref)` → `string`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: SR_OPERATION_NOT_SUPPORTED, VDI_MISSING, SR_NOT_ATTACHED, SR_HAS_NO_PBDS, VDI_IN_USE
   */
  list_changed_blocks(vdi_from: VdiRef, vdi_to: VdiRef, callOptions?: CallOptions): Promise<string>
  /**
   * Keeps the record and its change log, deletes the data; no-op on a VDI that is cbt_metadata already.
   * `VDI.data_destroy(self: VDI ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: SR_OPERATION_NOT_SUPPORTED, VDI_MISSING, SR_NOT_ATTACHED, SR_HAS_NO_PBDS, OPERATION_NOT_ALLOWED, VDI_INCOMPATIBLE_TYPE, VDI_NO_CBT_METADATA, VDI_IN_USE, VDI_IS_A_PHYSICAL_DEVICE
   */
  data_destroy(self: VdiRef, callOptions?: CallOptions): Promise<void>
  /**
   * No-op when already off.
   * `VDI.disable_cbt(self: VDI ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: SR_OPERATION_NOT_SUPPORTED, VDI_MISSING, SR_NOT_ATTACHED, SR_HAS_NO_PBDS, OPERATION_NOT_ALLOWED, VDI_INCOMPATIBLE_TYPE, VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION
   */
  disable_cbt(self: VdiRef, callOptions?: CallOptions): Promise<void>
  /**
   * No-op when already on; refused on snapshots and on_boot=reset.
   * `VDI.enable_cbt(self: VDI ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: SR_OPERATION_NOT_SUPPORTED, VDI_MISSING, SR_NOT_ATTACHED, SR_HAS_NO_PBDS, OPERATION_NOT_ALLOWED, VDI_INCOMPATIBLE_TYPE, VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION
   */
  enable_cbt(self: VdiRef, callOptions?: CallOptions): Promise<void>
  /** `VDI.pool_migrate(vdi: VDI ref, sr: SR ref, options: (string -> string) map)` → `VDI ref`, also as a task. */
  pool_migrate(
    vdi: VdiRef,
    sr: SrRef,
    options: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<VdiRef>
  /** `VDI.read_database_pool_uuid(self: VDI ref)` → `string`, also as a task. */
  read_database_pool_uuid(self: VdiRef, callOptions?: CallOptions): Promise<string>
  /** `VDI.open_database(self: VDI ref)` → `session ref`, also as a task. */
  open_database(self: VdiRef, callOptions?: CallOptions): Promise<SessionRef>
  /**
   * Replaces the field `allow_caching`.
   * `VDI.set_allow_caching(self: VDI ref, value: bool)` → `void`, also as a task.
   */
  set_allow_caching(self: VdiRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `on_boot`: reset is incompatible with CBT.
   * `VDI.set_on_boot(self: VDI ref, value: enum on_boot)` → `void`, also as a task.
   */
  set_on_boot(self: VdiRef, value: OnBoot, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `name_description`.
   * `VDI.set_name_description(self: VDI ref, value: string)` → `void`, also as a task.
   */
  set_name_description(self: VdiRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `name_label`.
   * `VDI.set_name_label(self: VDI ref, value: string)` → `void`, also as a task.
   */
  set_name_label(self: VdiRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `read_only`.
   * `VDI.set_read_only(self: VDI ref, value: bool)` → `void`.
   */
  set_read_only(self: VdiRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `sharable`.
   * `VDI.set_sharable(self: VDI ref, value: bool)` → `void`.
   */
  set_sharable(self: VdiRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /** `VDI.forget(vdi: VDI ref)` → `void`, also as a task. */
  forget(vdi: VdiRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VDI.copy(vdi: VDI ref, sr: SR ref, base_vdi: VDI ref, into_vdi: VDI ref)` → `VDI ref`, also as a task.
   * Left out: sr is `"OpaqueRef:NULL"`, base_vdi is `"OpaqueRef:NULL"`, into_vdi is `"OpaqueRef:NULL"`.
   * @throws XenApiError XENAPI_FAILURE: VDI_READONLY, VDI_TOO_SMALL, VDI_NOT_SPARSE
   */
  copy(vdi: VdiRef, callOptions?: CallOptions): Promise<VdiRef>
  /**
   * `VDI.copy(vdi: VDI ref, sr: SR ref, base_vdi: VDI ref, into_vdi: VDI ref)` → `VDI ref`, also as a task.
   * Left out: sr is `"OpaqueRef:NULL"`, base_vdi is `"OpaqueRef:NULL"`, into_vdi is `"OpaqueRef:NULL"`.
   * @throws XenApiError XENAPI_FAILURE: VDI_READONLY, VDI_TOO_SMALL, VDI_NOT_SPARSE
   */
  copy(vdi: VdiRef, sr: SrRef, callOptions?: CallOptions): Promise<VdiRef>
  /**
   * `VDI.copy(vdi: VDI ref, sr: SR ref, base_vdi: VDI ref, into_vdi: VDI ref)` → `VDI ref`, also as a task.
   * Left out: sr is `"OpaqueRef:NULL"`, base_vdi is `"OpaqueRef:NULL"`, into_vdi is `"OpaqueRef:NULL"`.
   * @throws XenApiError XENAPI_FAILURE: VDI_READONLY, VDI_TOO_SMALL, VDI_NOT_SPARSE
   */
  copy(vdi: VdiRef, sr: SrRef, base_vdi: VdiRef, callOptions?: CallOptions): Promise<VdiRef>
  /**
   * `VDI.copy(vdi: VDI ref, sr: SR ref, base_vdi: VDI ref, into_vdi: VDI ref)` → `VDI ref`, also as a task.
   * Left out: sr is `"OpaqueRef:NULL"`, base_vdi is `"OpaqueRef:NULL"`, into_vdi is `"OpaqueRef:NULL"`.
   * @throws XenApiError XENAPI_FAILURE: VDI_READONLY, VDI_TOO_SMALL, VDI_NOT_SPARSE
   */
  copy(vdi: VdiRef, sr: SrRef, base_vdi: VdiRef, into_vdi: VdiRef, callOptions?: CallOptions): Promise<VdiRef>
  /**
   * `VDI.update(vdi: VDI ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: SR_OPERATION_NOT_SUPPORTED
   */
  update(vdi: VdiRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VDI.introduce(uuid: string, name_label: string, name_description: string, SR: SR ref, type: enum vdi_type, sharable: bool, read_only: bool, other_config: (string -> string) map, location: string, xenstore_data: (string -> string) map, sm_config: (string -> string) map, managed: bool, virtual_size: int, physical_utilisation: int, metadata_of_pool: pool ref, is_a_snapshot: bool, snapshot_time: datetime, snapshot_of: VDI ref)` → `VDI ref`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: SR_OPERATION_NOT_SUPPORTED
   */
  introduce(
    uuid: string,
    name_label: string,
    name_description: string,
    SR: SrRef,
    type: VdiType,
    sharable: boolean,
    read_only: boolean,
    other_config: Readonly<Record<string, string>>,
    location: string,
    xenstore_data: Readonly<Record<string, string>>,
    sm_config: Readonly<Record<string, string>>,
    managed: boolean,
    virtual_size: number,
    physical_utilisation: number,
    metadata_of_pool: PoolRef,
    is_a_snapshot: boolean,
    snapshot_time: Date,
    snapshot_of: VdiRef,
    callOptions?: CallOptions,
  ): Promise<VdiRef>
  /**
   * `VDI.resize_online(vdi: VDI ref, size: int)` → `void`, also as a task.
   * State: removed.
   */
  resize_online(vdi: VdiRef, size: number, callOptions?: CallOptions): Promise<void>
  /** `VDI.resize(vdi: VDI ref, size: int)` → `void`, also as a task. */
  resize(vdi: VdiRef, size: number, callOptions?: CallOptions): Promise<void>
  /**
   * `VDI.clone(vdi: VDI ref, driver_params: (string -> string) map)` → `VDI ref`, also as a task.
   * Left out: driver_params is `{}`.
   */
  clone(vdi: VdiRef, callOptions?: CallOptions): Promise<VdiRef>
  /**
   * `VDI.clone(vdi: VDI ref, driver_params: (string -> string) map)` → `VDI ref`, also as a task.
   * Left out: driver_params is `{}`.
   */
  clone(vdi: VdiRef, driver_params: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<VdiRef>
  /**
   * Driver_params may be left out.
   * `VDI.snapshot(vdi: VDI ref, driver_params: (string -> string) map)` → `VDI ref`, also as a task.
   * Left out: driver_params is `{}`.
   */
  snapshot(vdi: VdiRef, callOptions?: CallOptions): Promise<VdiRef>
  /**
   * Driver_params may be left out.
   * `VDI.snapshot(vdi: VDI ref, driver_params: (string -> string) map)` → `VDI ref`, also as a task.
   * Left out: driver_params is `{}`.
   */
  snapshot(vdi: VdiRef, driver_params: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<VdiRef>
  /**
   * Takes a value out of the set `tags`.
   * `VDI.remove_tags(self: VDI ref, value: string)` → `void`.
   */
  remove_tags(self: VdiRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a value to the set `tags`.
   * `VDI.add_tags(self: VDI ref, value: string)` → `void`.
   */
  add_tags(self: VdiRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `tags`.
   * `VDI.set_tags(self: VDI ref, value: string set)` → `void`.
   */
  set_tags(self: VdiRef, value: readonly string[], callOptions?: CallOptions): Promise<void>
  /**
   * Takes a key out of `sm_config`; a missing one is no failure: driver data; vhd-parent is read by backup clients.
   * `VDI.remove_from_sm_config(self: VDI ref, key: string)` → `void`.
   */
  remove_from_sm_config(self: VdiRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `sm_config`; a key that exists is the failure MAP_DUPLICATE_KEY: driver data; vhd-parent is read by backup clients.
   * `VDI.add_to_sm_config(self: VDI ref, key: string, value: string)` → `void`.
   */
  add_to_sm_config(self: VdiRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `sm_config`: driver data; vhd-parent is read by backup clients.
   * `VDI.set_sm_config(self: VDI ref, value: (string -> string) map)` → `void`.
   */
  set_sm_config(self: VdiRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /**
   * Takes a key out of `xenstore_data`; a missing one is no failure.
   * `VDI.remove_from_xenstore_data(self: VDI ref, key: string)` → `void`.
   */
  remove_from_xenstore_data(self: VdiRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `xenstore_data`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `VDI.add_to_xenstore_data(self: VDI ref, key: string, value: string)` → `void`.
   */
  add_to_xenstore_data(self: VdiRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `xenstore_data`.
   * `VDI.set_xenstore_data(self: VDI ref, value: (string -> string) map)` → `void`.
   */
  set_xenstore_data(self: VdiRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /**
   * Takes a key out of `other_config`; a missing one is no failure.
   * `VDI.remove_from_other_config(self: VDI ref, key: string)` → `void`.
   */
  remove_from_other_config(self: VdiRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `other_config`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `VDI.add_to_other_config(self: VDI ref, key: string, value: string)` → `void`.
   */
  add_to_other_config(self: VdiRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `other_config`.
   * `VDI.set_other_config(self: VDI ref, value: (string -> string) map)` → `void`.
   */
  set_other_config(self: VdiRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /**
   * Reads the field `cbt_enabled`: copied to snapshots, false on clones, stays true after data_destroy.
   * `VDI.get_cbt_enabled(self: VDI ref)` → `bool`.
   */
  get_cbt_enabled(self: VdiRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `is_tools_iso`.
   * `VDI.get_is_tools_iso(self: VDI ref)` → `bool`.
   */
  get_is_tools_iso(self: VdiRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `metadata_latest`.
   * `VDI.get_metadata_latest(self: VDI ref)` → `bool`.
   */
  get_metadata_latest(self: VdiRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `metadata_of_pool`.
   * `VDI.get_metadata_of_pool(self: VDI ref)` → `pool ref`.
   */
  get_metadata_of_pool(self: VdiRef, callOptions?: CallOptions): Promise<PoolRef>
  /**
   * Reads the field `on_boot`: reset is incompatible with CBT.
   * `VDI.get_on_boot(self: VDI ref)` → `enum on_boot`.
   */
  get_on_boot(self: VdiRef, callOptions?: CallOptions): Promise<OnBoot>
  /**
   * Reads the field `allow_caching`.
   * `VDI.get_allow_caching(self: VDI ref)` → `bool`.
   */
  get_allow_caching(self: VdiRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `tags`.
   * `VDI.get_tags(self: VDI ref)` → `string set`.
   */
  get_tags(self: VdiRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Reads the field `snapshot_time`: set at VDI.snapshot.
   * `VDI.get_snapshot_time(self: VDI ref)` → `datetime`.
   */
  get_snapshot_time(self: VdiRef, callOptions?: CallOptions): Promise<Date>
  /**
   * Reads the field `snapshots`: reverse of snapshot_of.
   * `VDI.get_snapshots(self: VDI ref)` → `VDI ref set`.
   */
  get_snapshots(self: VdiRef, callOptions?: CallOptions): Promise<readonly VdiRef[]>
  /**
   * Reads the field `snapshot_of`: source disk; repointed to the new disk by VM.revert.
   * `VDI.get_snapshot_of(self: VDI ref)` → `VDI ref`.
   */
  get_snapshot_of(self: VdiRef, callOptions?: CallOptions): Promise<VdiRef>
  /**
   * Reads the field `is_a_snapshot`: true for VDI.snapshot results, stays true after data_destroy.
   * `VDI.get_is_a_snapshot(self: VDI ref)` → `bool`.
   */
  get_is_a_snapshot(self: VdiRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `sm_config`: driver data; vhd-parent is read by backup clients.
   * `VDI.get_sm_config(self: VDI ref)` → `(string -> string) map`.
   */
  get_sm_config(self: VdiRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `xenstore_data`.
   * `VDI.get_xenstore_data(self: VDI ref)` → `(string -> string) map`.
   */
  get_xenstore_data(self: VdiRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `parent`: never set.
   * `VDI.get_parent(self: VDI ref)` → `VDI ref`.
   * @deprecated by the server
   */
  get_parent(self: VdiRef, callOptions?: CallOptions): Promise<VdiRef>
  /**
   * Reads the field `missing`.
   * `VDI.get_missing(self: VDI ref)` → `bool`.
   */
  get_missing(self: VdiRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `managed`: false for hidden base copies and leaves being deleted.
   * `VDI.get_managed(self: VDI ref)` → `bool`.
   */
  get_managed(self: VdiRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `location`: driver's own id; import_metadata looks disks up by it.
   * `VDI.get_location(self: VDI ref)` → `string`.
   */
  get_location(self: VdiRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `storage_lock`.
   * `VDI.get_storage_lock(self: VDI ref)` → `bool`.
   */
  get_storage_lock(self: VdiRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `other_config`.
   * `VDI.get_other_config(self: VDI ref)` → `(string -> string) map`.
   */
  get_other_config(self: VdiRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `read_only`.
   * `VDI.get_read_only(self: VDI ref)` → `bool`.
   */
  get_read_only(self: VdiRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `sharable`.
   * `VDI.get_sharable(self: VDI ref)` → `bool`.
   */
  get_sharable(self: VdiRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `type`: cbt_metadata once data_destroy has removed the data.
   * `VDI.get_type(self: VDI ref)` → `enum vdi_type`.
   */
  get_type(self: VdiRef, callOptions?: CallOptions): Promise<VdiType>
  /**
   * Reads the field `physical_utilisation`.
   * `VDI.get_physical_utilisation(self: VDI ref)` → `int`.
   */
  get_physical_utilisation(self: VdiRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `virtual_size`: bytes; may be larger than asked for at create.
   * `VDI.get_virtual_size(self: VDI ref)` → `int`.
   */
  get_virtual_size(self: VdiRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `crash_dumps`.
   * `VDI.get_crash_dumps(self: VDI ref)` → `crashdump ref set`.
   */
  get_crash_dumps(self: VdiRef, callOptions?: CallOptions): Promise<readonly CrashdumpRef[]>
  /**
   * Reads the field `VBDs`.
   * `VDI.get_VBDs(self: VDI ref)` → `VBD ref set`.
   */
  get_VBDs(self: VdiRef, callOptions?: CallOptions): Promise<readonly VbdRef[]>
  /**
   * Reads the field `SR`.
   * `VDI.get_SR(self: VDI ref)` → `SR ref`.
   */
  get_SR(self: VdiRef, callOptions?: CallOptions): Promise<SrRef>
  /**
   * Reads the field `current_operations`.
   * `VDI.get_current_operations(self: VDI ref)` → `(string -> enum vdi_operations) map`.
   */
  get_current_operations(self: VdiRef, callOptions?: CallOptions): Promise<Readonly<Record<string, VdiOperations>>>
  /**
   * Reads the field `allowed_operations`: never lists the CBT operations, see SR.allowed_operations.
   * `VDI.get_allowed_operations(self: VDI ref)` → `enum vdi_operations set`.
   */
  get_allowed_operations(self: VdiRef, callOptions?: CallOptions): Promise<readonly VdiOperations[]>
  /**
   * Reads the field `name_description`.
   * `VDI.get_name_description(self: VDI ref)` → `string`.
   */
  get_name_description(self: VdiRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `name_label`.
   * `VDI.get_name_label(self: VDI ref)` → `string`.
   */
  get_name_label(self: VdiRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `uuid`.
   * `VDI.get_uuid(self: VDI ref)` → `string`.
   */
  get_uuid(self: VdiRef, callOptions?: CallOptions): Promise<string>
  /**
   * All VDI with this name; an empty set when there is none.
   * `VDI.get_by_name_label(label: string)` → `VDI ref set`.
   */
  get_by_name_label(label: string, callOptions?: CallOptions): Promise<readonly VdiRef[]>
  /**
   * Removes the VDI.
   * `VDI.destroy(self: VDI ref)` → `void`, also as a task.
   */
  destroy(self: VdiRef, callOptions?: CallOptions): Promise<void>
  /**
   * Makes a new VDI.
   * `VDI.create(args: VDI record)` → `VDI ref`, also as a task.
   */
  create(args: VdiConstructor, callOptions?: CallOptions): Promise<VdiRef>
  /**
   * The VDI with this uuid; none is the failure UUID_INVALID.
   * `VDI.get_by_uuid(uuid: string)` → `VDI ref`.
   */
  get_by_uuid(uuid: string, callOptions?: CallOptions): Promise<VdiRef>
  /**
   * All fields of one VDI.
   * `VDI.get_record(self: VDI ref)` → `VDI record`.
   */
  get_record(self: VdiRef, callOptions?: CallOptions): Promise<VdiRecord>
  /**
   * Md5 hex digest of the whole disk.
   * `VDI.checksum(self: VDI ref)` → `string`, also as a task.
   */
  checksum(self: VdiRef, callOptions?: CallOptions): Promise<string>
  /**
   * Gives the disk of a snapshot its content back; in newer servers only.
   * `VDI.revert(snapshot: VDI ref)` → `void`, also as a task.
   */
  revert(snapshot: VdiRef, callOptions?: CallOptions): Promise<void>
  /**
   * Not published; the records an expression selects.
   * `VDI.get_all_records_where(expr: string)` → `(VDI ref -> VDI record) map`.
   */
  get_all_records_where(expr: string, callOptions?: CallOptions): Promise<Readonly<Record<string, VdiRecord>>>
}

/** Calls on VBD: a disk slot of a VM, holding a virtual disk or a CD. */
export interface VbdCalls {
  /**
   * Every VBD of the pool with its record, by reference.
   * `VBD.get_all_records()` → `(VBD ref -> VBD record) map`.
   */
  get_all_records(callOptions?: CallOptions): Promise<Readonly<Record<string, VbdRecord>>>
  /**
   * Every VBD of the pool.
   * `VBD.get_all()` → `VBD ref set`.
   */
  get_all(callOptions?: CallOptions): Promise<readonly VbdRef[]>
  /**
   * Replaces the field `mode`.
   * `VBD.set_mode(self: VBD ref, value: enum vbd_mode)` → `void`, also as a task.
   */
  set_mode(self: VbdRef, value: VbdMode, callOptions?: CallOptions): Promise<void>
  /** `VBD.assert_attachable(self: VBD ref)` → `void`, also as a task. */
  assert_attachable(self: VbdRef, callOptions?: CallOptions): Promise<void>
  /** `VBD.unplug_force(self: VBD ref)` → `void`, also as a task. */
  unplug_force(self: VbdRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VBD.unplug(self: VBD ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: DEVICE_DETACH_REJECTED, DEVICE_ALREADY_DETACHED
   */
  unplug(self: VbdRef, callOptions?: CallOptions): Promise<void>
  /** `VBD.plug(self: VBD ref)` → `void`, also as a task. */
  plug(self: VbdRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VBD.insert(vbd: VBD ref, vdi: VDI ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VBD_NOT_REMOVABLE_MEDIA, VBD_NOT_EMPTY
   */
  insert(vbd: VbdRef, vdi: VdiRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VBD.eject(vbd: VBD ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VBD_NOT_REMOVABLE_MEDIA, VBD_IS_EMPTY
   */
  eject(vbd: VbdRef, callOptions?: CallOptions): Promise<void>
  /**
   * Takes a key out of `qos_algorithm_params`; a missing one is no failure.
   * `VBD.remove_from_qos_algorithm_params(self: VBD ref, key: string)` → `void`.
   */
  remove_from_qos_algorithm_params(self: VbdRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `qos_algorithm_params`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `VBD.add_to_qos_algorithm_params(self: VBD ref, key: string, value: string)` → `void`.
   */
  add_to_qos_algorithm_params(self: VbdRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `qos_algorithm_params`.
   * `VBD.set_qos_algorithm_params(self: VBD ref, value: (string -> string) map)` → `void`.
   */
  set_qos_algorithm_params(
    self: VbdRef,
    value: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * Replaces the field `qos_algorithm_type`.
   * `VBD.set_qos_algorithm_type(self: VBD ref, value: string)` → `void`.
   */
  set_qos_algorithm_type(self: VbdRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Takes a key out of `other_config`; a missing one is no failure.
   * `VBD.remove_from_other_config(self: VBD ref, key: string)` → `void`.
   */
  remove_from_other_config(self: VbdRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `other_config`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `VBD.add_to_other_config(self: VBD ref, key: string, value: string)` → `void`.
   */
  add_to_other_config(self: VbdRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `other_config`.
   * `VBD.set_other_config(self: VBD ref, value: (string -> string) map)` → `void`.
   */
  set_other_config(self: VbdRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `unpluggable`.
   * `VBD.set_unpluggable(self: VBD ref, value: bool)` → `void`.
   */
  set_unpluggable(self: VbdRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `type`.
   * `VBD.set_type(self: VBD ref, value: enum vbd_type)` → `void`.
   */
  set_type(self: VbdRef, value: VbdType, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `bootable`.
   * `VBD.set_bootable(self: VBD ref, value: bool)` → `void`.
   */
  set_bootable(self: VbdRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `userdevice`: slot number or autodetect.
   * `VBD.set_userdevice(self: VBD ref, value: string)` → `void`.
   */
  set_userdevice(self: VbdRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Reads the field `metrics`.
   * `VBD.get_metrics(self: VBD ref)` → `VBD_metrics ref`.
   * State: removed.
   */
  get_metrics(self: VbdRef, callOptions?: CallOptions): Promise<VbdMetricsRef>
  /**
   * Reads the field `qos_supported_algorithms`.
   * `VBD.get_qos_supported_algorithms(self: VBD ref)` → `string set`.
   */
  get_qos_supported_algorithms(self: VbdRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Reads the field `qos_algorithm_params`.
   * `VBD.get_qos_algorithm_params(self: VBD ref)` → `(string -> string) map`.
   */
  get_qos_algorithm_params(self: VbdRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `qos_algorithm_type`.
   * `VBD.get_qos_algorithm_type(self: VBD ref)` → `string`.
   */
  get_qos_algorithm_type(self: VbdRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `runtime_properties`.
   * `VBD.get_runtime_properties(self: VBD ref)` → `(string -> string) map`.
   */
  get_runtime_properties(self: VbdRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `status_detail`.
   * `VBD.get_status_detail(self: VBD ref)` → `string`.
   */
  get_status_detail(self: VbdRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `status_code`.
   * `VBD.get_status_code(self: VBD ref)` → `int`.
   */
  get_status_code(self: VbdRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `currently_attached`: any true value on a control domain blocks list_changed_blocks, destroy, ....
   * `VBD.get_currently_attached(self: VBD ref)` → `bool`.
   */
  get_currently_attached(self: VbdRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `other_config`.
   * `VBD.get_other_config(self: VBD ref)` → `(string -> string) map`.
   */
  get_other_config(self: VbdRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `empty`.
   * `VBD.get_empty(self: VBD ref)` → `bool`.
   */
  get_empty(self: VbdRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `storage_lock`.
   * `VBD.get_storage_lock(self: VBD ref)` → `bool`.
   */
  get_storage_lock(self: VbdRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `unpluggable`.
   * `VBD.get_unpluggable(self: VBD ref)` → `bool`.
   */
  get_unpluggable(self: VbdRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `type`.
   * `VBD.get_type(self: VBD ref)` → `enum vbd_type`.
   */
  get_type(self: VbdRef, callOptions?: CallOptions): Promise<VbdType>
  /**
   * Reads the field `mode`.
   * `VBD.get_mode(self: VBD ref)` → `enum vbd_mode`.
   */
  get_mode(self: VbdRef, callOptions?: CallOptions): Promise<VbdMode>
  /**
   * Reads the field `bootable`.
   * `VBD.get_bootable(self: VBD ref)` → `bool`.
   */
  get_bootable(self: VbdRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `userdevice`: slot number or autodetect.
   * `VBD.get_userdevice(self: VBD ref)` → `string`.
   */
  get_userdevice(self: VbdRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `device`: guest device name, e.g. xvda.
   * `VBD.get_device(self: VBD ref)` → `string`.
   */
  get_device(self: VbdRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `VDI`.
   * `VBD.get_VDI(self: VBD ref)` → `VDI ref`.
   */
  get_VDI(self: VbdRef, callOptions?: CallOptions): Promise<VdiRef>
  /**
   * Reads the field `VM`.
   * `VBD.get_VM(self: VBD ref)` → `VM ref`.
   */
  get_VM(self: VbdRef, callOptions?: CallOptions): Promise<VmRef>
  /**
   * Reads the field `current_operations`.
   * `VBD.get_current_operations(self: VBD ref)` → `(string -> enum vbd_operations) map`.
   */
  get_current_operations(self: VbdRef, callOptions?: CallOptions): Promise<Readonly<Record<string, VbdOperations>>>
  /**
   * Reads the field `allowed_operations`.
   * `VBD.get_allowed_operations(self: VBD ref)` → `enum vbd_operations set`.
   */
  get_allowed_operations(self: VbdRef, callOptions?: CallOptions): Promise<readonly VbdOperations[]>
  /**
   * Reads the field `uuid`.
   * `VBD.get_uuid(self: VBD ref)` → `string`.
   */
  get_uuid(self: VbdRef, callOptions?: CallOptions): Promise<string>
  /**
   * Removes the VBD.
   * `VBD.destroy(self: VBD ref)` → `void`, also as a task.
   */
  destroy(self: VbdRef, callOptions?: CallOptions): Promise<void>
  /**
   * Makes a new VBD.
   * `VBD.create(args: VBD record)` → `VBD ref`, also as a task.
   */
  create(args: VbdConstructor, callOptions?: CallOptions): Promise<VbdRef>
  /**
   * The VBD with this uuid; none is the failure UUID_INVALID.
   * `VBD.get_by_uuid(uuid: string)` → `VBD ref`.
   */
  get_by_uuid(uuid: string, callOptions?: CallOptions): Promise<VbdRef>
  /**
   * All fields of one VBD.
   * `VBD.get_record(self: VBD ref)` → `VBD record`.
   */
  get_record(self: VbdRef, callOptions?: CallOptions): Promise<VbdRecord>
  /**
   * Not published; the records an expression selects.
   * `VBD.get_all_records_where(expr: string)` → `(VBD ref -> VBD record) map`.
   */
  get_all_records_where(expr: string, callOptions?: CallOptions): Promise<Readonly<Record<string, VbdRecord>>>
}

/** Calls on VIF: a network interface of a VM. */
export interface VifCalls {
  /**
   * Every VIF of the pool with its record, by reference.
   * `VIF.get_all_records()` → `(VIF ref -> VIF record) map`.
   */
  get_all_records(callOptions?: CallOptions): Promise<Readonly<Record<string, VifRecord>>>
  /**
   * Every VIF of the pool.
   * `VIF.get_all()` → `VIF ref set`.
   */
  get_all(callOptions?: CallOptions): Promise<readonly VifRef[]>
  /**
   * `VIF.configure_ipv6(self: VIF ref, mode: enum vif_ipv6_configuration_mode, address: string, gateway: string)` → `void`, also as a task.
   * Left out: address is `""`, gateway is `""`.
   */
  configure_ipv6(self: VifRef, mode: VifIpv6ConfigurationMode, callOptions?: CallOptions): Promise<void>
  /**
   * `VIF.configure_ipv6(self: VIF ref, mode: enum vif_ipv6_configuration_mode, address: string, gateway: string)` → `void`, also as a task.
   * Left out: address is `""`, gateway is `""`.
   */
  configure_ipv6(
    self: VifRef,
    mode: VifIpv6ConfigurationMode,
    address: string,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `VIF.configure_ipv6(self: VIF ref, mode: enum vif_ipv6_configuration_mode, address: string, gateway: string)` → `void`, also as a task.
   * Left out: address is `""`, gateway is `""`.
   */
  configure_ipv6(
    self: VifRef,
    mode: VifIpv6ConfigurationMode,
    address: string,
    gateway: string,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `VIF.configure_ipv4(self: VIF ref, mode: enum vif_ipv4_configuration_mode, address: string, gateway: string)` → `void`, also as a task.
   * Left out: address is `""`, gateway is `""`.
   */
  configure_ipv4(self: VifRef, mode: VifIpv4ConfigurationMode, callOptions?: CallOptions): Promise<void>
  /**
   * `VIF.configure_ipv4(self: VIF ref, mode: enum vif_ipv4_configuration_mode, address: string, gateway: string)` → `void`, also as a task.
   * Left out: address is `""`, gateway is `""`.
   */
  configure_ipv4(
    self: VifRef,
    mode: VifIpv4ConfigurationMode,
    address: string,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `VIF.configure_ipv4(self: VIF ref, mode: enum vif_ipv4_configuration_mode, address: string, gateway: string)` → `void`, also as a task.
   * Left out: address is `""`, gateway is `""`.
   */
  configure_ipv4(
    self: VifRef,
    mode: VifIpv4ConfigurationMode,
    address: string,
    gateway: string,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * Takes a value out of the set `ipv6_allowed`.
   * `VIF.remove_ipv6_allowed(self: VIF ref, value: string)` → `void`, also as a task.
   */
  remove_ipv6_allowed(self: VifRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a value to the set `ipv6_allowed`.
   * `VIF.add_ipv6_allowed(self: VIF ref, value: string)` → `void`, also as a task.
   */
  add_ipv6_allowed(self: VifRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `ipv6_allowed`.
   * `VIF.set_ipv6_allowed(self: VIF ref, value: string set)` → `void`, also as a task.
   */
  set_ipv6_allowed(self: VifRef, value: readonly string[], callOptions?: CallOptions): Promise<void>
  /**
   * Takes a value out of the set `ipv4_allowed`.
   * `VIF.remove_ipv4_allowed(self: VIF ref, value: string)` → `void`, also as a task.
   */
  remove_ipv4_allowed(self: VifRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a value to the set `ipv4_allowed`.
   * `VIF.add_ipv4_allowed(self: VIF ref, value: string)` → `void`, also as a task.
   */
  add_ipv4_allowed(self: VifRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `ipv4_allowed`.
   * `VIF.set_ipv4_allowed(self: VIF ref, value: string set)` → `void`, also as a task.
   */
  set_ipv4_allowed(self: VifRef, value: readonly string[], callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `locking_mode`.
   * `VIF.set_locking_mode(self: VIF ref, value: enum vif_locking_mode)` → `void`, also as a task.
   */
  set_locking_mode(self: VifRef, value: VifLockingMode, callOptions?: CallOptions): Promise<void>
  /** `VIF.move(self: VIF ref, network: network ref)` → `void`, also as a task. */
  move(self: VifRef, network: NetworkRef, callOptions?: CallOptions): Promise<void>
  /** `VIF.unplug_force(self: VIF ref)` → `void`, also as a task. */
  unplug_force(self: VifRef, callOptions?: CallOptions): Promise<void>
  /** `VIF.unplug(self: VIF ref)` → `void`, also as a task. */
  unplug(self: VifRef, callOptions?: CallOptions): Promise<void>
  /** `VIF.plug(self: VIF ref)` → `void`, also as a task. */
  plug(self: VifRef, callOptions?: CallOptions): Promise<void>
  /**
   * Takes a key out of `qos_algorithm_params`; a missing one is no failure.
   * `VIF.remove_from_qos_algorithm_params(self: VIF ref, key: string)` → `void`.
   */
  remove_from_qos_algorithm_params(self: VifRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `qos_algorithm_params`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `VIF.add_to_qos_algorithm_params(self: VIF ref, key: string, value: string)` → `void`.
   */
  add_to_qos_algorithm_params(self: VifRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `qos_algorithm_params`.
   * `VIF.set_qos_algorithm_params(self: VIF ref, value: (string -> string) map)` → `void`.
   */
  set_qos_algorithm_params(
    self: VifRef,
    value: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * Replaces the field `qos_algorithm_type`.
   * `VIF.set_qos_algorithm_type(self: VIF ref, value: string)` → `void`.
   */
  set_qos_algorithm_type(self: VifRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Takes a key out of `other_config`; a missing one is no failure.
   * `VIF.remove_from_other_config(self: VIF ref, key: string)` → `void`.
   */
  remove_from_other_config(self: VifRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `other_config`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `VIF.add_to_other_config(self: VIF ref, key: string, value: string)` → `void`.
   */
  add_to_other_config(self: VifRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `other_config`.
   * `VIF.set_other_config(self: VIF ref, value: (string -> string) map)` → `void`.
   */
  set_other_config(self: VifRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /**
   * Reads the field `ipv6_gateway`.
   * `VIF.get_ipv6_gateway(self: VIF ref)` → `string`.
   */
  get_ipv6_gateway(self: VifRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `ipv6_addresses`.
   * `VIF.get_ipv6_addresses(self: VIF ref)` → `string set`.
   */
  get_ipv6_addresses(self: VifRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Reads the field `ipv6_configuration_mode`.
   * `VIF.get_ipv6_configuration_mode(self: VIF ref)` → `enum vif_ipv6_configuration_mode`.
   */
  get_ipv6_configuration_mode(self: VifRef, callOptions?: CallOptions): Promise<VifIpv6ConfigurationMode>
  /**
   * Reads the field `ipv4_gateway`.
   * `VIF.get_ipv4_gateway(self: VIF ref)` → `string`.
   */
  get_ipv4_gateway(self: VifRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `ipv4_addresses`.
   * `VIF.get_ipv4_addresses(self: VIF ref)` → `string set`.
   */
  get_ipv4_addresses(self: VifRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Reads the field `ipv4_configuration_mode`.
   * `VIF.get_ipv4_configuration_mode(self: VIF ref)` → `enum vif_ipv4_configuration_mode`.
   */
  get_ipv4_configuration_mode(self: VifRef, callOptions?: CallOptions): Promise<VifIpv4ConfigurationMode>
  /**
   * Reads the field `ipv6_allowed`.
   * `VIF.get_ipv6_allowed(self: VIF ref)` → `string set`.
   */
  get_ipv6_allowed(self: VifRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Reads the field `ipv4_allowed`.
   * `VIF.get_ipv4_allowed(self: VIF ref)` → `string set`.
   */
  get_ipv4_allowed(self: VifRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Reads the field `locking_mode`.
   * `VIF.get_locking_mode(self: VIF ref)` → `enum vif_locking_mode`.
   */
  get_locking_mode(self: VifRef, callOptions?: CallOptions): Promise<VifLockingMode>
  /**
   * Reads the field `MAC_autogenerated`.
   * `VIF.get_MAC_autogenerated(self: VIF ref)` → `bool`.
   */
  get_MAC_autogenerated(self: VifRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `metrics`.
   * `VIF.get_metrics(self: VIF ref)` → `VIF_metrics ref`.
   * State: removed.
   */
  get_metrics(self: VifRef, callOptions?: CallOptions): Promise<VifMetricsRef>
  /**
   * Reads the field `qos_supported_algorithms`.
   * `VIF.get_qos_supported_algorithms(self: VIF ref)` → `string set`.
   */
  get_qos_supported_algorithms(self: VifRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Reads the field `qos_algorithm_params`.
   * `VIF.get_qos_algorithm_params(self: VIF ref)` → `(string -> string) map`.
   */
  get_qos_algorithm_params(self: VifRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `qos_algorithm_type`.
   * `VIF.get_qos_algorithm_type(self: VIF ref)` → `string`.
   */
  get_qos_algorithm_type(self: VifRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `runtime_properties`.
   * `VIF.get_runtime_properties(self: VIF ref)` → `(string -> string) map`.
   */
  get_runtime_properties(self: VifRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `status_detail`.
   * `VIF.get_status_detail(self: VIF ref)` → `string`.
   */
  get_status_detail(self: VifRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `status_code`.
   * `VIF.get_status_code(self: VIF ref)` → `int`.
   */
  get_status_code(self: VifRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `currently_attached`.
   * `VIF.get_currently_attached(self: VIF ref)` → `bool`.
   */
  get_currently_attached(self: VifRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `other_config`.
   * `VIF.get_other_config(self: VIF ref)` → `(string -> string) map`.
   */
  get_other_config(self: VifRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `MTU`.
   * `VIF.get_MTU(self: VIF ref)` → `int`.
   */
  get_MTU(self: VifRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `MAC`.
   * `VIF.get_MAC(self: VIF ref)` → `string`.
   */
  get_MAC(self: VifRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `VM`.
   * `VIF.get_VM(self: VIF ref)` → `VM ref`.
   */
  get_VM(self: VifRef, callOptions?: CallOptions): Promise<VmRef>
  /**
   * Reads the field `network`.
   * `VIF.get_network(self: VIF ref)` → `network ref`.
   */
  get_network(self: VifRef, callOptions?: CallOptions): Promise<NetworkRef>
  /**
   * Reads the field `device`.
   * `VIF.get_device(self: VIF ref)` → `string`.
   */
  get_device(self: VifRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `current_operations`.
   * `VIF.get_current_operations(self: VIF ref)` → `(string -> enum vif_operations) map`.
   */
  get_current_operations(self: VifRef, callOptions?: CallOptions): Promise<Readonly<Record<string, VifOperations>>>
  /**
   * Reads the field `allowed_operations`.
   * `VIF.get_allowed_operations(self: VIF ref)` → `enum vif_operations set`.
   */
  get_allowed_operations(self: VifRef, callOptions?: CallOptions): Promise<readonly VifOperations[]>
  /**
   * Reads the field `uuid`.
   * `VIF.get_uuid(self: VIF ref)` → `string`.
   */
  get_uuid(self: VifRef, callOptions?: CallOptions): Promise<string>
  /**
   * Removes the VIF.
   * `VIF.destroy(self: VIF ref)` → `void`, also as a task.
   */
  destroy(self: VifRef, callOptions?: CallOptions): Promise<void>
  /**
   * Makes a new VIF.
   * `VIF.create(args: VIF record)` → `VIF ref`, also as a task.
   */
  create(args: VifConstructor, callOptions?: CallOptions): Promise<VifRef>
  /**
   * The VIF with this uuid; none is the failure UUID_INVALID.
   * `VIF.get_by_uuid(uuid: string)` → `VIF ref`.
   */
  get_by_uuid(uuid: string, callOptions?: CallOptions): Promise<VifRef>
  /**
   * All fields of one VIF.
   * `VIF.get_record(self: VIF ref)` → `VIF record`.
   */
  get_record(self: VifRef, callOptions?: CallOptions): Promise<VifRecord>
  /**
   * Not published; the records an expression selects.
   * `VIF.get_all_records_where(expr: string)` → `(VIF ref -> VIF record) map`.
   */
  get_all_records_where(expr: string, callOptions?: CallOptions): Promise<Readonly<Record<string, VifRecord>>>
}

/** Calls on VM: a virtual machine, a template or a snapshot of either. */
export interface VmCalls {
  /**
   * Every VM of the pool with its record, by reference.
   * `VM.get_all_records()` → `(VM ref -> VM record) map`.
   */
  get_all_records(callOptions?: CallOptions): Promise<Readonly<Record<string, VmRecord>>>
  /**
   * Every VM of the pool.
   * `VM.get_all()` → `VM ref set`.
   */
  get_all(callOptions?: CallOptions): Promise<readonly VmRef[]>
  /**
   * `VM.restart_device_models(self: VM ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OTHER_OPERATION_IN_PROGRESS, VM_IS_TEMPLATE, OPERATION_NOT_ALLOWED, VM_BAD_POWER_STATE
   * State: prototyped.
   */
  restart_device_models(self: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `HVM_boot_policy`.
   * `VM.set_HVM_boot_policy(self: VM ref, value: string)` → `void`.
   * @deprecated by the server
   */
  set_HVM_boot_policy(self: VmRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `domain_type`.
   * `VM.set_domain_type(self: VM ref, value: enum domain_type)` → `void`.
   */
  set_domain_type(self: VmRef, value: DomainType, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `actions_after_crash`.
   * `VM.set_actions_after_crash(self: VM ref, value: enum on_crash_behaviour)` → `void`, also as a task.
   */
  set_actions_after_crash(self: VmRef, value: OnCrashBehaviour, callOptions?: CallOptions): Promise<void>
  /** `VM.import(url: string, sr: SR ref, full_restore: bool, force: bool)` → `VM ref set`, also as a task. */
  import(
    url: string,
    sr: SrRef,
    full_restore: boolean,
    force: boolean,
    callOptions?: CallOptions,
  ): Promise<readonly VmRef[]>
  /**
   * Replaces the field `has_vendor_device`.
   * `VM.set_has_vendor_device(self: VM ref, value: bool)` → `void`, also as a task.
   */
  set_has_vendor_device(self: VmRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /** `VM.call_plugin(vm: VM ref, plugin: string, fn: string, args: (string -> string) map)` → `string`, also as a task. */
  call_plugin(
    vm: VmRef,
    plugin: string,
    fn: string,
    args: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<string>
  /** `VM.query_services(self: VM ref)` → `(string -> string) map`, also as a task. */
  query_services(self: VmRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Replaces the field `appliance`.
   * `VM.set_appliance(self: VM ref, value: VM_appliance ref)` → `void`, also as a task.
   */
  set_appliance(self: VmRef, value: VmApplianceRef, callOptions?: CallOptions): Promise<void>
  /** `VM.import_convert(type: string, username: string, password: string, sr: SR ref, remote_config: (string -> string) map)` → `void`, also as a task. */
  import_convert(
    type: string,
    username: string,
    password: string,
    sr: SrRef,
    remote_config: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<void>
  /** `VM.recover(self: VM ref, session_to: session ref, force: bool)` → `void`, also as a task. */
  recover(self: VmRef, session_to: SessionRef, force: boolean, callOptions?: CallOptions): Promise<void>
  /** `VM.get_SRs_required_for_recovery(self: VM ref, session_to: session ref)` → `SR ref set`, also as a task. */
  get_SRs_required_for_recovery(
    self: VmRef,
    session_to: SessionRef,
    callOptions?: CallOptions,
  ): Promise<readonly SrRef[]>
  /**
   * `VM.assert_can_be_recovered(self: VM ref, session_to: session ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_IS_PART_OF_AN_APPLIANCE, VM_REQUIRES_SR
   */
  assert_can_be_recovered(self: VmRef, session_to: SessionRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `suspend_VDI`.
   * `VM.set_suspend_VDI(self: VM ref, value: VDI ref)` → `void`, also as a task.
   */
  set_suspend_VDI(self: VmRef, value: VdiRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `order`.
   * `VM.set_order(self: VM ref, value: int)` → `void`, also as a task.
   */
  set_order(self: VmRef, value: number, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `shutdown_delay`.
   * `VM.set_shutdown_delay(self: VM ref, value: int)` → `void`, also as a task.
   */
  set_shutdown_delay(self: VmRef, value: number, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `start_delay`.
   * `VM.set_start_delay(self: VM ref, value: int)` → `void`, also as a task.
   */
  set_start_delay(self: VmRef, value: number, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `snapshot_schedule`.
   * `VM.set_snapshot_schedule(self: VM ref, value: VMSS ref)` → `void`.
   */
  set_snapshot_schedule(self: VmRef, value: VmssRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `protection_policy`.
   * `VM.set_protection_policy(self: VM ref, value: VMPP ref)` → `void`.
   * State: removed.
   */
  set_protection_policy(self: VmRef, value: VmppRef, callOptions?: CallOptions): Promise<void>
  /** `VM.copy_bios_strings(vm: VM ref, host: host ref)` → `void`, also as a task. */
  copy_bios_strings(vm: VmRef, host: HostRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `bios_strings`.
   * `VM.set_bios_strings(self: VM ref, value: (string -> string) map)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BIOS_STRINGS_ALREADY_SET, INVALID_VALUE
   */
  set_bios_strings(self: VmRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /** `VM.retrieve_wlb_recommendations(vm: VM ref)` → `(host ref -> string set) map`, also as a task. */
  retrieve_wlb_recommendations(
    vm: VmRef,
    callOptions?: CallOptions,
  ): Promise<Readonly<Record<string, readonly string[]>>>
  /** `VM.assert_agile(self: VM ref)` → `void`, also as a task. */
  assert_agile(self: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.create_new_blob(vm: VM ref, name: string, mime_type: string, public: bool)` → `blob ref`, also as a task.
   * Left out: public is `false`.
   */
  create_new_blob(vm: VmRef, name: string, mime_type: string, callOptions?: CallOptions): Promise<BlobRef>
  /**
   * `VM.create_new_blob(vm: VM ref, name: string, mime_type: string, public: bool)` → `blob ref`, also as a task.
   * Left out: public is `false`.
   */
  create_new_blob(
    vm: VmRef,
    name: string,
    mime_type: string,
    public_: boolean,
    callOptions?: CallOptions,
  ): Promise<BlobRef>
  /**
   * `VM.assert_can_boot_here(self: VM ref, host: host ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: HOST_NOT_ENOUGH_FREE_MEMORY, HOST_NOT_ENOUGH_PCPUS, NETWORK_SRIOV_INSUFFICIENT_CAPACITY, HOST_NOT_LIVE, HOST_DISABLED, HOST_CANNOT_ATTACH_NETWORK, VM_HVM_REQUIRED, VM_REQUIRES_GPU, VM_REQUIRES_IOMMU, VM_REQUIRES_NETWORK, VM_REQUIRES_SR, VM_REQUIRES_VGPU, VM_HOST_INCOMPATIBLE_VERSION, VM_HOST_INCOMPATIBLE_VIRTUAL_HARDWARE_PLATFORM_VERSION, INVALID_VALUE, MEMORY_CONSTRAINT_VIOLATION, OPERATION_NOT_ALLOWED, VALUE_NOT_SUPPORTED, VM_INCOMPATIBLE_WITH_THIS_HOST
   */
  assert_can_boot_here(self: VmRef, host: HostRef, callOptions?: CallOptions): Promise<void>
  /** `VM.get_possible_hosts(vm: VM ref)` → `host ref set`, also as a task. */
  get_possible_hosts(vm: VmRef, callOptions?: CallOptions): Promise<readonly HostRef[]>
  /** `VM.get_allowed_VIF_devices(vm: VM ref)` → `string set`. */
  get_allowed_VIF_devices(vm: VmRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Free device slots as strings.
   * `VM.get_allowed_VBD_devices(vm: VM ref)` → `string set`.
   */
  get_allowed_VBD_devices(vm: VmRef, callOptions?: CallOptions): Promise<readonly string[]>
  /** `VM.update_allowed_operations(self: VM ref)` → `void`, also as a task. */
  update_allowed_operations(self: VmRef, callOptions?: CallOptions): Promise<void>
  /** `VM.assert_operation_valid(self: VM ref, op: enum vm_operations)` → `void`, also as a task. */
  assert_operation_valid(self: VmRef, op: VmOperations, callOptions?: CallOptions): Promise<void>
  /** `VM.forget_data_source_archives(self: VM ref, data_source: string)` → `void`. */
  forget_data_source_archives(self: VmRef, data_source: string, callOptions?: CallOptions): Promise<void>
  /** `VM.query_data_source(self: VM ref, data_source: string)` → `float`. */
  query_data_source(self: VmRef, data_source: string, callOptions?: CallOptions): Promise<number>
  /** `VM.record_data_source(self: VM ref, data_source: string)` → `void`. */
  record_data_source(self: VmRef, data_source: string, callOptions?: CallOptions): Promise<void>
  /** `VM.get_data_sources(self: VM ref)` → `data_source record set`. */
  get_data_sources(self: VmRef, callOptions?: CallOptions): Promise<readonly Readonly<Record<string, unknown>>[]>
  /**
   * `VM.get_boot_record(self: VM ref)` → `VM record`.
   * @deprecated by the server
   */
  get_boot_record(self: VmRef, callOptions?: CallOptions): Promise<VmRecord>
  /**
   * `VM.assert_can_migrate(vm: VM ref, dest: (string -> string) map, live: bool, vdi_map: (VDI ref -> SR ref) map, vif_map: (VIF ref -> network ref) map, options: (string -> string) map, vgpu_map: (VGPU ref -> GPU_group ref) map)` → `void`, also as a task.
   * Left out: vgpu_map is `{}`.
   * @throws XenApiError XENAPI_FAILURE: LICENCE_RESTRICTION
   */
  assert_can_migrate(
    vm: VmRef,
    dest: Readonly<Record<string, string>>,
    live: boolean,
    vdi_map: Readonly<Record<string, SrRef>>,
    vif_map: Readonly<Record<string, NetworkRef>>,
    options: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `VM.assert_can_migrate(vm: VM ref, dest: (string -> string) map, live: bool, vdi_map: (VDI ref -> SR ref) map, vif_map: (VIF ref -> network ref) map, options: (string -> string) map, vgpu_map: (VGPU ref -> GPU_group ref) map)` → `void`, also as a task.
   * Left out: vgpu_map is `{}`.
   * @throws XenApiError XENAPI_FAILURE: LICENCE_RESTRICTION
   */
  assert_can_migrate(
    vm: VmRef,
    dest: Readonly<Record<string, string>>,
    live: boolean,
    vdi_map: Readonly<Record<string, SrRef>>,
    vif_map: Readonly<Record<string, NetworkRef>>,
    options: Readonly<Record<string, string>>,
    vgpu_map: Readonly<Record<string, GpuGroupRef>>,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `VM.migrate_send(vm: VM ref, dest: (string -> string) map, live: bool, vdi_map: (VDI ref -> SR ref) map, vif_map: (VIF ref -> network ref) map, options: (string -> string) map, vgpu_map: (VGPU ref -> GPU_group ref) map)` → `VM ref`, also as a task.
   * Left out: vgpu_map is `{}`.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, LICENCE_RESTRICTION
   */
  migrate_send(
    vm: VmRef,
    dest: Readonly<Record<string, string>>,
    live: boolean,
    vdi_map: Readonly<Record<string, SrRef>>,
    vif_map: Readonly<Record<string, NetworkRef>>,
    options: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<VmRef>
  /**
   * `VM.migrate_send(vm: VM ref, dest: (string -> string) map, live: bool, vdi_map: (VDI ref -> SR ref) map, vif_map: (VIF ref -> network ref) map, options: (string -> string) map, vgpu_map: (VGPU ref -> GPU_group ref) map)` → `VM ref`, also as a task.
   * Left out: vgpu_map is `{}`.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, LICENCE_RESTRICTION
   */
  migrate_send(
    vm: VmRef,
    dest: Readonly<Record<string, string>>,
    live: boolean,
    vdi_map: Readonly<Record<string, SrRef>>,
    vif_map: Readonly<Record<string, NetworkRef>>,
    options: Readonly<Record<string, string>>,
    vgpu_map: Readonly<Record<string, GpuGroupRef>>,
    callOptions?: CallOptions,
  ): Promise<VmRef>
  /** `VM.maximise_memory(self: VM ref, total: int, approximate: bool)` → `int`, also as a task. */
  maximise_memory(self: VmRef, total: number, approximate: boolean, callOptions?: CallOptions): Promise<number>
  /**
   * `VM.send_trigger(vm: VM ref, trigger: string)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE
   */
  send_trigger(vm: VmRef, trigger: string, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.send_sysrq(vm: VM ref, key: string)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE
   */
  send_sysrq(vm: VmRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `VCPUs_at_startup`.
   * `VM.set_VCPUs_at_startup(self: VM ref, value: int)` → `void`.
   */
  set_VCPUs_at_startup(self: VmRef, value: number, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `VCPUs_max`.
   * `VM.set_VCPUs_max(self: VM ref, value: int)` → `void`.
   */
  set_VCPUs_max(self: VmRef, value: number, callOptions?: CallOptions): Promise<void>
  /** `VM.set_shadow_multiplier_live(self: VM ref, multiplier: float)` → `void`, also as a task. */
  set_shadow_multiplier_live(self: VmRef, multiplier: number, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `HVM_shadow_multiplier`.
   * `VM.set_HVM_shadow_multiplier(self: VM ref, value: float)` → `void`.
   */
  set_HVM_shadow_multiplier(self: VmRef, value: number, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.get_cooperative(self: VM ref)` → `bool`, also as a task.
   * @deprecated by the server
   */
  get_cooperative(self: VmRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * `VM.wait_memory_target_live(self: VM ref)` → `void`, also as a task.
   * @deprecated by the server
   */
  wait_memory_target_live(self: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.set_memory_target_live(self: VM ref, target: int)` → `void`, also as a task.
   * @deprecated by the server
   */
  set_memory_target_live(self: VmRef, target: number, callOptions?: CallOptions): Promise<void>
  /** `VM.set_memory(self: VM ref, value: int)` → `void`, also as a task. */
  set_memory(self: VmRef, value: number, callOptions?: CallOptions): Promise<void>
  /** `VM.set_memory_limits(self: VM ref, static_min: int, static_max: int, dynamic_min: int, dynamic_max: int)` → `void`, also as a task. */
  set_memory_limits(
    self: VmRef,
    static_min: number,
    static_max: number,
    dynamic_min: number,
    dynamic_max: number,
    callOptions?: CallOptions,
  ): Promise<void>
  /** `VM.set_memory_static_range(self: VM ref, min: int, max: int)` → `void`, also as a task. */
  set_memory_static_range(self: VmRef, min: number, max: number, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `memory_static_min`.
   * `VM.set_memory_static_min(self: VM ref, value: int)` → `void`.
   */
  set_memory_static_min(self: VmRef, value: number, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `memory_static_max`.
   * `VM.set_memory_static_max(self: VM ref, value: int)` → `void`.
   * @throws XenApiError XENAPI_FAILURE: HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN
   */
  set_memory_static_max(self: VmRef, value: number, callOptions?: CallOptions): Promise<void>
  /** `VM.set_memory_dynamic_range(self: VM ref, min: int, max: int)` → `void`, also as a task. */
  set_memory_dynamic_range(self: VmRef, min: number, max: number, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `memory_dynamic_min`.
   * `VM.set_memory_dynamic_min(self: VM ref, value: int)` → `void`.
   */
  set_memory_dynamic_min(self: VmRef, value: number, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `memory_dynamic_max`.
   * `VM.set_memory_dynamic_max(self: VM ref, value: int)` → `void`.
   */
  set_memory_dynamic_max(self: VmRef, value: number, callOptions?: CallOptions): Promise<void>
  /** `VM.compute_memory_overhead(vm: VM ref)` → `int`, also as a task. */
  compute_memory_overhead(vm: VmRef, callOptions?: CallOptions): Promise<number>
  /**
   * Replaces the field `ha_always_run`.
   * `VM.set_ha_always_run(self: VM ref, value: bool)` → `void`.
   * @deprecated by the server
   */
  set_ha_always_run(self: VmRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `ha_restart_priority`.
   * `VM.set_ha_restart_priority(self: VM ref, value: string)` → `void`.
   */
  set_ha_restart_priority(self: VmRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Takes a key out of `NVRAM`; a missing one is no failure.
   * `VM.remove_from_NVRAM(self: VM ref, key: string)` → `void`.
   */
  remove_from_NVRAM(self: VmRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `NVRAM`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `VM.add_to_NVRAM(self: VM ref, key: string, value: string)` → `void`.
   */
  add_to_NVRAM(self: VmRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `NVRAM`.
   * `VM.set_NVRAM(self: VM ref, value: (string -> string) map)` → `void`.
   */
  set_NVRAM(self: VmRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /** `VM.add_to_VCPUs_params_live(self: VM ref, key: string, value: string)` → `void`, also as a task. */
  add_to_VCPUs_params_live(self: VmRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.set_VCPUs_number_live(self: VM ref, nvcpu: int)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: OPERATION_NOT_ALLOWED, LICENCE_RESTRICTION
   */
  set_VCPUs_number_live(self: VmRef, nvcpu: number, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.pool_migrate(vm: VM ref, host: host ref, options: (string -> string) map)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OTHER_OPERATION_IN_PROGRESS, VM_IS_TEMPLATE, OPERATION_NOT_ALLOWED, VM_BAD_POWER_STATE
   */
  pool_migrate(
    vm: VmRef,
    host: HostRef,
    options: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `VM.resume_on(vm: VM ref, host: host ref, start_paused: bool, force: bool)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OPERATION_NOT_ALLOWED, VM_IS_TEMPLATE
   */
  resume_on(vm: VmRef, host: HostRef, start_paused: boolean, force: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.resume(vm: VM ref, start_paused: bool, force: bool)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OPERATION_NOT_ALLOWED, VM_IS_TEMPLATE
   */
  resume(vm: VmRef, start_paused: boolean, force: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.suspend(vm: VM ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OTHER_OPERATION_IN_PROGRESS, OPERATION_NOT_ALLOWED, VM_IS_TEMPLATE
   */
  suspend(vm: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.hard_reboot(vm: VM ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OTHER_OPERATION_IN_PROGRESS, OPERATION_NOT_ALLOWED, VM_IS_TEMPLATE
   */
  hard_reboot(vm: VmRef, callOptions?: CallOptions): Promise<void>
  /** `VM.power_state_reset(vm: VM ref)` → `void`, also as a task. */
  power_state_reset(vm: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.hard_shutdown(vm: VM ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OTHER_OPERATION_IN_PROGRESS, OPERATION_NOT_ALLOWED, VM_IS_TEMPLATE
   */
  hard_shutdown(vm: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.clean_reboot(vm: VM ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OTHER_OPERATION_IN_PROGRESS, OPERATION_NOT_ALLOWED, VM_IS_TEMPLATE
   */
  clean_reboot(vm: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.shutdown(vm: VM ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OTHER_OPERATION_IN_PROGRESS, OPERATION_NOT_ALLOWED, VM_IS_TEMPLATE
   */
  shutdown(vm: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.clean_shutdown(vm: VM ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OTHER_OPERATION_IN_PROGRESS, OPERATION_NOT_ALLOWED, VM_IS_TEMPLATE
   */
  clean_shutdown(vm: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.unpause(vm: VM ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OPERATION_NOT_ALLOWED, VM_IS_TEMPLATE
   */
  unpause(vm: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.pause(vm: VM ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OTHER_OPERATION_IN_PROGRESS, OPERATION_NOT_ALLOWED, VM_IS_TEMPLATE
   */
  pause(vm: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.start_on(vm: VM ref, host: host ref, start_paused: bool, force: bool)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, VM_IS_TEMPLATE, OTHER_OPERATION_IN_PROGRESS, OPERATION_NOT_ALLOWED, BOOTLOADER_FAILED, UNKNOWN_BOOTLOADER
   */
  start_on(vm: VmRef, host: HostRef, start_paused: boolean, force: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.start(vm: VM ref, start_paused: bool, force: bool)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, VM_HVM_REQUIRED, VM_IS_TEMPLATE, OTHER_OPERATION_IN_PROGRESS, OPERATION_NOT_ALLOWED, BOOTLOADER_FAILED, UNKNOWN_BOOTLOADER, NO_HOSTS_AVAILABLE, LICENCE_RESTRICTION
   */
  start(vm: VmRef, start_paused: boolean, force: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.provision(vm: VM ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, SR_FULL, OPERATION_NOT_ALLOWED, LICENCE_RESTRICTION
   */
  provision(vm: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.checkpoint(vm: VM ref, new_name: string)` → `VM ref`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, SR_FULL, OPERATION_NOT_ALLOWED, VM_CHECKPOINT_SUSPEND_FAILED, VM_CHECKPOINT_RESUME_FAILED
   */
  checkpoint(vm: VmRef, new_name: string, callOptions?: CallOptions): Promise<VmRef>
  /**
   * Gives the VM new disks, cbt off.
   * `VM.revert(snapshot: VM ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OPERATION_NOT_ALLOWED, SR_FULL, VM_REVERT_FAILED
   */
  revert(snapshot: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.copy(vm: VM ref, new_name: string, sr: SR ref)` → `VM ref`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, SR_FULL, OPERATION_NOT_ALLOWED, LICENCE_RESTRICTION
   */
  copy(vm: VmRef, new_name: string, sr: SrRef, callOptions?: CallOptions): Promise<VmRef>
  /**
   * `VM.clone(vm: VM ref, new_name: string)` → `VM ref`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, SR_FULL, OPERATION_NOT_ALLOWED, LICENCE_RESTRICTION
   */
  clone(vm: VmRef, new_name: string, callOptions?: CallOptions): Promise<VmRef>
  /**
   * `VM.snapshot_with_quiesce(vm: VM ref, new_name: string)` → `VM ref`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, SR_FULL, OPERATION_NOT_ALLOWED, VM_SNAPSHOT_WITH_QUIESCE_FAILED, VM_SNAPSHOT_WITH_QUIESCE_TIMEOUT, VM_SNAPSHOT_WITH_QUIESCE_PLUGIN_DEOS_NOT_RESPOND, VM_SNAPSHOT_WITH_QUIESCE_NOT_SUPPORTED
   * State: removed.
   */
  snapshot_with_quiesce(vm: VmRef, new_name: string, callOptions?: CallOptions): Promise<VmRef>
  /**
   * Ignore_vdis may be left out; on old hosts the third parameter is unknown.
   * `VM.snapshot(vm: VM ref, new_name: string, ignore_vdis: VDI ref set)` → `VM ref`, also as a task.
   * Left out: ignore_vdis is `[]`.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, SR_FULL, OPERATION_NOT_ALLOWED
   */
  snapshot(vm: VmRef, new_name: string, callOptions?: CallOptions): Promise<VmRef>
  /**
   * Ignore_vdis may be left out; on old hosts the third parameter is unknown.
   * `VM.snapshot(vm: VM ref, new_name: string, ignore_vdis: VDI ref set)` → `VM ref`, also as a task.
   * Left out: ignore_vdis is `[]`.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, SR_FULL, OPERATION_NOT_ALLOWED
   */
  snapshot(vm: VmRef, new_name: string, ignore_vdis: readonly VdiRef[], callOptions?: CallOptions): Promise<VmRef>
  /**
   * Replaces the field `hardware_platform_version`.
   * `VM.set_hardware_platform_version(self: VM ref, value: int)` → `void`.
   */
  set_hardware_platform_version(self: VmRef, value: number, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `suspend_SR`.
   * `VM.set_suspend_SR(self: VM ref, value: SR ref)` → `void`.
   */
  set_suspend_SR(self: VmRef, value: SrRef, callOptions?: CallOptions): Promise<void>
  /**
   * Takes a key out of `blocked_operations`; a missing one is no failure: operation -> error code; a listed operation fails with OPERATION_BLOCKED.
   * `VM.remove_from_blocked_operations(self: VM ref, key: enum vm_operations)` → `void`.
   */
  remove_from_blocked_operations(self: VmRef, key: VmOperations, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `blocked_operations`; a key that exists is the failure MAP_DUPLICATE_KEY: operation -> error code; a listed operation fails with OPERATION_BLOCKED.
   * `VM.add_to_blocked_operations(self: VM ref, key: enum vm_operations, value: string)` → `void`.
   */
  add_to_blocked_operations(self: VmRef, key: VmOperations, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `blocked_operations`: operation -> error code; a listed operation fails with OPERATION_BLOCKED.
   * `VM.set_blocked_operations(self: VM ref, value: (enum vm_operations -> string) map)` → `void`.
   */
  set_blocked_operations(
    self: VmRef,
    value: Readonly<Partial<Record<VmOperations, string>>>,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * Takes a value out of the set `tags`.
   * `VM.remove_tags(self: VM ref, value: string)` → `void`.
   */
  remove_tags(self: VmRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a value to the set `tags`.
   * `VM.add_tags(self: VM ref, value: string)` → `void`.
   */
  add_tags(self: VmRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `tags`.
   * `VM.set_tags(self: VM ref, value: string set)` → `void`.
   */
  set_tags(self: VmRef, value: readonly string[], callOptions?: CallOptions): Promise<void>
  /**
   * Takes a key out of `xenstore_data`; a missing one is no failure.
   * `VM.remove_from_xenstore_data(self: VM ref, key: string)` → `void`.
   */
  remove_from_xenstore_data(self: VmRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `xenstore_data`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `VM.add_to_xenstore_data(self: VM ref, key: string, value: string)` → `void`.
   */
  add_to_xenstore_data(self: VmRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `xenstore_data`.
   * `VM.set_xenstore_data(self: VM ref, value: (string -> string) map)` → `void`.
   */
  set_xenstore_data(self: VmRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `recommendations`.
   * `VM.set_recommendations(self: VM ref, value: string)` → `void`.
   */
  set_recommendations(self: VmRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Takes a key out of `other_config`; a missing one is no failure.
   * `VM.remove_from_other_config(self: VM ref, key: string)` → `void`.
   */
  remove_from_other_config(self: VmRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `other_config`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `VM.add_to_other_config(self: VM ref, key: string, value: string)` → `void`.
   */
  add_to_other_config(self: VmRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `other_config`.
   * `VM.set_other_config(self: VM ref, value: (string -> string) map)` → `void`.
   */
  set_other_config(self: VmRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `PCI_bus`.
   * `VM.set_PCI_bus(self: VM ref, value: string)` → `void`.
   * @deprecated by the server
   */
  set_PCI_bus(self: VmRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Takes a key out of `platform`; a missing one is no failure.
   * `VM.remove_from_platform(self: VM ref, key: string)` → `void`.
   */
  remove_from_platform(self: VmRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `platform`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `VM.add_to_platform(self: VM ref, key: string, value: string)` → `void`.
   */
  add_to_platform(self: VmRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `platform`.
   * `VM.set_platform(self: VM ref, value: (string -> string) map)` → `void`.
   */
  set_platform(self: VmRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /**
   * Takes a key out of `HVM_boot_params`; a missing one is no failure.
   * `VM.remove_from_HVM_boot_params(self: VM ref, key: string)` → `void`.
   */
  remove_from_HVM_boot_params(self: VmRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `HVM_boot_params`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `VM.add_to_HVM_boot_params(self: VM ref, key: string, value: string)` → `void`.
   */
  add_to_HVM_boot_params(self: VmRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `HVM_boot_params`.
   * `VM.set_HVM_boot_params(self: VM ref, value: (string -> string) map)` → `void`.
   */
  set_HVM_boot_params(self: VmRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `PV_legacy_args`.
   * `VM.set_PV_legacy_args(self: VM ref, value: string)` → `void`.
   */
  set_PV_legacy_args(self: VmRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `PV_bootloader_args`.
   * `VM.set_PV_bootloader_args(self: VM ref, value: string)` → `void`.
   */
  set_PV_bootloader_args(self: VmRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `PV_args`.
   * `VM.set_PV_args(self: VM ref, value: string)` → `void`.
   */
  set_PV_args(self: VmRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `PV_ramdisk`.
   * `VM.set_PV_ramdisk(self: VM ref, value: string)` → `void`.
   */
  set_PV_ramdisk(self: VmRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `PV_kernel`.
   * `VM.set_PV_kernel(self: VM ref, value: string)` → `void`.
   */
  set_PV_kernel(self: VmRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `PV_bootloader`.
   * `VM.set_PV_bootloader(self: VM ref, value: string)` → `void`.
   */
  set_PV_bootloader(self: VmRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `actions_after_reboot`.
   * `VM.set_actions_after_reboot(self: VM ref, value: enum on_normal_exit)` → `void`.
   */
  set_actions_after_reboot(self: VmRef, value: OnNormalExit, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `actions_after_shutdown`.
   * `VM.set_actions_after_shutdown(self: VM ref, value: enum on_normal_exit)` → `void`.
   */
  set_actions_after_shutdown(self: VmRef, value: OnNormalExit, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `actions_after_softreboot`.
   * `VM.set_actions_after_softreboot(self: VM ref, value: enum on_softreboot_behavior)` → `void`.
   * State: prototyped.
   */
  set_actions_after_softreboot(self: VmRef, value: OnSoftrebootBehavior, callOptions?: CallOptions): Promise<void>
  /**
   * Takes a key out of `VCPUs_params`; a missing one is no failure.
   * `VM.remove_from_VCPUs_params(self: VM ref, key: string)` → `void`.
   */
  remove_from_VCPUs_params(self: VmRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `VCPUs_params`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `VM.add_to_VCPUs_params(self: VM ref, key: string, value: string)` → `void`.
   */
  add_to_VCPUs_params(self: VmRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `VCPUs_params`.
   * `VM.set_VCPUs_params(self: VM ref, value: (string -> string) map)` → `void`.
   */
  set_VCPUs_params(self: VmRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `affinity`.
   * `VM.set_affinity(self: VM ref, value: host ref)` → `void`.
   */
  set_affinity(self: VmRef, value: HostRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `is_a_template`.
   * `VM.set_is_a_template(self: VM ref, value: bool)` → `void`.
   */
  set_is_a_template(self: VmRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `user_version`.
   * `VM.set_user_version(self: VM ref, value: int)` → `void`.
   */
  set_user_version(self: VmRef, value: number, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `name_description`.
   * `VM.set_name_description(self: VM ref, value: string)` → `void`.
   */
  set_name_description(self: VmRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `name_label`.
   * `VM.set_name_label(self: VM ref, value: string)` → `void`.
   */
  set_name_label(self: VmRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Reads the field `pending_guidances_full`.
   * `VM.get_pending_guidances_full(self: VM ref)` → `enum update_guidances set`.
   * State: prototyped.
   */
  get_pending_guidances_full(self: VmRef, callOptions?: CallOptions): Promise<readonly UpdateGuidances[]>
  /**
   * Reads the field `pending_guidances_recommended`.
   * `VM.get_pending_guidances_recommended(self: VM ref)` → `enum update_guidances set`.
   * State: prototyped.
   */
  get_pending_guidances_recommended(self: VmRef, callOptions?: CallOptions): Promise<readonly UpdateGuidances[]>
  /**
   * Reads the field `pending_guidances`.
   * `VM.get_pending_guidances(self: VM ref)` → `enum update_guidances set`.
   */
  get_pending_guidances(self: VmRef, callOptions?: CallOptions): Promise<readonly UpdateGuidances[]>
  /**
   * Reads the field `NVRAM`.
   * `VM.get_NVRAM(self: VM ref)` → `(string -> string) map`.
   */
  get_NVRAM(self: VmRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `domain_type`.
   * `VM.get_domain_type(self: VM ref)` → `enum domain_type`.
   */
  get_domain_type(self: VmRef, callOptions?: CallOptions): Promise<DomainType>
  /**
   * Reads the field `reference_label`.
   * `VM.get_reference_label(self: VM ref)` → `string`.
   */
  get_reference_label(self: VmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `requires_reboot`.
   * `VM.get_requires_reboot(self: VM ref)` → `bool`.
   */
  get_requires_reboot(self: VmRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `has_vendor_device`.
   * `VM.get_has_vendor_device(self: VM ref)` → `bool`.
   */
  get_has_vendor_device(self: VmRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `hardware_platform_version`.
   * `VM.get_hardware_platform_version(self: VM ref)` → `int`.
   */
  get_hardware_platform_version(self: VmRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `generation_id`.
   * `VM.get_generation_id(self: VM ref)` → `string`.
   */
  get_generation_id(self: VmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `version`.
   * `VM.get_version(self: VM ref)` → `int`.
   */
  get_version(self: VmRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `suspend_SR`.
   * `VM.get_suspend_SR(self: VM ref)` → `SR ref`.
   */
  get_suspend_SR(self: VmRef, callOptions?: CallOptions): Promise<SrRef>
  /**
   * Reads the field `attached_PCIs`.
   * `VM.get_attached_PCIs(self: VM ref)` → `PCI ref set`.
   */
  get_attached_PCIs(self: VmRef, callOptions?: CallOptions): Promise<readonly PciRef[]>
  /**
   * Reads the field `VGPUs`.
   * `VM.get_VGPUs(self: VM ref)` → `VGPU ref set`.
   */
  get_VGPUs(self: VmRef, callOptions?: CallOptions): Promise<readonly VgpuRef[]>
  /**
   * Reads the field `order`.
   * `VM.get_order(self: VM ref)` → `int`.
   */
  get_order(self: VmRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `shutdown_delay`.
   * `VM.get_shutdown_delay(self: VM ref)` → `int`.
   */
  get_shutdown_delay(self: VmRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `start_delay`.
   * `VM.get_start_delay(self: VM ref)` → `int`.
   */
  get_start_delay(self: VmRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `appliance`.
   * `VM.get_appliance(self: VM ref)` → `VM_appliance ref`.
   */
  get_appliance(self: VmRef, callOptions?: CallOptions): Promise<VmApplianceRef>
  /**
   * Reads the field `is_vmss_snapshot`.
   * `VM.get_is_vmss_snapshot(self: VM ref)` → `bool`.
   */
  get_is_vmss_snapshot(self: VmRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `snapshot_schedule`.
   * `VM.get_snapshot_schedule(self: VM ref)` → `VMSS ref`.
   */
  get_snapshot_schedule(self: VmRef, callOptions?: CallOptions): Promise<VmssRef>
  /**
   * Reads the field `is_snapshot_from_vmpp`.
   * `VM.get_is_snapshot_from_vmpp(self: VM ref)` → `bool`.
   * State: removed.
   */
  get_is_snapshot_from_vmpp(self: VmRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `protection_policy`.
   * `VM.get_protection_policy(self: VM ref)` → `VMPP ref`.
   * @deprecated by the server
   */
  get_protection_policy(self: VmRef, callOptions?: CallOptions): Promise<VmppRef>
  /**
   * Reads the field `bios_strings`.
   * `VM.get_bios_strings(self: VM ref)` → `(string -> string) map`.
   */
  get_bios_strings(self: VmRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `children`.
   * `VM.get_children(self: VM ref)` → `VM ref set`.
   */
  get_children(self: VmRef, callOptions?: CallOptions): Promise<readonly VmRef[]>
  /**
   * Reads the field `parent`.
   * `VM.get_parent(self: VM ref)` → `VM ref`.
   */
  get_parent(self: VmRef, callOptions?: CallOptions): Promise<VmRef>
  /**
   * Reads the field `snapshot_metadata`: stored record used by VM.revert.
   * `VM.get_snapshot_metadata(self: VM ref)` → `string`.
   */
  get_snapshot_metadata(self: VmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `snapshot_info`.
   * `VM.get_snapshot_info(self: VM ref)` → `(string -> string) map`.
   */
  get_snapshot_info(self: VmRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `blocked_operations`: operation -> error code; a listed operation fails with OPERATION_BLOCKED.
   * `VM.get_blocked_operations(self: VM ref)` → `(enum vm_operations -> string) map`.
   */
  get_blocked_operations(
    self: VmRef,
    callOptions?: CallOptions,
  ): Promise<Readonly<Partial<Record<VmOperations, string>>>>
  /**
   * Reads the field `tags`.
   * `VM.get_tags(self: VM ref)` → `string set`.
   */
  get_tags(self: VmRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Reads the field `blobs`.
   * `VM.get_blobs(self: VM ref)` → `(string -> blob ref) map`.
   */
  get_blobs(self: VmRef, callOptions?: CallOptions): Promise<Readonly<Record<string, BlobRef>>>
  /**
   * Reads the field `transportable_snapshot_id`.
   * `VM.get_transportable_snapshot_id(self: VM ref)` → `string`.
   */
  get_transportable_snapshot_id(self: VmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `snapshot_time`.
   * `VM.get_snapshot_time(self: VM ref)` → `datetime`.
   */
  get_snapshot_time(self: VmRef, callOptions?: CallOptions): Promise<Date>
  /**
   * Reads the field `snapshots`.
   * `VM.get_snapshots(self: VM ref)` → `VM ref set`.
   */
  get_snapshots(self: VmRef, callOptions?: CallOptions): Promise<readonly VmRef[]>
  /**
   * Reads the field `snapshot_of`.
   * `VM.get_snapshot_of(self: VM ref)` → `VM ref`.
   */
  get_snapshot_of(self: VmRef, callOptions?: CallOptions): Promise<VmRef>
  /**
   * Reads the field `is_a_snapshot`: true for VM.snapshot results; is_a_template is true as well.
   * `VM.get_is_a_snapshot(self: VM ref)` → `bool`.
   */
  get_is_a_snapshot(self: VmRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `ha_restart_priority`.
   * `VM.get_ha_restart_priority(self: VM ref)` → `string`.
   */
  get_ha_restart_priority(self: VmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `ha_always_run`.
   * `VM.get_ha_always_run(self: VM ref)` → `bool`.
   * @deprecated by the server
   */
  get_ha_always_run(self: VmRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `xenstore_data`.
   * `VM.get_xenstore_data(self: VM ref)` → `(string -> string) map`.
   */
  get_xenstore_data(self: VmRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `recommendations`.
   * `VM.get_recommendations(self: VM ref)` → `string`.
   */
  get_recommendations(self: VmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `last_booted_record`.
   * `VM.get_last_booted_record(self: VM ref)` → `string`.
   */
  get_last_booted_record(self: VmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `guest_metrics`.
   * `VM.get_guest_metrics(self: VM ref)` → `VM_guest_metrics ref`.
   */
  get_guest_metrics(self: VmRef, callOptions?: CallOptions): Promise<VmGuestMetricsRef>
  /**
   * Reads the field `metrics`.
   * `VM.get_metrics(self: VM ref)` → `VM_metrics ref`.
   */
  get_metrics(self: VmRef, callOptions?: CallOptions): Promise<VmMetricsRef>
  /**
   * Reads the field `is_control_domain`: true for dom0.
   * `VM.get_is_control_domain(self: VM ref)` → `bool`.
   */
  get_is_control_domain(self: VmRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `last_boot_CPU_flags`.
   * `VM.get_last_boot_CPU_flags(self: VM ref)` → `(string -> string) map`.
   */
  get_last_boot_CPU_flags(self: VmRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `domarch`.
   * `VM.get_domarch(self: VM ref)` → `string`.
   */
  get_domarch(self: VmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `domid`.
   * `VM.get_domid(self: VM ref)` → `int`.
   */
  get_domid(self: VmRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `other_config`.
   * `VM.get_other_config(self: VM ref)` → `(string -> string) map`.
   */
  get_other_config(self: VmRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `PCI_bus`.
   * `VM.get_PCI_bus(self: VM ref)` → `string`.
   * @deprecated by the server
   */
  get_PCI_bus(self: VmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `platform`.
   * `VM.get_platform(self: VM ref)` → `(string -> string) map`.
   */
  get_platform(self: VmRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `HVM_shadow_multiplier`.
   * `VM.get_HVM_shadow_multiplier(self: VM ref)` → `float`.
   */
  get_HVM_shadow_multiplier(self: VmRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `HVM_boot_params`.
   * `VM.get_HVM_boot_params(self: VM ref)` → `(string -> string) map`.
   */
  get_HVM_boot_params(self: VmRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `HVM_boot_policy`.
   * `VM.get_HVM_boot_policy(self: VM ref)` → `string`.
   * @deprecated by the server
   */
  get_HVM_boot_policy(self: VmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `PV_legacy_args`.
   * `VM.get_PV_legacy_args(self: VM ref)` → `string`.
   */
  get_PV_legacy_args(self: VmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `PV_bootloader_args`.
   * `VM.get_PV_bootloader_args(self: VM ref)` → `string`.
   */
  get_PV_bootloader_args(self: VmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `PV_args`.
   * `VM.get_PV_args(self: VM ref)` → `string`.
   */
  get_PV_args(self: VmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `PV_ramdisk`.
   * `VM.get_PV_ramdisk(self: VM ref)` → `string`.
   */
  get_PV_ramdisk(self: VmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `PV_kernel`.
   * `VM.get_PV_kernel(self: VM ref)` → `string`.
   */
  get_PV_kernel(self: VmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `PV_bootloader`.
   * `VM.get_PV_bootloader(self: VM ref)` → `string`.
   */
  get_PV_bootloader(self: VmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `VTPMs`.
   * `VM.get_VTPMs(self: VM ref)` → `VTPM ref set`.
   */
  get_VTPMs(self: VmRef, callOptions?: CallOptions): Promise<readonly VtpmRef[]>
  /**
   * Reads the field `crash_dumps`.
   * `VM.get_crash_dumps(self: VM ref)` → `crashdump ref set`.
   */
  get_crash_dumps(self: VmRef, callOptions?: CallOptions): Promise<readonly CrashdumpRef[]>
  /**
   * Reads the field `VUSBs`.
   * `VM.get_VUSBs(self: VM ref)` → `VUSB ref set`.
   */
  get_VUSBs(self: VmRef, callOptions?: CallOptions): Promise<readonly VusbRef[]>
  /**
   * Reads the field `VBDs`.
   * `VM.get_VBDs(self: VM ref)` → `VBD ref set`.
   */
  get_VBDs(self: VmRef, callOptions?: CallOptions): Promise<readonly VbdRef[]>
  /**
   * Reads the field `VIFs`.
   * `VM.get_VIFs(self: VM ref)` → `VIF ref set`.
   */
  get_VIFs(self: VmRef, callOptions?: CallOptions): Promise<readonly VifRef[]>
  /**
   * Reads the field `consoles`.
   * `VM.get_consoles(self: VM ref)` → `console ref set`.
   */
  get_consoles(self: VmRef, callOptions?: CallOptions): Promise<readonly ConsoleRef[]>
  /**
   * Reads the field `actions_after_crash`.
   * `VM.get_actions_after_crash(self: VM ref)` → `enum on_crash_behaviour`.
   */
  get_actions_after_crash(self: VmRef, callOptions?: CallOptions): Promise<OnCrashBehaviour>
  /**
   * Reads the field `actions_after_reboot`.
   * `VM.get_actions_after_reboot(self: VM ref)` → `enum on_normal_exit`.
   */
  get_actions_after_reboot(self: VmRef, callOptions?: CallOptions): Promise<OnNormalExit>
  /**
   * Reads the field `actions_after_shutdown`.
   * `VM.get_actions_after_shutdown(self: VM ref)` → `enum on_normal_exit`.
   */
  get_actions_after_shutdown(self: VmRef, callOptions?: CallOptions): Promise<OnNormalExit>
  /**
   * Reads the field `actions_after_softreboot`.
   * `VM.get_actions_after_softreboot(self: VM ref)` → `enum on_softreboot_behavior`.
   * State: prototyped.
   */
  get_actions_after_softreboot(self: VmRef, callOptions?: CallOptions): Promise<OnSoftrebootBehavior>
  /**
   * Reads the field `VCPUs_at_startup`.
   * `VM.get_VCPUs_at_startup(self: VM ref)` → `int`.
   */
  get_VCPUs_at_startup(self: VmRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `VCPUs_max`.
   * `VM.get_VCPUs_max(self: VM ref)` → `int`.
   */
  get_VCPUs_max(self: VmRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `VCPUs_params`.
   * `VM.get_VCPUs_params(self: VM ref)` → `(string -> string) map`.
   */
  get_VCPUs_params(self: VmRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `memory_static_min`.
   * `VM.get_memory_static_min(self: VM ref)` → `int`.
   */
  get_memory_static_min(self: VmRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `memory_dynamic_min`.
   * `VM.get_memory_dynamic_min(self: VM ref)` → `int`.
   */
  get_memory_dynamic_min(self: VmRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `memory_dynamic_max`.
   * `VM.get_memory_dynamic_max(self: VM ref)` → `int`.
   */
  get_memory_dynamic_max(self: VmRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `memory_static_max`.
   * `VM.get_memory_static_max(self: VM ref)` → `int`.
   */
  get_memory_static_max(self: VmRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `memory_target`.
   * `VM.get_memory_target(self: VM ref)` → `int`.
   * @deprecated by the server
   */
  get_memory_target(self: VmRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `memory_overhead`.
   * `VM.get_memory_overhead(self: VM ref)` → `int`.
   */
  get_memory_overhead(self: VmRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `affinity`.
   * `VM.get_affinity(self: VM ref)` → `host ref`.
   */
  get_affinity(self: VmRef, callOptions?: CallOptions): Promise<HostRef>
  /**
   * Reads the field `scheduled_to_be_resident_on`.
   * `VM.get_scheduled_to_be_resident_on(self: VM ref)` → `host ref`.
   */
  get_scheduled_to_be_resident_on(self: VmRef, callOptions?: CallOptions): Promise<HostRef>
  /**
   * Reads the field `resident_on`.
   * `VM.get_resident_on(self: VM ref)` → `host ref`.
   */
  get_resident_on(self: VmRef, callOptions?: CallOptions): Promise<HostRef>
  /**
   * Reads the field `suspend_VDI`.
   * `VM.get_suspend_VDI(self: VM ref)` → `VDI ref`.
   */
  get_suspend_VDI(self: VmRef, callOptions?: CallOptions): Promise<VdiRef>
  /**
   * Reads the field `is_default_template`.
   * `VM.get_is_default_template(self: VM ref)` → `bool`.
   */
  get_is_default_template(self: VmRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `is_a_template`.
   * `VM.get_is_a_template(self: VM ref)` → `bool`.
   */
  get_is_a_template(self: VmRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `user_version`.
   * `VM.get_user_version(self: VM ref)` → `int`.
   */
  get_user_version(self: VmRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `power_state`.
   * `VM.get_power_state(self: VM ref)` → `enum vm_power_state`.
   */
  get_power_state(self: VmRef, callOptions?: CallOptions): Promise<VmPowerState>
  /**
   * Reads the field `name_description`.
   * `VM.get_name_description(self: VM ref)` → `string`.
   */
  get_name_description(self: VmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `name_label`.
   * `VM.get_name_label(self: VM ref)` → `string`.
   */
  get_name_label(self: VmRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `current_operations`.
   * `VM.get_current_operations(self: VM ref)` → `(string -> enum vm_operations) map`.
   */
  get_current_operations(self: VmRef, callOptions?: CallOptions): Promise<Readonly<Record<string, VmOperations>>>
  /**
   * Reads the field `allowed_operations`.
   * `VM.get_allowed_operations(self: VM ref)` → `enum vm_operations set`.
   */
  get_allowed_operations(self: VmRef, callOptions?: CallOptions): Promise<readonly VmOperations[]>
  /**
   * Reads the field `uuid`.
   * `VM.get_uuid(self: VM ref)` → `string`.
   */
  get_uuid(self: VmRef, callOptions?: CallOptions): Promise<string>
  /**
   * All VM with this name; an empty set when there is none.
   * `VM.get_by_name_label(label: string)` → `VM ref set`.
   */
  get_by_name_label(label: string, callOptions?: CallOptions): Promise<readonly VmRef[]>
  /**
   * Removes the VM.
   * `VM.destroy(self: VM ref)` → `void`, also as a task.
   */
  destroy(self: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * Makes a new VM.
   * `VM.create(args: VM record)` → `VM ref`, also as a task.
   */
  create(args: VmConstructor, callOptions?: CallOptions): Promise<VmRef>
  /**
   * The VM with this uuid; none is the failure UUID_INVALID.
   * `VM.get_by_uuid(uuid: string)` → `VM ref`.
   */
  get_by_uuid(uuid: string, callOptions?: CallOptions): Promise<VmRef>
  /**
   * All fields of one VM.
   * `VM.get_record(self: VM ref)` → `VM record`.
   */
  get_record(self: VmRef, callOptions?: CallOptions): Promise<VmRecord>
  /**
   * Not published; the records an expression selects.
   * `VM.get_all_records_where(expr: string)` → `(VM ref -> VM record) map`.
   */
  get_all_records_where(expr: string, callOptions?: CallOptions): Promise<Readonly<Record<string, VmRecord>>>
}

/** Calls on VM_metrics: measured state of a VM. */
export interface VmMetricsCalls {
  /**
   * Every VM_metrics of the pool with its record, by reference.
   * `VM_metrics.get_all_records()` → `(VM_metrics ref -> VM_metrics record) map`.
   */
  get_all_records(callOptions?: CallOptions): Promise<Readonly<Record<string, VmMetricsRecord>>>
  /**
   * Every VM_metrics of the pool.
   * `VM_metrics.get_all()` → `VM_metrics ref set`.
   */
  get_all(callOptions?: CallOptions): Promise<readonly VmMetricsRef[]>
  /**
   * Takes a key out of `other_config`; a missing one is no failure.
   * `VM_metrics.remove_from_other_config(self: VM_metrics ref, key: string)` → `void`.
   */
  remove_from_other_config(self: VmMetricsRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `other_config`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `VM_metrics.add_to_other_config(self: VM_metrics ref, key: string, value: string)` → `void`.
   */
  add_to_other_config(self: VmMetricsRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `other_config`.
   * `VM_metrics.set_other_config(self: VM_metrics ref, value: (string -> string) map)` → `void`.
   */
  set_other_config(
    self: VmMetricsRef,
    value: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * Reads the field `current_domain_type`.
   * `VM_metrics.get_current_domain_type(self: VM_metrics ref)` → `enum domain_type`.
   */
  get_current_domain_type(self: VmMetricsRef, callOptions?: CallOptions): Promise<DomainType>
  /**
   * Reads the field `nomigrate`.
   * `VM_metrics.get_nomigrate(self: VM_metrics ref)` → `bool`.
   */
  get_nomigrate(self: VmMetricsRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `nested_virt`.
   * `VM_metrics.get_nested_virt(self: VM_metrics ref)` → `bool`.
   */
  get_nested_virt(self: VmMetricsRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `hvm`.
   * `VM_metrics.get_hvm(self: VM_metrics ref)` → `bool`.
   */
  get_hvm(self: VmMetricsRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `other_config`.
   * `VM_metrics.get_other_config(self: VM_metrics ref)` → `(string -> string) map`.
   */
  get_other_config(self: VmMetricsRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `last_updated`.
   * `VM_metrics.get_last_updated(self: VM_metrics ref)` → `datetime`.
   */
  get_last_updated(self: VmMetricsRef, callOptions?: CallOptions): Promise<Date>
  /**
   * Reads the field `install_time`.
   * `VM_metrics.get_install_time(self: VM_metrics ref)` → `datetime`.
   */
  get_install_time(self: VmMetricsRef, callOptions?: CallOptions): Promise<Date>
  /**
   * Reads the field `start_time`.
   * `VM_metrics.get_start_time(self: VM_metrics ref)` → `datetime`.
   */
  get_start_time(self: VmMetricsRef, callOptions?: CallOptions): Promise<Date>
  /**
   * Reads the field `state`.
   * `VM_metrics.get_state(self: VM_metrics ref)` → `string set`.
   */
  get_state(self: VmMetricsRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Reads the field `VCPUs_flags`.
   * `VM_metrics.get_VCPUs_flags(self: VM_metrics ref)` → `(int -> string set) map`.
   */
  get_VCPUs_flags(self: VmMetricsRef, callOptions?: CallOptions): Promise<Readonly<Record<string, readonly string[]>>>
  /**
   * Reads the field `VCPUs_params`.
   * `VM_metrics.get_VCPUs_params(self: VM_metrics ref)` → `(string -> string) map`.
   */
  get_VCPUs_params(self: VmMetricsRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `VCPUs_CPU`.
   * `VM_metrics.get_VCPUs_CPU(self: VM_metrics ref)` → `(int -> int) map`.
   */
  get_VCPUs_CPU(self: VmMetricsRef, callOptions?: CallOptions): Promise<Readonly<Record<string, number>>>
  /**
   * Reads the field `VCPUs_utilisation`.
   * `VM_metrics.get_VCPUs_utilisation(self: VM_metrics ref)` → `(int -> float) map`.
   * State: removed.
   */
  get_VCPUs_utilisation(self: VmMetricsRef, callOptions?: CallOptions): Promise<Readonly<Record<string, number>>>
  /**
   * Reads the field `VCPUs_number`.
   * `VM_metrics.get_VCPUs_number(self: VM_metrics ref)` → `int`.
   */
  get_VCPUs_number(self: VmMetricsRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `memory_actual`.
   * `VM_metrics.get_memory_actual(self: VM_metrics ref)` → `int`.
   */
  get_memory_actual(self: VmMetricsRef, callOptions?: CallOptions): Promise<number>
  /**
   * Reads the field `uuid`.
   * `VM_metrics.get_uuid(self: VM_metrics ref)` → `string`.
   */
  get_uuid(self: VmMetricsRef, callOptions?: CallOptions): Promise<string>
  /**
   * The VM_metrics with this uuid; none is the failure UUID_INVALID.
   * `VM_metrics.get_by_uuid(uuid: string)` → `VM_metrics ref`.
   */
  get_by_uuid(uuid: string, callOptions?: CallOptions): Promise<VmMetricsRef>
  /**
   * All fields of one VM_metrics.
   * `VM_metrics.get_record(self: VM_metrics ref)` → `VM_metrics record`.
   */
  get_record(self: VmMetricsRef, callOptions?: CallOptions): Promise<VmMetricsRecord>
  /**
   * Not published; the records an expression selects.
   * `VM_metrics.get_all_records_where(expr: string)` → `(VM_metrics ref -> VM_metrics record) map`.
   */
  get_all_records_where(expr: string, callOptions?: CallOptions): Promise<Readonly<Record<string, VmMetricsRecord>>>
}

/** Calls on VM_guest_metrics: what the agent inside a VM reports. */
export interface VmGuestMetricsCalls {
  /**
   * Every VM_guest_metrics of the pool with its record, by reference.
   * `VM_guest_metrics.get_all_records()` → `(VM_guest_metrics ref -> VM_guest_metrics record) map`.
   */
  get_all_records(callOptions?: CallOptions): Promise<Readonly<Record<string, VmGuestMetricsRecord>>>
  /**
   * Every VM_guest_metrics of the pool.
   * `VM_guest_metrics.get_all()` → `VM_guest_metrics ref set`.
   */
  get_all(callOptions?: CallOptions): Promise<readonly VmGuestMetricsRef[]>
  /**
   * Takes a key out of `other_config`; a missing one is no failure.
   * `VM_guest_metrics.remove_from_other_config(self: VM_guest_metrics ref, key: string)` → `void`.
   */
  remove_from_other_config(self: VmGuestMetricsRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `other_config`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `VM_guest_metrics.add_to_other_config(self: VM_guest_metrics ref, key: string, value: string)` → `void`.
   */
  add_to_other_config(self: VmGuestMetricsRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `other_config`.
   * `VM_guest_metrics.set_other_config(self: VM_guest_metrics ref, value: (string -> string) map)` → `void`.
   */
  set_other_config(
    self: VmGuestMetricsRef,
    value: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * Reads the field `PV_drivers_detected`.
   * `VM_guest_metrics.get_PV_drivers_detected(self: VM_guest_metrics ref)` → `bool`.
   */
  get_PV_drivers_detected(self: VmGuestMetricsRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `can_use_hotplug_vif`.
   * `VM_guest_metrics.get_can_use_hotplug_vif(self: VM_guest_metrics ref)` → `enum tristate_type`.
   */
  get_can_use_hotplug_vif(self: VmGuestMetricsRef, callOptions?: CallOptions): Promise<TristateType>
  /**
   * Reads the field `can_use_hotplug_vbd`.
   * `VM_guest_metrics.get_can_use_hotplug_vbd(self: VM_guest_metrics ref)` → `enum tristate_type`.
   */
  get_can_use_hotplug_vbd(self: VmGuestMetricsRef, callOptions?: CallOptions): Promise<TristateType>
  /**
   * Reads the field `live`.
   * `VM_guest_metrics.get_live(self: VM_guest_metrics ref)` → `bool`.
   */
  get_live(self: VmGuestMetricsRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `other_config`.
   * `VM_guest_metrics.get_other_config(self: VM_guest_metrics ref)` → `(string -> string) map`.
   */
  get_other_config(self: VmGuestMetricsRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `last_updated`.
   * `VM_guest_metrics.get_last_updated(self: VM_guest_metrics ref)` → `datetime`.
   */
  get_last_updated(self: VmGuestMetricsRef, callOptions?: CallOptions): Promise<Date>
  /**
   * Reads the field `other`.
   * `VM_guest_metrics.get_other(self: VM_guest_metrics ref)` → `(string -> string) map`.
   */
  get_other(self: VmGuestMetricsRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `networks`.
   * `VM_guest_metrics.get_networks(self: VM_guest_metrics ref)` → `(string -> string) map`.
   */
  get_networks(self: VmGuestMetricsRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `disks`.
   * `VM_guest_metrics.get_disks(self: VM_guest_metrics ref)` → `(string -> string) map`.
   * State: removed.
   */
  get_disks(self: VmGuestMetricsRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `memory`.
   * `VM_guest_metrics.get_memory(self: VM_guest_metrics ref)` → `(string -> string) map`.
   * State: removed.
   */
  get_memory(self: VmGuestMetricsRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `PV_drivers_up_to_date`.
   * `VM_guest_metrics.get_PV_drivers_up_to_date(self: VM_guest_metrics ref)` → `bool`.
   * @deprecated by the server
   */
  get_PV_drivers_up_to_date(self: VmGuestMetricsRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `PV_drivers_version`.
   * `VM_guest_metrics.get_PV_drivers_version(self: VM_guest_metrics ref)` → `(string -> string) map`.
   */
  get_PV_drivers_version(self: VmGuestMetricsRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `os_version`.
   * `VM_guest_metrics.get_os_version(self: VM_guest_metrics ref)` → `(string -> string) map`.
   */
  get_os_version(self: VmGuestMetricsRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `uuid`.
   * `VM_guest_metrics.get_uuid(self: VM_guest_metrics ref)` → `string`.
   */
  get_uuid(self: VmGuestMetricsRef, callOptions?: CallOptions): Promise<string>
  /**
   * The VM_guest_metrics with this uuid; none is the failure UUID_INVALID.
   * `VM_guest_metrics.get_by_uuid(uuid: string)` → `VM_guest_metrics ref`.
   */
  get_by_uuid(uuid: string, callOptions?: CallOptions): Promise<VmGuestMetricsRef>
  /**
   * All fields of one VM_guest_metrics.
   * `VM_guest_metrics.get_record(self: VM_guest_metrics ref)` → `VM_guest_metrics record`.
   */
  get_record(self: VmGuestMetricsRef, callOptions?: CallOptions): Promise<VmGuestMetricsRecord>
  /**
   * Not published; the records an expression selects.
   * `VM_guest_metrics.get_all_records_where(expr: string)` → `(VM_guest_metrics ref -> VM_guest_metrics record) map`.
   */
  get_all_records_where(
    expr: string,
    callOptions?: CallOptions,
  ): Promise<Readonly<Record<string, VmGuestMetricsRecord>>>
}

/** Calls on VTPM: a virtual trusted platform module of a VM. */
export interface VtpmCalls {
  /**
   * Every VTPM of the pool with its record, by reference.
   * `VTPM.get_all_records()` → `(VTPM ref -> VTPM record) map`.
   * State: prototyped.
   */
  get_all_records(callOptions?: CallOptions): Promise<Readonly<Record<string, VtpmRecord>>>
  /**
   * Every VTPM of the pool.
   * `VTPM.get_all()` → `VTPM ref set`.
   * State: prototyped.
   */
  get_all(callOptions?: CallOptions): Promise<readonly VtpmRef[]>
  /**
   * Removes the VTPM.
   * `VTPM.destroy(self: VTPM ref)` → `void`, also as a task.
   * State: prototyped.
   */
  destroy(self: VtpmRef, callOptions?: CallOptions): Promise<void>
  /**
   * Makes a new VTPM.
   * `VTPM.create(vM: VM ref, is_unique: bool)` → `VTPM ref`, also as a task.
   * State: prototyped.
   */
  create(vM: VmRef, is_unique: boolean, callOptions?: CallOptions): Promise<VtpmRef>
  /**
   * Reads the field `is_protected`.
   * `VTPM.get_is_protected(self: VTPM ref)` → `bool`.
   * State: prototyped.
   */
  get_is_protected(self: VtpmRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `is_unique`.
   * `VTPM.get_is_unique(self: VTPM ref)` → `bool`.
   * State: prototyped.
   */
  get_is_unique(self: VtpmRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `persistence_backend`.
   * `VTPM.get_persistence_backend(self: VTPM ref)` → `enum persistence_backend`.
   * State: prototyped.
   */
  get_persistence_backend(self: VtpmRef, callOptions?: CallOptions): Promise<PersistenceBackend>
  /**
   * Reads the field `backend`.
   * `VTPM.get_backend(self: VTPM ref)` → `VM ref`.
   */
  get_backend(self: VtpmRef, callOptions?: CallOptions): Promise<VmRef>
  /**
   * Reads the field `VM`.
   * `VTPM.get_VM(self: VTPM ref)` → `VM ref`.
   */
  get_VM(self: VtpmRef, callOptions?: CallOptions): Promise<VmRef>
  /**
   * Reads the field `current_operations`.
   * `VTPM.get_current_operations(self: VTPM ref)` → `(string -> enum vtpm_operations) map`.
   */
  get_current_operations(self: VtpmRef, callOptions?: CallOptions): Promise<Readonly<Record<string, VtpmOperations>>>
  /**
   * Reads the field `allowed_operations`.
   * `VTPM.get_allowed_operations(self: VTPM ref)` → `enum vtpm_operations set`.
   */
  get_allowed_operations(self: VtpmRef, callOptions?: CallOptions): Promise<readonly VtpmOperations[]>
  /**
   * Reads the field `uuid`.
   * `VTPM.get_uuid(self: VTPM ref)` → `string`.
   */
  get_uuid(self: VtpmRef, callOptions?: CallOptions): Promise<string>
  /**
   * The VTPM with this uuid; none is the failure UUID_INVALID.
   * `VTPM.get_by_uuid(uuid: string)` → `VTPM ref`.
   * State: prototyped.
   */
  get_by_uuid(uuid: string, callOptions?: CallOptions): Promise<VtpmRef>
  /**
   * All fields of one VTPM.
   * `VTPM.get_record(self: VTPM ref)` → `VTPM record`.
   * State: prototyped.
   */
  get_record(self: VtpmRef, callOptions?: CallOptions): Promise<VtpmRecord>
  /**
   * Not published; the records an expression selects.
   * `VTPM.get_all_records_where(expr: string)` → `(VTPM ref -> VTPM record) map`.
   */
  get_all_records_where(expr: string, callOptions?: CallOptions): Promise<Readonly<Record<string, VtpmRecord>>>
}

/** Calls on message: alert; CBT alerts are VDI_CBT_SNAPSHOT_FAILED, VDI_CBT_METADATA_INCONSISTENT, VDI_CBT_RESIZE_FAILED. */
export interface MessageCalls {
  /** `message.get_all_records_where(expr: string)` → `(message ref -> message record) map`. */
  get_all_records_where(expr: string, callOptions?: CallOptions): Promise<Readonly<Record<string, MessageRecord>>>
  /**
   * Every message of the pool with its record, by reference.
   * `message.get_all_records()` → `(message ref -> message record) map`.
   */
  get_all_records(callOptions?: CallOptions): Promise<Readonly<Record<string, MessageRecord>>>
  /**
   * The message with this uuid; none is the failure UUID_INVALID.
   * `message.get_by_uuid(uuid: string)` → `message ref`.
   */
  get_by_uuid(uuid: string, callOptions?: CallOptions): Promise<MessageRef>
  /**
   * All fields of one message.
   * `message.get_record(self: message ref)` → `message record`.
   */
  get_record(self: MessageRef, callOptions?: CallOptions): Promise<MessageRecord>
  /** `message.get_since(since: datetime)` → `(message ref -> message record) map`. */
  get_since(since: Date, callOptions?: CallOptions): Promise<Readonly<Record<string, MessageRecord>>>
  /**
   * Every message of the pool.
   * `message.get_all()` → `message ref set`.
   */
  get_all(callOptions?: CallOptions): Promise<readonly MessageRef[]>
  /** `message.get(cls: enum cls, obj_uuid: string, since: datetime)` → `(message ref -> message record) map`. */
  get(
    cls: Cls,
    obj_uuid: string,
    since: Date,
    callOptions?: CallOptions,
  ): Promise<Readonly<Record<string, MessageRecord>>>
  /**
   * `message.destroy_many(messages: message ref set)` → `void`, also as a task.
   * State: prototyped.
   */
  destroy_many(messages: readonly MessageRef[], callOptions?: CallOptions): Promise<void>
  /**
   * Removes the message.
   * `message.destroy(self: message ref)` → `void`.
   */
  destroy(self: MessageRef, callOptions?: CallOptions): Promise<void>
  /**
   * Makes a new message.
   * `message.create(name: string, priority: int, cls: enum cls, obj_uuid: string, body: string)` → `message ref`.
   */
  create(
    name: string,
    priority: number,
    cls: Cls,
    obj_uuid: string,
    body: string,
    callOptions?: CallOptions,
  ): Promise<MessageRef>
}

/** Calls on Certificate: an X.509 certificate that a host uses or trusts. */
export interface CertificateCalls {
  /**
   * Every Certificate of the pool with its record, by reference.
   * `Certificate.get_all_records()` → `(Certificate ref -> Certificate record) map`.
   */
  get_all_records(callOptions?: CallOptions): Promise<Readonly<Record<string, CertificateRecord>>>
  /**
   * Every Certificate of the pool.
   * `Certificate.get_all()` → `Certificate ref set`.
   */
  get_all(callOptions?: CallOptions): Promise<readonly CertificateRef[]>
  /**
   * Reads the field `fingerprint`.
   * `Certificate.get_fingerprint(self: Certificate ref)` → `string`.
   */
  get_fingerprint(self: CertificateRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `not_after`.
   * `Certificate.get_not_after(self: Certificate ref)` → `datetime`.
   */
  get_not_after(self: CertificateRef, callOptions?: CallOptions): Promise<Date>
  /**
   * Reads the field `not_before`.
   * `Certificate.get_not_before(self: Certificate ref)` → `datetime`.
   */
  get_not_before(self: CertificateRef, callOptions?: CallOptions): Promise<Date>
  /**
   * Reads the field `host`.
   * `Certificate.get_host(self: Certificate ref)` → `host ref`.
   */
  get_host(self: CertificateRef, callOptions?: CallOptions): Promise<HostRef>
  /**
   * Reads the field `type`.
   * `Certificate.get_type(self: Certificate ref)` → `enum certificate_type`.
   */
  get_type(self: CertificateRef, callOptions?: CallOptions): Promise<CertificateType>
  /**
   * Reads the field `name`.
   * `Certificate.get_name(self: Certificate ref)` → `string`.
   */
  get_name(self: CertificateRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `uuid`.
   * `Certificate.get_uuid(self: Certificate ref)` → `string`.
   */
  get_uuid(self: CertificateRef, callOptions?: CallOptions): Promise<string>
  /**
   * The Certificate with this uuid; none is the failure UUID_INVALID.
   * `Certificate.get_by_uuid(uuid: string)` → `Certificate ref`.
   */
  get_by_uuid(uuid: string, callOptions?: CallOptions): Promise<CertificateRef>
  /**
   * All fields of one Certificate.
   * `Certificate.get_record(self: Certificate ref)` → `Certificate record`.
   */
  get_record(self: CertificateRef, callOptions?: CallOptions): Promise<CertificateRecord>
  /**
   * Not published; the records an expression selects.
   * `Certificate.get_all_records_where(expr: string)` → `(Certificate ref -> Certificate record) map`.
   */
  get_all_records_where(expr: string, callOptions?: CallOptions): Promise<Readonly<Record<string, CertificateRecord>>>
}

/** Calls on subject: a user or group of an external directory that may log in. */
export interface SubjectCalls {
  /**
   * Every subject of the pool with its record, by reference.
   * `subject.get_all_records()` → `(subject ref -> subject record) map`.
   */
  get_all_records(callOptions?: CallOptions): Promise<Readonly<Record<string, SubjectRecord>>>
  /**
   * Every subject of the pool.
   * `subject.get_all()` → `subject ref set`.
   */
  get_all(callOptions?: CallOptions): Promise<readonly SubjectRef[]>
  /** `subject.get_permissions_name_label(self: subject ref)` → `string set`. */
  get_permissions_name_label(self: SubjectRef, callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * Takes a key out of `roles`; a missing one is no failure.
   * `subject.remove_from_roles(self: subject ref, role: role ref)` → `void`.
   */
  remove_from_roles(self: SubjectRef, role: RoleRef, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `roles`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `subject.add_to_roles(self: subject ref, role: role ref)` → `void`.
   */
  add_to_roles(self: SubjectRef, role: RoleRef, callOptions?: CallOptions): Promise<void>
  /**
   * Reads the field `roles`.
   * `subject.get_roles(self: subject ref)` → `role ref set`.
   */
  get_roles(self: SubjectRef, callOptions?: CallOptions): Promise<readonly RoleRef[]>
  /**
   * Reads the field `other_config`.
   * `subject.get_other_config(self: subject ref)` → `(string -> string) map`.
   */
  get_other_config(self: SubjectRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Reads the field `subject_identifier`.
   * `subject.get_subject_identifier(self: subject ref)` → `string`.
   */
  get_subject_identifier(self: SubjectRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `uuid`.
   * `subject.get_uuid(self: subject ref)` → `string`.
   */
  get_uuid(self: SubjectRef, callOptions?: CallOptions): Promise<string>
  /**
   * Removes the subject.
   * `subject.destroy(self: subject ref)` → `void`, also as a task.
   */
  destroy(self: SubjectRef, callOptions?: CallOptions): Promise<void>
  /**
   * Makes a new subject.
   * `subject.create(args: subject record)` → `subject ref`, also as a task.
   */
  create(args: SubjectConstructor, callOptions?: CallOptions): Promise<SubjectRef>
  /**
   * The subject with this uuid; none is the failure UUID_INVALID.
   * `subject.get_by_uuid(uuid: string)` → `subject ref`.
   */
  get_by_uuid(uuid: string, callOptions?: CallOptions): Promise<SubjectRef>
  /**
   * All fields of one subject.
   * `subject.get_record(self: subject ref)` → `subject record`.
   */
  get_record(self: SubjectRef, callOptions?: CallOptions): Promise<SubjectRecord>
  /**
   * Not published; the records an expression selects.
   * `subject.get_all_records_where(expr: string)` → `(subject ref -> subject record) map`.
   */
  get_all_records_where(expr: string, callOptions?: CallOptions): Promise<Readonly<Record<string, SubjectRecord>>>
}

/** Calls on role: a set of permissions. */
export interface RoleCalls {
  /**
   * Every role of the pool with its record, by reference.
   * `role.get_all_records()` → `(role ref -> role record) map`.
   */
  get_all_records(callOptions?: CallOptions): Promise<Readonly<Record<string, RoleRecord>>>
  /**
   * Every role of the pool.
   * `role.get_all()` → `role ref set`.
   */
  get_all(callOptions?: CallOptions): Promise<readonly RoleRef[]>
  /** `role.get_by_permission_name_label(label: string)` → `role ref set`. */
  get_by_permission_name_label(label: string, callOptions?: CallOptions): Promise<readonly RoleRef[]>
  /** `role.get_by_permission(permission: role ref)` → `role ref set`. */
  get_by_permission(permission: RoleRef, callOptions?: CallOptions): Promise<readonly RoleRef[]>
  /** `role.get_permissions_name_label(self: role ref)` → `string set`. */
  get_permissions_name_label(self: RoleRef, callOptions?: CallOptions): Promise<readonly string[]>
  /** `role.get_permissions(self: role ref)` → `role ref set`. */
  get_permissions(self: RoleRef, callOptions?: CallOptions): Promise<readonly RoleRef[]>
  /**
   * Reads the field `is_internal`.
   * `role.get_is_internal(self: role ref)` → `bool`.
   */
  get_is_internal(self: RoleRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * Reads the field `subroles`.
   * `role.get_subroles(self: role ref)` → `role ref set`.
   */
  get_subroles(self: RoleRef, callOptions?: CallOptions): Promise<readonly RoleRef[]>
  /**
   * Reads the field `name_description`.
   * `role.get_name_description(self: role ref)` → `string`.
   */
  get_name_description(self: RoleRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `name_label`.
   * `role.get_name_label(self: role ref)` → `string`.
   */
  get_name_label(self: RoleRef, callOptions?: CallOptions): Promise<string>
  /**
   * Reads the field `uuid`.
   * `role.get_uuid(self: role ref)` → `string`.
   */
  get_uuid(self: RoleRef, callOptions?: CallOptions): Promise<string>
  /**
   * All role with this name; an empty set when there is none.
   * `role.get_by_name_label(label: string)` → `role ref set`.
   */
  get_by_name_label(label: string, callOptions?: CallOptions): Promise<readonly RoleRef[]>
  /**
   * The role with this uuid; none is the failure UUID_INVALID.
   * `role.get_by_uuid(uuid: string)` → `role ref`.
   */
  get_by_uuid(uuid: string, callOptions?: CallOptions): Promise<RoleRef>
  /**
   * All fields of one role.
   * `role.get_record(self: role ref)` → `role record`.
   */
  get_record(self: RoleRef, callOptions?: CallOptions): Promise<RoleRecord>
  /**
   * Not published; the records an expression selects.
   * `role.get_all_records_where(expr: string)` → `(role ref -> role record) map`.
   */
  get_all_records_where(expr: string, callOptions?: CallOptions): Promise<Readonly<Record<string, RoleRecord>>>
}

/** Calls on system: the server as such. */
export interface SystemCalls {
  /**
   * The names of all methods the server knows.
   * `system.listMethods()` → `string set`.
   */
  listMethods(callOptions?: CallOptions): Promise<readonly string[]>
}

/** Calls on session as tasks: each starts the task, waits until it ends, and answers with its result or throws its failure. */
export interface AsyncSessionCalls {
  /** `session.logout_subject_identifier(subject_identifier: string)` → `void`, also as a task. */
  logout_subject_identifier(subject_identifier: string, callOptions?: CallOptions): Promise<void>
  /** `session.get_all_subject_identifiers()` → `string set`, also as a task. */
  get_all_subject_identifiers(callOptions?: CallOptions): Promise<readonly string[]>
  /** `session.create_from_db_file(filename: string)` → `session ref`, also as a task. */
  create_from_db_file(filename: string, callOptions?: CallOptions): Promise<SessionRef>
}

/** Calls on task as tasks: each starts the task, waits until it ends, and answers with its result or throws its failure. */
export interface AsyncTaskCalls {
  /**
   * Asks for cancellation; the outcome shows in status.
   * `task.cancel(task: task ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: OPERATION_NOT_ALLOWED
   */
  cancel(task: TaskRef, callOptions?: CallOptions): Promise<void>
}

/** Calls on event as tasks: each starts the task, waits until it ends, and answers with its result or throws its failure. */
export interface AsyncEventCalls {
  /**
   * `event.unregister(classes: string set)` → `void`, also as a task.
   * @deprecated by the server
   */
  unregister(classes: readonly string[], callOptions?: CallOptions): Promise<void>
  /**
   * `event.register(classes: string set)` → `void`, also as a task.
   * @deprecated by the server
   */
  register(classes: readonly string[], callOptions?: CallOptions): Promise<void>
}

/** Calls on pool as tasks: each starts the task, waits until it ends, and answers with its result or throws its failure. */
export interface AsyncPoolCalls {
  /**
   * Replaces the field `update_sync_enabled`.
   * `pool.set_update_sync_enabled(self: pool ref, value: bool)` → `void`, also as a task.
   * State: prototyped.
   */
  set_update_sync_enabled(self: PoolRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * `pool.configure_update_sync(self: pool ref, update_sync_frequency: enum update_sync_frequency, update_sync_day: int)` → `void`, also as a task.
   * State: prototyped.
   */
  configure_update_sync(
    self: PoolRef,
    update_sync_frequency: UpdateSyncFrequency,
    update_sync_day: number,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `pool.reset_telemetry_uuid(self: pool ref)` → `void`, also as a task.
   * State: prototyped.
   */
  reset_telemetry_uuid(self: PoolRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `telemetry_next_collection`.
   * `pool.set_telemetry_next_collection(self: pool ref, value: datetime)` → `void`, also as a task.
   * State: prototyped.
   */
  set_telemetry_next_collection(self: PoolRef, value: Date, callOptions?: CallOptions): Promise<void>
  /**
   * `pool.set_https_only(self: pool ref, value: bool)` → `void`, also as a task.
   * State: prototyped.
   */
  set_https_only(self: PoolRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `custom_uefi_certificates`.
   * `pool.set_custom_uefi_certificates(self: pool ref, value: string)` → `void`, also as a task.
   * State: prototyped.
   */
  set_custom_uefi_certificates(self: PoolRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `uefi_certificates`.
   * `pool.set_uefi_certificates(self: pool ref, value: string)` → `void`, also as a task.
   * @deprecated by the server
   */
  set_uefi_certificates(self: PoolRef, value: string, callOptions?: CallOptions): Promise<void>
  /** `pool.disable_repository_proxy(self: pool ref)` → `void`, also as a task. */
  disable_repository_proxy(self: PoolRef, callOptions?: CallOptions): Promise<void>
  /** `pool.configure_repository_proxy(self: pool ref, url: string, username: string, password: string)` → `void`, also as a task. */
  configure_repository_proxy(
    self: PoolRef,
    url: string,
    username: string,
    password: string,
    callOptions?: CallOptions,
  ): Promise<void>
  /** `pool.disable_client_certificate_auth(self: pool ref)` → `void`, also as a task. */
  disable_client_certificate_auth(self: PoolRef, callOptions?: CallOptions): Promise<void>
  /** `pool.enable_client_certificate_auth(self: pool ref, name: string)` → `void`, also as a task. */
  enable_client_certificate_auth(self: PoolRef, name: string, callOptions?: CallOptions): Promise<void>
  /** `pool.check_update_readiness(self: pool ref, requires_reboot: bool)` → `string set set`, also as a task. */
  check_update_readiness(
    self: PoolRef,
    requires_reboot: boolean,
    callOptions?: CallOptions,
  ): Promise<readonly (readonly string[])[]>
  /**
   * `pool.sync_updates(self: pool ref, force: bool, token: string, token_id: string)` → `string`, also as a task.
   * Left out: token is `""`, token_id is `""`.
   */
  sync_updates(self: PoolRef, force: boolean, callOptions?: CallOptions): Promise<string>
  /**
   * `pool.sync_updates(self: pool ref, force: bool, token: string, token_id: string)` → `string`, also as a task.
   * Left out: token is `""`, token_id is `""`.
   */
  sync_updates(self: PoolRef, force: boolean, token: string, callOptions?: CallOptions): Promise<string>
  /**
   * `pool.sync_updates(self: pool ref, force: bool, token: string, token_id: string)` → `string`, also as a task.
   * Left out: token is `""`, token_id is `""`.
   */
  sync_updates(
    self: PoolRef,
    force: boolean,
    token: string,
    token_id: string,
    callOptions?: CallOptions,
  ): Promise<string>
  /** `pool.remove_repository(self: pool ref, value: Repository ref)` → `void`, also as a task. */
  remove_repository(self: PoolRef, value: RepositoryRef, callOptions?: CallOptions): Promise<void>
  /** `pool.add_repository(self: pool ref, value: Repository ref)` → `void`, also as a task. */
  add_repository(self: PoolRef, value: RepositoryRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `repositories`.
   * `pool.set_repositories(self: pool ref, value: Repository ref set)` → `void`, also as a task.
   */
  set_repositories(self: PoolRef, value: readonly RepositoryRef[], callOptions?: CallOptions): Promise<void>
  /**
   * `pool.rotate_secret()` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: INTERNAL_ERROR, HOST_IS_SLAVE, CANNOT_CONTACT_HOST, HA_IS_ENABLED, NOT_SUPPORTED_DURING_UPGRADE
   */
  rotate_secret(callOptions?: CallOptions): Promise<void>
  /**
   * Takes a key out of `guest_agent_config`; a missing one is no failure.
   * `pool.remove_from_guest_agent_config(self: pool ref, key: string)` → `void`, also as a task.
   */
  remove_from_guest_agent_config(self: PoolRef, key: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a key to the map `guest_agent_config`; a key that exists is the failure MAP_DUPLICATE_KEY.
   * `pool.add_to_guest_agent_config(self: pool ref, key: string, value: string)` → `void`, also as a task.
   */
  add_to_guest_agent_config(self: PoolRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /** `pool.has_extension(self: pool ref, name: string)` → `bool`, also as a task. */
  has_extension(self: PoolRef, name: string, callOptions?: CallOptions): Promise<boolean>
  /**
   * Replaces the field `igmp_snooping_enabled`.
   * `pool.set_igmp_snooping_enabled(self: pool ref, value: bool)` → `void`, also as a task.
   */
  set_igmp_snooping_enabled(self: PoolRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * `pool.disable_ssl_legacy(self: pool ref)` → `void`, also as a task.
   * @deprecated by the server
   */
  disable_ssl_legacy(self: PoolRef, callOptions?: CallOptions): Promise<void>
  /**
   * `pool.enable_ssl_legacy(self: pool ref)` → `void`, also as a task.
   * State: removed.
   */
  enable_ssl_legacy(self: PoolRef, callOptions?: CallOptions): Promise<void>
  /** `pool.apply_edition(self: pool ref, edition: string)` → `void`, also as a task. */
  apply_edition(self: PoolRef, edition: string, callOptions?: CallOptions): Promise<void>
  /** `pool.get_license_state(self: pool ref)` → `(string -> string) map`, also as a task. */
  get_license_state(self: PoolRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /** `pool.disable_local_storage_caching(self: pool ref)` → `void`, also as a task. */
  disable_local_storage_caching(self: PoolRef, callOptions?: CallOptions): Promise<void>
  /** `pool.enable_local_storage_caching(self: pool ref)` → `void`, also as a task. */
  enable_local_storage_caching(self: PoolRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `vswitch_controller`.
   * `pool.set_vswitch_controller(address: string)` → `void`, also as a task.
   * @deprecated by the server
   */
  set_vswitch_controller(address: string, callOptions?: CallOptions): Promise<void>
  /** `pool.disable_redo_log()` → `void`, also as a task. */
  disable_redo_log(callOptions?: CallOptions): Promise<void>
  /** `pool.enable_redo_log(sr: SR ref)` → `void`, also as a task. */
  enable_redo_log(sr: SrRef, callOptions?: CallOptions): Promise<void>
  /** `pool.certificate_sync()` → `void`, also as a task. */
  certificate_sync(callOptions?: CallOptions): Promise<void>
  /** `pool.crl_list()` → `string set`, also as a task. */
  crl_list(callOptions?: CallOptions): Promise<readonly string[]>
  /** `pool.crl_uninstall(name: string)` → `void`, also as a task. */
  crl_uninstall(name: string, callOptions?: CallOptions): Promise<void>
  /** `pool.crl_install(name: string, cert: string)` → `void`, also as a task. */
  crl_install(name: string, cert: string, callOptions?: CallOptions): Promise<void>
  /** `pool.uninstall_ca_certificate(name: string)` → `void`, also as a task. */
  uninstall_ca_certificate(name: string, callOptions?: CallOptions): Promise<void>
  /** `pool.install_ca_certificate(name: string, cert: string)` → `void`, also as a task. */
  install_ca_certificate(name: string, cert: string, callOptions?: CallOptions): Promise<void>
  /**
   * `pool.certificate_list()` → `string set`, also as a task.
   * @deprecated by the server
   */
  certificate_list(callOptions?: CallOptions): Promise<readonly string[]>
  /**
   * `pool.certificate_uninstall(name: string)` → `void`, also as a task.
   * @deprecated by the server
   */
  certificate_uninstall(name: string, callOptions?: CallOptions): Promise<void>
  /**
   * `pool.certificate_install(name: string, cert: string)` → `void`, also as a task.
   * @deprecated by the server
   */
  certificate_install(name: string, cert: string, callOptions?: CallOptions): Promise<void>
  /** `pool.send_test_post(host: string, port: int, body: string)` → `string`, also as a task. */
  send_test_post(host: string, port: number, body: string, callOptions?: CallOptions): Promise<string>
  /** `pool.retrieve_wlb_recommendations()` → `(VM ref -> string set) map`, also as a task. */
  retrieve_wlb_recommendations(callOptions?: CallOptions): Promise<Readonly<Record<string, readonly string[]>>>
  /** `pool.retrieve_wlb_configuration()` → `(string -> string) map`, also as a task. */
  retrieve_wlb_configuration(callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /** `pool.send_wlb_configuration(config: (string -> string) map)` → `void`, also as a task. */
  send_wlb_configuration(config: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /** `pool.deconfigure_wlb()` → `void`, also as a task. */
  deconfigure_wlb(callOptions?: CallOptions): Promise<void>
  /** `pool.initialize_wlb(wlb_url: string, wlb_username: string, wlb_password: string, xenserver_username: string, xenserver_password: string)` → `void`, also as a task. */
  initialize_wlb(
    wlb_url: string,
    wlb_username: string,
    wlb_password: string,
    xenserver_username: string,
    xenserver_password: string,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `pool.create_new_blob(pool: pool ref, name: string, mime_type: string, public: bool)` → `blob ref`, also as a task.
   * Left out: public is `false`.
   */
  create_new_blob(pool: PoolRef, name: string, mime_type: string, callOptions?: CallOptions): Promise<BlobRef>
  /**
   * `pool.create_new_blob(pool: pool ref, name: string, mime_type: string, public: bool)` → `blob ref`, also as a task.
   * Left out: public is `false`.
   */
  create_new_blob(
    pool: PoolRef,
    name: string,
    mime_type: string,
    public_: boolean,
    callOptions?: CallOptions,
  ): Promise<BlobRef>
  /**
   * Replaces the field `ha_host_failures_to_tolerate`.
   * `pool.set_ha_host_failures_to_tolerate(self: pool ref, value: int)` → `void`, also as a task.
   */
  set_ha_host_failures_to_tolerate(self: PoolRef, value: number, callOptions?: CallOptions): Promise<void>
  /** `pool.designate_new_master(host: host ref)` → `void`, also as a task. */
  designate_new_master(host: HostRef, callOptions?: CallOptions): Promise<void>
  /** `pool.sync_database()` → `void`, also as a task. */
  sync_database(callOptions?: CallOptions): Promise<void>
  /** `pool.disable_ha()` → `void`, also as a task. */
  disable_ha(callOptions?: CallOptions): Promise<void>
  /** `pool.enable_ha(heartbeat_srs: SR ref set, configuration: (string -> string) map)` → `void`, also as a task. */
  enable_ha(
    heartbeat_srs: readonly SrRef[],
    configuration: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `pool.create_VLAN_from_PIF(pif: PIF ref, network: network ref, VLAN: int)` → `PIF ref set`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VLAN_TAG_INVALID
   */
  create_VLAN_from_PIF(
    pif: PifRef,
    network: NetworkRef,
    VLAN: number,
    callOptions?: CallOptions,
  ): Promise<readonly PifRef[]>
  /**
   * `pool.management_reconfigure(network: network ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: HA_IS_ENABLED, PIF_NOT_PRESENT, CANNOT_PLUG_BOND_SLAVE, PIF_INCOMPATIBLE_PRIMARY_ADDRESS_TYPE, PIF_HAS_NO_NETWORK_CONFIGURATION, PIF_HAS_NO_V6_NETWORK_CONFIGURATION
   */
  management_reconfigure(network: NetworkRef, callOptions?: CallOptions): Promise<void>
  /**
   * `pool.create_VLAN(device: string, network: network ref, VLAN: int)` → `PIF ref set`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VLAN_TAG_INVALID
   */
  create_VLAN(device: string, network: NetworkRef, VLAN: number, callOptions?: CallOptions): Promise<readonly PifRef[]>
  /** `pool.recover_slaves()` → `host ref set`, also as a task. */
  recover_slaves(callOptions?: CallOptions): Promise<readonly HostRef[]>
  /** `pool.eject(host: host ref)` → `void`, also as a task. */
  eject(host: HostRef, callOptions?: CallOptions): Promise<void>
  /** `pool.join_force(master_address: string, master_username: string, master_password: string)` → `void`, also as a task. */
  join_force(
    master_address: string,
    master_username: string,
    master_password: string,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `pool.join(master_address: string, master_username: string, master_password: string)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: JOINING_HOST_CANNOT_CONTAIN_SHARED_SRS
   */
  join(
    master_address: string,
    master_username: string,
    master_password: string,
    callOptions?: CallOptions,
  ): Promise<void>
}

/** Calls on host as tasks: each starts the task, waits until it ends, and answers with its result or throws its failure. */
export interface AsyncHostCalls {
  /**
   * `host.apply_recommended_guidances(self: host ref)` → `void`, also as a task.
   * State: removed.
   */
  apply_recommended_guidances(self: HostRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `https_only`.
   * `host.set_https_only(self: host ref, value: bool)` → `void`, also as a task.
   * State: prototyped.
   */
  set_https_only(self: HostRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /** `host.apply_updates(self: host ref, hash: string)` → `string set set`, also as a task. */
  apply_updates(self: HostRef, hash: string, callOptions?: CallOptions): Promise<readonly (readonly string[])[]>
  /**
   * Replaces the field `numa_affinity_policy`.
   * `host.set_numa_affinity_policy(self: host ref, value: enum host_numa_affinity_policy)` → `void`, also as a task.
   * State: prototyped.
   */
  set_numa_affinity_policy(self: HostRef, value: HostNumaAffinityPolicy, callOptions?: CallOptions): Promise<void>
  /** `host.get_sched_gran(self: host ref)` → `enum host_sched_gran`, also as a task. */
  get_sched_gran(self: HostRef, callOptions?: CallOptions): Promise<HostSchedGran>
  /** `host.set_sched_gran(self: host ref, value: enum host_sched_gran)` → `void`, also as a task. */
  set_sched_gran(self: HostRef, value: HostSchedGran, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `uefi_certificates`.
   * `host.set_uefi_certificates(host: host ref, value: string)` → `void`, also as a task.
   * @deprecated by the server
   */
  set_uefi_certificates(host: HostRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `multipathing`.
   * `host.set_multipathing(host: host ref, value: bool)` → `void`, also as a task.
   */
  set_multipathing(host: HostRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `iscsi_iqn`.
   * `host.set_iscsi_iqn(host: host ref, value: string)` → `void`, also as a task.
   */
  set_iscsi_iqn(host: HostRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `ssl_legacy`.
   * `host.set_ssl_legacy(self: host ref, value: bool)` → `void`, also as a task.
   */
  set_ssl_legacy(self: HostRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /** `host.disable_display(host: host ref)` → `enum host_display`, also as a task. */
  disable_display(host: HostRef, callOptions?: CallOptions): Promise<HostDisplay>
  /** `host.enable_display(host: host ref)` → `enum host_display`, also as a task. */
  enable_display(host: HostRef, callOptions?: CallOptions): Promise<HostDisplay>
  /** `host.declare_dead(host: host ref)` → `void`, also as a task. */
  declare_dead(host: HostRef, callOptions?: CallOptions): Promise<void>
  /** `host.migrate_receive(host: host ref, network: network ref, options: (string -> string) map)` → `(string -> string) map`, also as a task. */
  migrate_receive(
    host: HostRef,
    network: NetworkRef,
    options: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<Readonly<Record<string, string>>>
  /**
   * Replaces the field `power_on_mode`.
   * `host.set_power_on_mode(self: host ref, power_on_mode: string, power_on_config: (string -> string) map)` → `void`, also as a task.
   */
  set_power_on_mode(
    self: HostRef,
    power_on_mode: string,
    power_on_config: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `host.refresh_pack_info(host: host ref)` → `void`, also as a task.
   * @deprecated by the server
   */
  refresh_pack_info(host: HostRef, callOptions?: CallOptions): Promise<void>
  /** `host.reset_server_certificate(host: host ref)` → `void`, also as a task. */
  reset_server_certificate(host: HostRef, callOptions?: CallOptions): Promise<void>
  /**
   * `host.install_server_certificate(host: host ref, certificate: string, private_key: string, certificate_chain: string)` → `void`, also as a task.
   * Left out: certificate_chain is `""`.
   */
  install_server_certificate(
    host: HostRef,
    certificate: string,
    private_key: string,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `host.install_server_certificate(host: host ref, certificate: string, private_key: string, certificate_chain: string)` → `void`, also as a task.
   * Left out: certificate_chain is `""`.
   */
  install_server_certificate(
    host: HostRef,
    certificate: string,
    private_key: string,
    certificate_chain: string,
    callOptions?: CallOptions,
  ): Promise<void>
  /** `host.refresh_server_certificate(host: host ref)` → `void`, also as a task. */
  refresh_server_certificate(host: HostRef, callOptions?: CallOptions): Promise<void>
  /** `host.get_server_certificate(host: host ref)` → `string`, also as a task. */
  get_server_certificate(host: HostRef, callOptions?: CallOptions): Promise<string>
  /** `host.retrieve_wlb_evacuate_recommendations(self: host ref)` → `(VM ref -> string set) map`, also as a task. */
  retrieve_wlb_evacuate_recommendations(
    self: HostRef,
    callOptions?: CallOptions,
  ): Promise<Readonly<Record<string, readonly string[]>>>
  /** `host.has_extension(host: host ref, name: string)` → `bool`, also as a task. */
  has_extension(host: HostRef, name: string, callOptions?: CallOptions): Promise<boolean>
  /** `host.call_plugin(host: host ref, plugin: string, fn: string, args: (string -> string) map)` → `string`, also as a task. */
  call_plugin(
    host: HostRef,
    plugin: string,
    fn: string,
    args: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<string>
  /**
   * `host.create_new_blob(host: host ref, name: string, mime_type: string, public: bool)` → `blob ref`, also as a task.
   * Left out: public is `false`.
   */
  create_new_blob(host: HostRef, name: string, mime_type: string, callOptions?: CallOptions): Promise<BlobRef>
  /**
   * `host.create_new_blob(host: host ref, name: string, mime_type: string, public: bool)` → `blob ref`, also as a task.
   * Left out: public is `false`.
   */
  create_new_blob(
    host: HostRef,
    name: string,
    mime_type: string,
    public_: boolean,
    callOptions?: CallOptions,
  ): Promise<BlobRef>
  /** `host.compute_memory_overhead(host: host ref)` → `int`, also as a task. */
  compute_memory_overhead(host: HostRef, callOptions?: CallOptions): Promise<number>
  /** `host.compute_free_memory(host: host ref)` → `int`, also as a task. */
  compute_free_memory(host: HostRef, callOptions?: CallOptions): Promise<number>
  /** `host.restart_agent(host: host ref)` → `void`, also as a task. */
  restart_agent(host: HostRef, callOptions?: CallOptions): Promise<void>
  /** `host.get_management_interface(host: host ref)` → `PIF ref`, also as a task. */
  get_management_interface(host: HostRef, callOptions?: CallOptions): Promise<PifRef>
  /** `host.management_reconfigure(pif: PIF ref)` → `void`, also as a task. */
  management_reconfigure(pif: PifRef, callOptions?: CallOptions): Promise<void>
  /** `host.syslog_reconfigure(host: host ref)` → `void`, also as a task. */
  syslog_reconfigure(host: HostRef, callOptions?: CallOptions): Promise<void>
  /**
   * `host.evacuate(host: host ref, network: network ref, evacuate_batch_size: int)` → `void`, also as a task.
   * Left out: network is `"OpaqueRef:NULL"`, evacuate_batch_size is `0`.
   */
  evacuate(host: HostRef, callOptions?: CallOptions): Promise<void>
  /**
   * `host.evacuate(host: host ref, network: network ref, evacuate_batch_size: int)` → `void`, also as a task.
   * Left out: network is `"OpaqueRef:NULL"`, evacuate_batch_size is `0`.
   */
  evacuate(host: HostRef, network: NetworkRef, callOptions?: CallOptions): Promise<void>
  /**
   * `host.evacuate(host: host ref, network: network ref, evacuate_batch_size: int)` → `void`, also as a task.
   * Left out: network is `"OpaqueRef:NULL"`, evacuate_batch_size is `0`.
   */
  evacuate(host: HostRef, network: NetworkRef, evacuate_batch_size: number, callOptions?: CallOptions): Promise<void>
  /**
   * `host.get_uncooperative_resident_VMs(self: host ref)` → `VM ref set`, also as a task.
   * @deprecated by the server
   */
  get_uncooperative_resident_VMs(self: HostRef, callOptions?: CallOptions): Promise<readonly VmRef[]>
  /** `host.get_vms_which_prevent_evacuation(self: host ref)` → `(VM ref -> string set) map`, also as a task. */
  get_vms_which_prevent_evacuation(
    self: HostRef,
    callOptions?: CallOptions,
  ): Promise<Readonly<Record<string, readonly string[]>>>
  /** `host.assert_can_evacuate(host: host ref)` → `void`, also as a task. */
  assert_can_evacuate(host: HostRef, callOptions?: CallOptions): Promise<void>
  /** `host.power_on(host: host ref)` → `void`, also as a task. */
  power_on(host: HostRef, callOptions?: CallOptions): Promise<void>
  /**
   * Removes the host.
   * `host.destroy(self: host ref)` → `void`, also as a task.
   */
  destroy(self: HostRef, callOptions?: CallOptions): Promise<void>
  /** `host.license_remove(host: host ref)` → `void`, also as a task. */
  license_remove(host: HostRef, callOptions?: CallOptions): Promise<void>
  /**
   * `host.license_add(host: host ref, contents: string)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: LICENSE_PROCESSING_ERROR
   */
  license_add(host: HostRef, contents: string, callOptions?: CallOptions): Promise<void>
  /**
   * `host.license_apply(host: host ref, contents: string)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: LICENSE_PROCESSING_ERROR
   * State: removed.
   */
  license_apply(host: HostRef, contents: string, callOptions?: CallOptions): Promise<void>
  /** `host.bugreport_upload(host: host ref, url: string, options: (string -> string) map)` → `void`, also as a task. */
  bugreport_upload(
    host: HostRef,
    url: string,
    options: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<void>
  /** `host.send_debug_keys(host: host ref, keys: string)` → `void`, also as a task. */
  send_debug_keys(host: HostRef, keys: string, callOptions?: CallOptions): Promise<void>
  /** `host.get_log(host: host ref)` → `string`, also as a task. */
  get_log(host: HostRef, callOptions?: CallOptions): Promise<string>
  /** `host.dmesg_clear(host: host ref)` → `string`, also as a task. */
  dmesg_clear(host: HostRef, callOptions?: CallOptions): Promise<string>
  /** `host.dmesg(host: host ref)` → `string`, also as a task. */
  dmesg(host: HostRef, callOptions?: CallOptions): Promise<string>
  /** `host.reboot(host: host ref)` → `void`, also as a task. */
  reboot(host: HostRef, callOptions?: CallOptions): Promise<void>
  /** `host.shutdown(host: host ref)` → `void`, also as a task. */
  shutdown(host: HostRef, callOptions?: CallOptions): Promise<void>
  /** `host.enable(host: host ref)` → `void`, also as a task. */
  enable(host: HostRef, callOptions?: CallOptions): Promise<void>
  /** `host.disable(host: host ref)` → `void`, also as a task. */
  disable(host: HostRef, callOptions?: CallOptions): Promise<void>
}

/** Calls on network as tasks: each starts the task, waits until it ends, and answers with its result or throws its failure. */
export interface AsyncNetworkCalls {
  /**
   * Takes a value out of the set `purpose`: set of nbd or insecure_nbd, never both kinds in one pool.
   * `network.remove_purpose(self: network ref, value: enum network_purpose)` → `void`, also as a task.
   */
  remove_purpose(self: NetworkRef, value: NetworkPurpose, callOptions?: CallOptions): Promise<void>
  /**
   * Idempotent; mixing the two kinds fails.
   * `network.add_purpose(self: network ref, value: enum network_purpose)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: NETWORK_INCOMPATIBLE_PURPOSES
   */
  add_purpose(self: NetworkRef, value: NetworkPurpose, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `default_locking_mode`.
   * `network.set_default_locking_mode(network: network ref, value: enum network_default_locking_mode)` → `void`, also as a task.
   */
  set_default_locking_mode(
    network: NetworkRef,
    value: NetworkDefaultLockingMode,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `network.create_new_blob(network: network ref, name: string, mime_type: string, public: bool)` → `blob ref`, also as a task.
   * Left out: public is `false`.
   */
  create_new_blob(network: NetworkRef, name: string, mime_type: string, callOptions?: CallOptions): Promise<BlobRef>
  /**
   * `network.create_new_blob(network: network ref, name: string, mime_type: string, public: bool)` → `blob ref`, also as a task.
   * Left out: public is `false`.
   */
  create_new_blob(
    network: NetworkRef,
    name: string,
    mime_type: string,
    public_: boolean,
    callOptions?: CallOptions,
  ): Promise<BlobRef>
  /**
   * Removes the network.
   * `network.destroy(self: network ref)` → `void`, also as a task.
   */
  destroy(self: NetworkRef, callOptions?: CallOptions): Promise<void>
  /**
   * Makes a new network.
   * `network.create(args: network record)` → `network ref`, also as a task.
   */
  create(args: NetworkConstructor, callOptions?: CallOptions): Promise<NetworkRef>
}

/** Calls on PIF as tasks: each starts the task, waits until it ends, and answers with its result or throws its failure. */
export interface AsyncPifCalls {
  /** `PIF.set_property(self: PIF ref, name: string, value: string)` → `void`, also as a task. */
  set_property(self: PifRef, name: string, value: string, callOptions?: CallOptions): Promise<void>
  /** `PIF.db_forget(self: PIF ref)` → `void`, also as a task. */
  db_forget(self: PifRef, callOptions?: CallOptions): Promise<void>
  /** `PIF.db_introduce(device: string, network: network ref, host: host ref, MAC: string, MTU: int, VLAN: int, physical: bool, ip_configuration_mode: enum ip_configuration_mode, IP: string, netmask: string, gateway: string, DNS: string, bond_slave_of: Bond ref, VLAN_master_of: VLAN ref, management: bool, other_config: (string -> string) map, disallow_unplug: bool, ipv6_configuration_mode: enum ipv6_configuration_mode, IPv6: string set, ipv6_gateway: string, primary_address_type: enum primary_address_type, managed: bool, properties: (string -> string) map)` → `PIF ref`, also as a task. */
  db_introduce(
    device: string,
    network: NetworkRef,
    host: HostRef,
    MAC: string,
    MTU: number,
    VLAN: number,
    physical: boolean,
    ip_configuration_mode: IpConfigurationMode,
    IP: string,
    netmask: string,
    gateway: string,
    DNS: string,
    bond_slave_of: BondRef,
    VLAN_master_of: VlanRef,
    management: boolean,
    other_config: Readonly<Record<string, string>>,
    disallow_unplug: boolean,
    ipv6_configuration_mode: Ipv6ConfigurationMode,
    IPv6: readonly string[],
    ipv6_gateway: string,
    primary_address_type: PrimaryAddressType,
    managed: boolean,
    properties: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<PifRef>
  /**
   * `PIF.plug(self: PIF ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: TRANSPORT_PIF_NOT_CONFIGURED
   */
  plug(self: PifRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `disallow_unplug`.
   * `PIF.set_disallow_unplug(self: PIF ref, value: bool)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: OTHER_OPERATION_IN_PROGRESS, CLUSTERING_ENABLED
   */
  set_disallow_unplug(self: PifRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * `PIF.unplug(self: PIF ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: HA_OPERATION_WOULD_BREAK_FAILOVER_PLAN, VIF_IN_USE, PIF_DOES_NOT_ALLOW_UNPLUG, PIF_HAS_FCOE_SR_IN_USE
   */
  unplug(self: PifRef, callOptions?: CallOptions): Promise<void>
  /**
   * `PIF.forget(self: PIF ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: PIF_TUNNEL_STILL_EXISTS, CLUSTERING_ENABLED
   */
  forget(self: PifRef, callOptions?: CallOptions): Promise<void>
  /** `PIF.introduce(host: host ref, MAC: string, device: string, managed: bool)` → `PIF ref`, also as a task. */
  introduce(host: HostRef, MAC: string, device: string, managed: boolean, callOptions?: CallOptions): Promise<PifRef>
  /** `PIF.scan(host: host ref)` → `void`, also as a task. */
  scan(host: HostRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `primary_address_type`.
   * `PIF.set_primary_address_type(self: PIF ref, primary_address_type: enum primary_address_type)` → `void`, also as a task.
   */
  set_primary_address_type(
    self: PifRef,
    primary_address_type: PrimaryAddressType,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `PIF.reconfigure_ipv6(self: PIF ref, mode: enum ipv6_configuration_mode, IPv6: string, gateway: string, DNS: string)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: CLUSTERING_ENABLED
   */
  reconfigure_ipv6(
    self: PifRef,
    mode: Ipv6ConfigurationMode,
    IPv6: string,
    gateway: string,
    DNS: string,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `PIF.reconfigure_ip(self: PIF ref, mode: enum ip_configuration_mode, IP: string, netmask: string, gateway: string, DNS: string)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: CLUSTERING_ENABLED
   */
  reconfigure_ip(
    self: PifRef,
    mode: IpConfigurationMode,
    IP: string,
    netmask: string,
    gateway: string,
    DNS: string,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * Removes the PIF.
   * `PIF.destroy(self: PIF ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: PIF_IS_PHYSICAL
   * @deprecated by the server
   */
  destroy(self: PifRef, callOptions?: CallOptions): Promise<void>
  /**
   * `PIF.create_VLAN(device: string, network: network ref, host: host ref, VLAN: int)` → `PIF ref`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VLAN_TAG_INVALID
   * @deprecated by the server
   */
  create_VLAN(
    device: string,
    network: NetworkRef,
    host: HostRef,
    VLAN: number,
    callOptions?: CallOptions,
  ): Promise<PifRef>
}

/** Calls on PBD as tasks: each starts the task, waits until it ends, and answers with its result or throws its failure. */
export interface AsyncPbdCalls {
  /**
   * Replaces the field `device_config`.
   * `PBD.set_device_config(self: PBD ref, value: (string -> string) map)` → `void`, also as a task.
   */
  set_device_config(self: PbdRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /** `PBD.unplug(self: PBD ref)` → `void`, also as a task. */
  unplug(self: PbdRef, callOptions?: CallOptions): Promise<void>
  /**
   * `PBD.plug(self: PBD ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: SR_UNKNOWN_DRIVER
   */
  plug(self: PbdRef, callOptions?: CallOptions): Promise<void>
  /**
   * Removes the PBD.
   * `PBD.destroy(self: PBD ref)` → `void`, also as a task.
   */
  destroy(self: PbdRef, callOptions?: CallOptions): Promise<void>
  /**
   * Makes a new PBD.
   * `PBD.create(args: PBD record)` → `PBD ref`, also as a task.
   */
  create(args: PbdConstructor, callOptions?: CallOptions): Promise<PbdRef>
}

/** Calls on SR as tasks: each starts the task, waits until it ends, and answers with its result or throws its failure. */
export interface AsyncSrCalls {
  /** `SR.disable_database_replication(sr: SR ref)` → `void`, also as a task. */
  disable_database_replication(sr: SrRef, callOptions?: CallOptions): Promise<void>
  /** `SR.enable_database_replication(sr: SR ref)` → `void`, also as a task. */
  enable_database_replication(sr: SrRef, callOptions?: CallOptions): Promise<void>
  /** `SR.assert_supports_database_replication(sr: SR ref)` → `void`, also as a task. */
  assert_supports_database_replication(sr: SrRef, callOptions?: CallOptions): Promise<void>
  /** `SR.assert_can_host_ha_statefile(sr: SR ref)` → `void`, also as a task. */
  assert_can_host_ha_statefile(sr: SrRef, callOptions?: CallOptions): Promise<void>
  /**
   * `SR.create_new_blob(sr: SR ref, name: string, mime_type: string, public: bool)` → `blob ref`, also as a task.
   * Left out: public is `false`.
   */
  create_new_blob(sr: SrRef, name: string, mime_type: string, callOptions?: CallOptions): Promise<BlobRef>
  /**
   * `SR.create_new_blob(sr: SR ref, name: string, mime_type: string, public: bool)` → `blob ref`, also as a task.
   * Left out: public is `false`.
   */
  create_new_blob(
    sr: SrRef,
    name: string,
    mime_type: string,
    public_: boolean,
    callOptions?: CallOptions,
  ): Promise<BlobRef>
  /**
   * Replaces the field `name_description`.
   * `SR.set_name_description(sr: SR ref, value: string)` → `void`, also as a task.
   */
  set_name_description(sr: SrRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `name_label`.
   * `SR.set_name_label(sr: SR ref, value: string)` → `void`, also as a task.
   */
  set_name_label(sr: SrRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `shared`.
   * `SR.set_shared(sr: SR ref, value: bool)` → `void`, also as a task.
   */
  set_shared(sr: SrRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /** `SR.probe_ext(host: host ref, device_config: (string -> string) map, type: string, sm_config: (string -> string) map)` → `probe_result record set`, also as a task. */
  probe_ext(
    host: HostRef,
    device_config: Readonly<Record<string, string>>,
    type: string,
    sm_config: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** `SR.probe(host: host ref, device_config: (string -> string) map, type: string, sm_config: (string -> string) map)` → `string`, also as a task. */
  probe(
    host: HostRef,
    device_config: Readonly<Record<string, string>>,
    type: string,
    sm_config: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<string>
  /**
   * Asks the driver for the list of disks and updates records.
   * `SR.scan(sr: SR ref)` → `void`, also as a task.
   */
  scan(sr: SrRef, callOptions?: CallOptions): Promise<void>
  /** `SR.update(sr: SR ref)` → `void`, also as a task. */
  update(sr: SrRef, callOptions?: CallOptions): Promise<void>
  /**
   * `SR.forget(sr: SR ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: SR_HAS_PBD
   */
  forget(sr: SrRef, callOptions?: CallOptions): Promise<void>
  /**
   * Removes the SR.
   * `SR.destroy(sr: SR ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: SR_HAS_PBD
   */
  destroy(sr: SrRef, callOptions?: CallOptions): Promise<void>
  /**
   * `SR.make(host: host ref, device_config: (string -> string) map, physical_size: int, name_label: string, name_description: string, type: string, content_type: string, sm_config: (string -> string) map)` → `string`, also as a task.
   * @deprecated by the server
   */
  make(
    host: HostRef,
    device_config: Readonly<Record<string, string>>,
    physical_size: number,
    name_label: string,
    name_description: string,
    type: string,
    content_type: string,
    sm_config: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<string>
  /** `SR.introduce(uuid: string, name_label: string, name_description: string, type: string, content_type: string, shared: bool, sm_config: (string -> string) map)` → `SR ref`, also as a task. */
  introduce(
    uuid: string,
    name_label: string,
    name_description: string,
    type: string,
    content_type: string,
    shared: boolean,
    sm_config: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<SrRef>
  /**
   * Makes a new SR.
   * `SR.create(host: host ref, device_config: (string -> string) map, physical_size: int, name_label: string, name_description: string, type: string, content_type: string, shared: bool, sm_config: (string -> string) map)` → `SR ref`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: SR_UNKNOWN_DRIVER
   */
  create(
    host: HostRef,
    device_config: Readonly<Record<string, string>>,
    physical_size: number,
    name_label: string,
    name_description: string,
    type: string,
    content_type: string,
    shared: boolean,
    sm_config: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<SrRef>
}

/** Calls on VDI as tasks: each starts the task, waits until it ends, and answers with its result or throws its failure. */
export interface AsyncVdiCalls {
  /**
   * Base64 bitmap, 64 KiB blocks, first block in the most significant bit; vdi_to must be the later one.
   * `VDI.list_changed_blocks(vdi_from: VDI ref, vdi_to: VDI ref)` → `string`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: SR_OPERATION_NOT_SUPPORTED, VDI_MISSING, SR_NOT_ATTACHED, SR_HAS_NO_PBDS, VDI_IN_USE
   */
  list_changed_blocks(vdi_from: VdiRef, vdi_to: VdiRef, callOptions?: CallOptions): Promise<string>
  /**
   * Keeps the record and its change log, deletes the data; no-op on a VDI that is cbt_metadata already.
   * `VDI.data_destroy(self: VDI ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: SR_OPERATION_NOT_SUPPORTED, VDI_MISSING, SR_NOT_ATTACHED, SR_HAS_NO_PBDS, OPERATION_NOT_ALLOWED, VDI_INCOMPATIBLE_TYPE, VDI_NO_CBT_METADATA, VDI_IN_USE, VDI_IS_A_PHYSICAL_DEVICE
   */
  data_destroy(self: VdiRef, callOptions?: CallOptions): Promise<void>
  /**
   * No-op when already off.
   * `VDI.disable_cbt(self: VDI ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: SR_OPERATION_NOT_SUPPORTED, VDI_MISSING, SR_NOT_ATTACHED, SR_HAS_NO_PBDS, OPERATION_NOT_ALLOWED, VDI_INCOMPATIBLE_TYPE, VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION
   */
  disable_cbt(self: VdiRef, callOptions?: CallOptions): Promise<void>
  /**
   * No-op when already on; refused on snapshots and on_boot=reset.
   * `VDI.enable_cbt(self: VDI ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: SR_OPERATION_NOT_SUPPORTED, VDI_MISSING, SR_NOT_ATTACHED, SR_HAS_NO_PBDS, OPERATION_NOT_ALLOWED, VDI_INCOMPATIBLE_TYPE, VDI_ON_BOOT_MODE_INCOMPATIBLE_WITH_OPERATION
   */
  enable_cbt(self: VdiRef, callOptions?: CallOptions): Promise<void>
  /** `VDI.pool_migrate(vdi: VDI ref, sr: SR ref, options: (string -> string) map)` → `VDI ref`, also as a task. */
  pool_migrate(
    vdi: VdiRef,
    sr: SrRef,
    options: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<VdiRef>
  /** `VDI.read_database_pool_uuid(self: VDI ref)` → `string`, also as a task. */
  read_database_pool_uuid(self: VdiRef, callOptions?: CallOptions): Promise<string>
  /** `VDI.open_database(self: VDI ref)` → `session ref`, also as a task. */
  open_database(self: VdiRef, callOptions?: CallOptions): Promise<SessionRef>
  /**
   * Replaces the field `allow_caching`.
   * `VDI.set_allow_caching(self: VDI ref, value: bool)` → `void`, also as a task.
   */
  set_allow_caching(self: VdiRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `on_boot`: reset is incompatible with CBT.
   * `VDI.set_on_boot(self: VDI ref, value: enum on_boot)` → `void`, also as a task.
   */
  set_on_boot(self: VdiRef, value: OnBoot, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `name_description`.
   * `VDI.set_name_description(self: VDI ref, value: string)` → `void`, also as a task.
   */
  set_name_description(self: VdiRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `name_label`.
   * `VDI.set_name_label(self: VDI ref, value: string)` → `void`, also as a task.
   */
  set_name_label(self: VdiRef, value: string, callOptions?: CallOptions): Promise<void>
  /** `VDI.forget(vdi: VDI ref)` → `void`, also as a task. */
  forget(vdi: VdiRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VDI.copy(vdi: VDI ref, sr: SR ref, base_vdi: VDI ref, into_vdi: VDI ref)` → `VDI ref`, also as a task.
   * Left out: sr is `"OpaqueRef:NULL"`, base_vdi is `"OpaqueRef:NULL"`, into_vdi is `"OpaqueRef:NULL"`.
   * @throws XenApiError XENAPI_FAILURE: VDI_READONLY, VDI_TOO_SMALL, VDI_NOT_SPARSE
   */
  copy(vdi: VdiRef, callOptions?: CallOptions): Promise<VdiRef>
  /**
   * `VDI.copy(vdi: VDI ref, sr: SR ref, base_vdi: VDI ref, into_vdi: VDI ref)` → `VDI ref`, also as a task.
   * Left out: sr is `"OpaqueRef:NULL"`, base_vdi is `"OpaqueRef:NULL"`, into_vdi is `"OpaqueRef:NULL"`.
   * @throws XenApiError XENAPI_FAILURE: VDI_READONLY, VDI_TOO_SMALL, VDI_NOT_SPARSE
   */
  copy(vdi: VdiRef, sr: SrRef, callOptions?: CallOptions): Promise<VdiRef>
  /**
   * `VDI.copy(vdi: VDI ref, sr: SR ref, base_vdi: VDI ref, into_vdi: VDI ref)` → `VDI ref`, also as a task.
   * Left out: sr is `"OpaqueRef:NULL"`, base_vdi is `"OpaqueRef:NULL"`, into_vdi is `"OpaqueRef:NULL"`.
   * @throws XenApiError XENAPI_FAILURE: VDI_READONLY, VDI_TOO_SMALL, VDI_NOT_SPARSE
   */
  copy(vdi: VdiRef, sr: SrRef, base_vdi: VdiRef, callOptions?: CallOptions): Promise<VdiRef>
  /**
   * `VDI.copy(vdi: VDI ref, sr: SR ref, base_vdi: VDI ref, into_vdi: VDI ref)` → `VDI ref`, also as a task.
   * Left out: sr is `"OpaqueRef:NULL"`, base_vdi is `"OpaqueRef:NULL"`, into_vdi is `"OpaqueRef:NULL"`.
   * @throws XenApiError XENAPI_FAILURE: VDI_READONLY, VDI_TOO_SMALL, VDI_NOT_SPARSE
   */
  copy(vdi: VdiRef, sr: SrRef, base_vdi: VdiRef, into_vdi: VdiRef, callOptions?: CallOptions): Promise<VdiRef>
  /**
   * `VDI.update(vdi: VDI ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: SR_OPERATION_NOT_SUPPORTED
   */
  update(vdi: VdiRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VDI.introduce(uuid: string, name_label: string, name_description: string, SR: SR ref, type: enum vdi_type, sharable: bool, read_only: bool, other_config: (string -> string) map, location: string, xenstore_data: (string -> string) map, sm_config: (string -> string) map, managed: bool, virtual_size: int, physical_utilisation: int, metadata_of_pool: pool ref, is_a_snapshot: bool, snapshot_time: datetime, snapshot_of: VDI ref)` → `VDI ref`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: SR_OPERATION_NOT_SUPPORTED
   */
  introduce(
    uuid: string,
    name_label: string,
    name_description: string,
    SR: SrRef,
    type: VdiType,
    sharable: boolean,
    read_only: boolean,
    other_config: Readonly<Record<string, string>>,
    location: string,
    xenstore_data: Readonly<Record<string, string>>,
    sm_config: Readonly<Record<string, string>>,
    managed: boolean,
    virtual_size: number,
    physical_utilisation: number,
    metadata_of_pool: PoolRef,
    is_a_snapshot: boolean,
    snapshot_time: Date,
    snapshot_of: VdiRef,
    callOptions?: CallOptions,
  ): Promise<VdiRef>
  /**
   * `VDI.resize_online(vdi: VDI ref, size: int)` → `void`, also as a task.
   * State: removed.
   */
  resize_online(vdi: VdiRef, size: number, callOptions?: CallOptions): Promise<void>
  /** `VDI.resize(vdi: VDI ref, size: int)` → `void`, also as a task. */
  resize(vdi: VdiRef, size: number, callOptions?: CallOptions): Promise<void>
  /**
   * `VDI.clone(vdi: VDI ref, driver_params: (string -> string) map)` → `VDI ref`, also as a task.
   * Left out: driver_params is `{}`.
   */
  clone(vdi: VdiRef, callOptions?: CallOptions): Promise<VdiRef>
  /**
   * `VDI.clone(vdi: VDI ref, driver_params: (string -> string) map)` → `VDI ref`, also as a task.
   * Left out: driver_params is `{}`.
   */
  clone(vdi: VdiRef, driver_params: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<VdiRef>
  /**
   * Driver_params may be left out.
   * `VDI.snapshot(vdi: VDI ref, driver_params: (string -> string) map)` → `VDI ref`, also as a task.
   * Left out: driver_params is `{}`.
   */
  snapshot(vdi: VdiRef, callOptions?: CallOptions): Promise<VdiRef>
  /**
   * Driver_params may be left out.
   * `VDI.snapshot(vdi: VDI ref, driver_params: (string -> string) map)` → `VDI ref`, also as a task.
   * Left out: driver_params is `{}`.
   */
  snapshot(vdi: VdiRef, driver_params: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<VdiRef>
  /**
   * Removes the VDI.
   * `VDI.destroy(self: VDI ref)` → `void`, also as a task.
   */
  destroy(self: VdiRef, callOptions?: CallOptions): Promise<void>
  /**
   * Makes a new VDI.
   * `VDI.create(args: VDI record)` → `VDI ref`, also as a task.
   */
  create(args: VdiConstructor, callOptions?: CallOptions): Promise<VdiRef>
  /**
   * Md5 hex digest of the whole disk.
   * `VDI.checksum(self: VDI ref)` → `string`, also as a task.
   */
  checksum(self: VdiRef, callOptions?: CallOptions): Promise<string>
  /**
   * Gives the disk of a snapshot its content back; in newer servers only.
   * `VDI.revert(snapshot: VDI ref)` → `void`, also as a task.
   */
  revert(snapshot: VdiRef, callOptions?: CallOptions): Promise<void>
}

/** Calls on VBD as tasks: each starts the task, waits until it ends, and answers with its result or throws its failure. */
export interface AsyncVbdCalls {
  /**
   * Replaces the field `mode`.
   * `VBD.set_mode(self: VBD ref, value: enum vbd_mode)` → `void`, also as a task.
   */
  set_mode(self: VbdRef, value: VbdMode, callOptions?: CallOptions): Promise<void>
  /** `VBD.assert_attachable(self: VBD ref)` → `void`, also as a task. */
  assert_attachable(self: VbdRef, callOptions?: CallOptions): Promise<void>
  /** `VBD.unplug_force(self: VBD ref)` → `void`, also as a task. */
  unplug_force(self: VbdRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VBD.unplug(self: VBD ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: DEVICE_DETACH_REJECTED, DEVICE_ALREADY_DETACHED
   */
  unplug(self: VbdRef, callOptions?: CallOptions): Promise<void>
  /** `VBD.plug(self: VBD ref)` → `void`, also as a task. */
  plug(self: VbdRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VBD.insert(vbd: VBD ref, vdi: VDI ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VBD_NOT_REMOVABLE_MEDIA, VBD_NOT_EMPTY
   */
  insert(vbd: VbdRef, vdi: VdiRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VBD.eject(vbd: VBD ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VBD_NOT_REMOVABLE_MEDIA, VBD_IS_EMPTY
   */
  eject(vbd: VbdRef, callOptions?: CallOptions): Promise<void>
  /**
   * Removes the VBD.
   * `VBD.destroy(self: VBD ref)` → `void`, also as a task.
   */
  destroy(self: VbdRef, callOptions?: CallOptions): Promise<void>
  /**
   * Makes a new VBD.
   * `VBD.create(args: VBD record)` → `VBD ref`, also as a task.
   */
  create(args: VbdConstructor, callOptions?: CallOptions): Promise<VbdRef>
}

/** Calls on VIF as tasks: each starts the task, waits until it ends, and answers with its result or throws its failure. */
export interface AsyncVifCalls {
  /**
   * `VIF.configure_ipv6(self: VIF ref, mode: enum vif_ipv6_configuration_mode, address: string, gateway: string)` → `void`, also as a task.
   * Left out: address is `""`, gateway is `""`.
   */
  configure_ipv6(self: VifRef, mode: VifIpv6ConfigurationMode, callOptions?: CallOptions): Promise<void>
  /**
   * `VIF.configure_ipv6(self: VIF ref, mode: enum vif_ipv6_configuration_mode, address: string, gateway: string)` → `void`, also as a task.
   * Left out: address is `""`, gateway is `""`.
   */
  configure_ipv6(
    self: VifRef,
    mode: VifIpv6ConfigurationMode,
    address: string,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `VIF.configure_ipv6(self: VIF ref, mode: enum vif_ipv6_configuration_mode, address: string, gateway: string)` → `void`, also as a task.
   * Left out: address is `""`, gateway is `""`.
   */
  configure_ipv6(
    self: VifRef,
    mode: VifIpv6ConfigurationMode,
    address: string,
    gateway: string,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `VIF.configure_ipv4(self: VIF ref, mode: enum vif_ipv4_configuration_mode, address: string, gateway: string)` → `void`, also as a task.
   * Left out: address is `""`, gateway is `""`.
   */
  configure_ipv4(self: VifRef, mode: VifIpv4ConfigurationMode, callOptions?: CallOptions): Promise<void>
  /**
   * `VIF.configure_ipv4(self: VIF ref, mode: enum vif_ipv4_configuration_mode, address: string, gateway: string)` → `void`, also as a task.
   * Left out: address is `""`, gateway is `""`.
   */
  configure_ipv4(
    self: VifRef,
    mode: VifIpv4ConfigurationMode,
    address: string,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `VIF.configure_ipv4(self: VIF ref, mode: enum vif_ipv4_configuration_mode, address: string, gateway: string)` → `void`, also as a task.
   * Left out: address is `""`, gateway is `""`.
   */
  configure_ipv4(
    self: VifRef,
    mode: VifIpv4ConfigurationMode,
    address: string,
    gateway: string,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * Takes a value out of the set `ipv6_allowed`.
   * `VIF.remove_ipv6_allowed(self: VIF ref, value: string)` → `void`, also as a task.
   */
  remove_ipv6_allowed(self: VifRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a value to the set `ipv6_allowed`.
   * `VIF.add_ipv6_allowed(self: VIF ref, value: string)` → `void`, also as a task.
   */
  add_ipv6_allowed(self: VifRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `ipv6_allowed`.
   * `VIF.set_ipv6_allowed(self: VIF ref, value: string set)` → `void`, also as a task.
   */
  set_ipv6_allowed(self: VifRef, value: readonly string[], callOptions?: CallOptions): Promise<void>
  /**
   * Takes a value out of the set `ipv4_allowed`.
   * `VIF.remove_ipv4_allowed(self: VIF ref, value: string)` → `void`, also as a task.
   */
  remove_ipv4_allowed(self: VifRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Adds a value to the set `ipv4_allowed`.
   * `VIF.add_ipv4_allowed(self: VIF ref, value: string)` → `void`, also as a task.
   */
  add_ipv4_allowed(self: VifRef, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `ipv4_allowed`.
   * `VIF.set_ipv4_allowed(self: VIF ref, value: string set)` → `void`, also as a task.
   */
  set_ipv4_allowed(self: VifRef, value: readonly string[], callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `locking_mode`.
   * `VIF.set_locking_mode(self: VIF ref, value: enum vif_locking_mode)` → `void`, also as a task.
   */
  set_locking_mode(self: VifRef, value: VifLockingMode, callOptions?: CallOptions): Promise<void>
  /** `VIF.move(self: VIF ref, network: network ref)` → `void`, also as a task. */
  move(self: VifRef, network: NetworkRef, callOptions?: CallOptions): Promise<void>
  /** `VIF.unplug_force(self: VIF ref)` → `void`, also as a task. */
  unplug_force(self: VifRef, callOptions?: CallOptions): Promise<void>
  /** `VIF.unplug(self: VIF ref)` → `void`, also as a task. */
  unplug(self: VifRef, callOptions?: CallOptions): Promise<void>
  /** `VIF.plug(self: VIF ref)` → `void`, also as a task. */
  plug(self: VifRef, callOptions?: CallOptions): Promise<void>
  /**
   * Removes the VIF.
   * `VIF.destroy(self: VIF ref)` → `void`, also as a task.
   */
  destroy(self: VifRef, callOptions?: CallOptions): Promise<void>
  /**
   * Makes a new VIF.
   * `VIF.create(args: VIF record)` → `VIF ref`, also as a task.
   */
  create(args: VifConstructor, callOptions?: CallOptions): Promise<VifRef>
}

/** Calls on VM as tasks: each starts the task, waits until it ends, and answers with its result or throws its failure. */
export interface AsyncVmCalls {
  /**
   * `VM.restart_device_models(self: VM ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OTHER_OPERATION_IN_PROGRESS, VM_IS_TEMPLATE, OPERATION_NOT_ALLOWED, VM_BAD_POWER_STATE
   * State: prototyped.
   */
  restart_device_models(self: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `actions_after_crash`.
   * `VM.set_actions_after_crash(self: VM ref, value: enum on_crash_behaviour)` → `void`, also as a task.
   */
  set_actions_after_crash(self: VmRef, value: OnCrashBehaviour, callOptions?: CallOptions): Promise<void>
  /** `VM.import(url: string, sr: SR ref, full_restore: bool, force: bool)` → `VM ref set`, also as a task. */
  import(
    url: string,
    sr: SrRef,
    full_restore: boolean,
    force: boolean,
    callOptions?: CallOptions,
  ): Promise<readonly VmRef[]>
  /**
   * Replaces the field `has_vendor_device`.
   * `VM.set_has_vendor_device(self: VM ref, value: bool)` → `void`, also as a task.
   */
  set_has_vendor_device(self: VmRef, value: boolean, callOptions?: CallOptions): Promise<void>
  /** `VM.call_plugin(vm: VM ref, plugin: string, fn: string, args: (string -> string) map)` → `string`, also as a task. */
  call_plugin(
    vm: VmRef,
    plugin: string,
    fn: string,
    args: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<string>
  /** `VM.query_services(self: VM ref)` → `(string -> string) map`, also as a task. */
  query_services(self: VmRef, callOptions?: CallOptions): Promise<Readonly<Record<string, string>>>
  /**
   * Replaces the field `appliance`.
   * `VM.set_appliance(self: VM ref, value: VM_appliance ref)` → `void`, also as a task.
   */
  set_appliance(self: VmRef, value: VmApplianceRef, callOptions?: CallOptions): Promise<void>
  /** `VM.import_convert(type: string, username: string, password: string, sr: SR ref, remote_config: (string -> string) map)` → `void`, also as a task. */
  import_convert(
    type: string,
    username: string,
    password: string,
    sr: SrRef,
    remote_config: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<void>
  /** `VM.recover(self: VM ref, session_to: session ref, force: bool)` → `void`, also as a task. */
  recover(self: VmRef, session_to: SessionRef, force: boolean, callOptions?: CallOptions): Promise<void>
  /** `VM.get_SRs_required_for_recovery(self: VM ref, session_to: session ref)` → `SR ref set`, also as a task. */
  get_SRs_required_for_recovery(
    self: VmRef,
    session_to: SessionRef,
    callOptions?: CallOptions,
  ): Promise<readonly SrRef[]>
  /**
   * `VM.assert_can_be_recovered(self: VM ref, session_to: session ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_IS_PART_OF_AN_APPLIANCE, VM_REQUIRES_SR
   */
  assert_can_be_recovered(self: VmRef, session_to: SessionRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `suspend_VDI`.
   * `VM.set_suspend_VDI(self: VM ref, value: VDI ref)` → `void`, also as a task.
   */
  set_suspend_VDI(self: VmRef, value: VdiRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `order`.
   * `VM.set_order(self: VM ref, value: int)` → `void`, also as a task.
   */
  set_order(self: VmRef, value: number, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `shutdown_delay`.
   * `VM.set_shutdown_delay(self: VM ref, value: int)` → `void`, also as a task.
   */
  set_shutdown_delay(self: VmRef, value: number, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `start_delay`.
   * `VM.set_start_delay(self: VM ref, value: int)` → `void`, also as a task.
   */
  set_start_delay(self: VmRef, value: number, callOptions?: CallOptions): Promise<void>
  /** `VM.copy_bios_strings(vm: VM ref, host: host ref)` → `void`, also as a task. */
  copy_bios_strings(vm: VmRef, host: HostRef, callOptions?: CallOptions): Promise<void>
  /**
   * Replaces the field `bios_strings`.
   * `VM.set_bios_strings(self: VM ref, value: (string -> string) map)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BIOS_STRINGS_ALREADY_SET, INVALID_VALUE
   */
  set_bios_strings(self: VmRef, value: Readonly<Record<string, string>>, callOptions?: CallOptions): Promise<void>
  /** `VM.retrieve_wlb_recommendations(vm: VM ref)` → `(host ref -> string set) map`, also as a task. */
  retrieve_wlb_recommendations(
    vm: VmRef,
    callOptions?: CallOptions,
  ): Promise<Readonly<Record<string, readonly string[]>>>
  /** `VM.assert_agile(self: VM ref)` → `void`, also as a task. */
  assert_agile(self: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.create_new_blob(vm: VM ref, name: string, mime_type: string, public: bool)` → `blob ref`, also as a task.
   * Left out: public is `false`.
   */
  create_new_blob(vm: VmRef, name: string, mime_type: string, callOptions?: CallOptions): Promise<BlobRef>
  /**
   * `VM.create_new_blob(vm: VM ref, name: string, mime_type: string, public: bool)` → `blob ref`, also as a task.
   * Left out: public is `false`.
   */
  create_new_blob(
    vm: VmRef,
    name: string,
    mime_type: string,
    public_: boolean,
    callOptions?: CallOptions,
  ): Promise<BlobRef>
  /**
   * `VM.assert_can_boot_here(self: VM ref, host: host ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: HOST_NOT_ENOUGH_FREE_MEMORY, HOST_NOT_ENOUGH_PCPUS, NETWORK_SRIOV_INSUFFICIENT_CAPACITY, HOST_NOT_LIVE, HOST_DISABLED, HOST_CANNOT_ATTACH_NETWORK, VM_HVM_REQUIRED, VM_REQUIRES_GPU, VM_REQUIRES_IOMMU, VM_REQUIRES_NETWORK, VM_REQUIRES_SR, VM_REQUIRES_VGPU, VM_HOST_INCOMPATIBLE_VERSION, VM_HOST_INCOMPATIBLE_VIRTUAL_HARDWARE_PLATFORM_VERSION, INVALID_VALUE, MEMORY_CONSTRAINT_VIOLATION, OPERATION_NOT_ALLOWED, VALUE_NOT_SUPPORTED, VM_INCOMPATIBLE_WITH_THIS_HOST
   */
  assert_can_boot_here(self: VmRef, host: HostRef, callOptions?: CallOptions): Promise<void>
  /** `VM.get_possible_hosts(vm: VM ref)` → `host ref set`, also as a task. */
  get_possible_hosts(vm: VmRef, callOptions?: CallOptions): Promise<readonly HostRef[]>
  /** `VM.update_allowed_operations(self: VM ref)` → `void`, also as a task. */
  update_allowed_operations(self: VmRef, callOptions?: CallOptions): Promise<void>
  /** `VM.assert_operation_valid(self: VM ref, op: enum vm_operations)` → `void`, also as a task. */
  assert_operation_valid(self: VmRef, op: VmOperations, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.assert_can_migrate(vm: VM ref, dest: (string -> string) map, live: bool, vdi_map: (VDI ref -> SR ref) map, vif_map: (VIF ref -> network ref) map, options: (string -> string) map, vgpu_map: (VGPU ref -> GPU_group ref) map)` → `void`, also as a task.
   * Left out: vgpu_map is `{}`.
   * @throws XenApiError XENAPI_FAILURE: LICENCE_RESTRICTION
   */
  assert_can_migrate(
    vm: VmRef,
    dest: Readonly<Record<string, string>>,
    live: boolean,
    vdi_map: Readonly<Record<string, SrRef>>,
    vif_map: Readonly<Record<string, NetworkRef>>,
    options: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `VM.assert_can_migrate(vm: VM ref, dest: (string -> string) map, live: bool, vdi_map: (VDI ref -> SR ref) map, vif_map: (VIF ref -> network ref) map, options: (string -> string) map, vgpu_map: (VGPU ref -> GPU_group ref) map)` → `void`, also as a task.
   * Left out: vgpu_map is `{}`.
   * @throws XenApiError XENAPI_FAILURE: LICENCE_RESTRICTION
   */
  assert_can_migrate(
    vm: VmRef,
    dest: Readonly<Record<string, string>>,
    live: boolean,
    vdi_map: Readonly<Record<string, SrRef>>,
    vif_map: Readonly<Record<string, NetworkRef>>,
    options: Readonly<Record<string, string>>,
    vgpu_map: Readonly<Record<string, GpuGroupRef>>,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `VM.migrate_send(vm: VM ref, dest: (string -> string) map, live: bool, vdi_map: (VDI ref -> SR ref) map, vif_map: (VIF ref -> network ref) map, options: (string -> string) map, vgpu_map: (VGPU ref -> GPU_group ref) map)` → `VM ref`, also as a task.
   * Left out: vgpu_map is `{}`.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, LICENCE_RESTRICTION
   */
  migrate_send(
    vm: VmRef,
    dest: Readonly<Record<string, string>>,
    live: boolean,
    vdi_map: Readonly<Record<string, SrRef>>,
    vif_map: Readonly<Record<string, NetworkRef>>,
    options: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<VmRef>
  /**
   * `VM.migrate_send(vm: VM ref, dest: (string -> string) map, live: bool, vdi_map: (VDI ref -> SR ref) map, vif_map: (VIF ref -> network ref) map, options: (string -> string) map, vgpu_map: (VGPU ref -> GPU_group ref) map)` → `VM ref`, also as a task.
   * Left out: vgpu_map is `{}`.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, LICENCE_RESTRICTION
   */
  migrate_send(
    vm: VmRef,
    dest: Readonly<Record<string, string>>,
    live: boolean,
    vdi_map: Readonly<Record<string, SrRef>>,
    vif_map: Readonly<Record<string, NetworkRef>>,
    options: Readonly<Record<string, string>>,
    vgpu_map: Readonly<Record<string, GpuGroupRef>>,
    callOptions?: CallOptions,
  ): Promise<VmRef>
  /** `VM.maximise_memory(self: VM ref, total: int, approximate: bool)` → `int`, also as a task. */
  maximise_memory(self: VmRef, total: number, approximate: boolean, callOptions?: CallOptions): Promise<number>
  /**
   * `VM.send_trigger(vm: VM ref, trigger: string)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE
   */
  send_trigger(vm: VmRef, trigger: string, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.send_sysrq(vm: VM ref, key: string)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE
   */
  send_sysrq(vm: VmRef, key: string, callOptions?: CallOptions): Promise<void>
  /** `VM.set_shadow_multiplier_live(self: VM ref, multiplier: float)` → `void`, also as a task. */
  set_shadow_multiplier_live(self: VmRef, multiplier: number, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.get_cooperative(self: VM ref)` → `bool`, also as a task.
   * @deprecated by the server
   */
  get_cooperative(self: VmRef, callOptions?: CallOptions): Promise<boolean>
  /**
   * `VM.wait_memory_target_live(self: VM ref)` → `void`, also as a task.
   * @deprecated by the server
   */
  wait_memory_target_live(self: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.set_memory_target_live(self: VM ref, target: int)` → `void`, also as a task.
   * @deprecated by the server
   */
  set_memory_target_live(self: VmRef, target: number, callOptions?: CallOptions): Promise<void>
  /** `VM.set_memory(self: VM ref, value: int)` → `void`, also as a task. */
  set_memory(self: VmRef, value: number, callOptions?: CallOptions): Promise<void>
  /** `VM.set_memory_limits(self: VM ref, static_min: int, static_max: int, dynamic_min: int, dynamic_max: int)` → `void`, also as a task. */
  set_memory_limits(
    self: VmRef,
    static_min: number,
    static_max: number,
    dynamic_min: number,
    dynamic_max: number,
    callOptions?: CallOptions,
  ): Promise<void>
  /** `VM.set_memory_static_range(self: VM ref, min: int, max: int)` → `void`, also as a task. */
  set_memory_static_range(self: VmRef, min: number, max: number, callOptions?: CallOptions): Promise<void>
  /** `VM.set_memory_dynamic_range(self: VM ref, min: int, max: int)` → `void`, also as a task. */
  set_memory_dynamic_range(self: VmRef, min: number, max: number, callOptions?: CallOptions): Promise<void>
  /** `VM.compute_memory_overhead(vm: VM ref)` → `int`, also as a task. */
  compute_memory_overhead(vm: VmRef, callOptions?: CallOptions): Promise<number>
  /** `VM.add_to_VCPUs_params_live(self: VM ref, key: string, value: string)` → `void`, also as a task. */
  add_to_VCPUs_params_live(self: VmRef, key: string, value: string, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.set_VCPUs_number_live(self: VM ref, nvcpu: int)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: OPERATION_NOT_ALLOWED, LICENCE_RESTRICTION
   */
  set_VCPUs_number_live(self: VmRef, nvcpu: number, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.pool_migrate(vm: VM ref, host: host ref, options: (string -> string) map)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OTHER_OPERATION_IN_PROGRESS, VM_IS_TEMPLATE, OPERATION_NOT_ALLOWED, VM_BAD_POWER_STATE
   */
  pool_migrate(
    vm: VmRef,
    host: HostRef,
    options: Readonly<Record<string, string>>,
    callOptions?: CallOptions,
  ): Promise<void>
  /**
   * `VM.resume_on(vm: VM ref, host: host ref, start_paused: bool, force: bool)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OPERATION_NOT_ALLOWED, VM_IS_TEMPLATE
   */
  resume_on(vm: VmRef, host: HostRef, start_paused: boolean, force: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.resume(vm: VM ref, start_paused: bool, force: bool)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OPERATION_NOT_ALLOWED, VM_IS_TEMPLATE
   */
  resume(vm: VmRef, start_paused: boolean, force: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.suspend(vm: VM ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OTHER_OPERATION_IN_PROGRESS, OPERATION_NOT_ALLOWED, VM_IS_TEMPLATE
   */
  suspend(vm: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.hard_reboot(vm: VM ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OTHER_OPERATION_IN_PROGRESS, OPERATION_NOT_ALLOWED, VM_IS_TEMPLATE
   */
  hard_reboot(vm: VmRef, callOptions?: CallOptions): Promise<void>
  /** `VM.power_state_reset(vm: VM ref)` → `void`, also as a task. */
  power_state_reset(vm: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.hard_shutdown(vm: VM ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OTHER_OPERATION_IN_PROGRESS, OPERATION_NOT_ALLOWED, VM_IS_TEMPLATE
   */
  hard_shutdown(vm: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.clean_reboot(vm: VM ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OTHER_OPERATION_IN_PROGRESS, OPERATION_NOT_ALLOWED, VM_IS_TEMPLATE
   */
  clean_reboot(vm: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.shutdown(vm: VM ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OTHER_OPERATION_IN_PROGRESS, OPERATION_NOT_ALLOWED, VM_IS_TEMPLATE
   */
  shutdown(vm: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.clean_shutdown(vm: VM ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OTHER_OPERATION_IN_PROGRESS, OPERATION_NOT_ALLOWED, VM_IS_TEMPLATE
   */
  clean_shutdown(vm: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.unpause(vm: VM ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OPERATION_NOT_ALLOWED, VM_IS_TEMPLATE
   */
  unpause(vm: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.pause(vm: VM ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OTHER_OPERATION_IN_PROGRESS, OPERATION_NOT_ALLOWED, VM_IS_TEMPLATE
   */
  pause(vm: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.start_on(vm: VM ref, host: host ref, start_paused: bool, force: bool)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, VM_IS_TEMPLATE, OTHER_OPERATION_IN_PROGRESS, OPERATION_NOT_ALLOWED, BOOTLOADER_FAILED, UNKNOWN_BOOTLOADER
   */
  start_on(vm: VmRef, host: HostRef, start_paused: boolean, force: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.start(vm: VM ref, start_paused: bool, force: bool)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, VM_HVM_REQUIRED, VM_IS_TEMPLATE, OTHER_OPERATION_IN_PROGRESS, OPERATION_NOT_ALLOWED, BOOTLOADER_FAILED, UNKNOWN_BOOTLOADER, NO_HOSTS_AVAILABLE, LICENCE_RESTRICTION
   */
  start(vm: VmRef, start_paused: boolean, force: boolean, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.provision(vm: VM ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, SR_FULL, OPERATION_NOT_ALLOWED, LICENCE_RESTRICTION
   */
  provision(vm: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.checkpoint(vm: VM ref, new_name: string)` → `VM ref`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, SR_FULL, OPERATION_NOT_ALLOWED, VM_CHECKPOINT_SUSPEND_FAILED, VM_CHECKPOINT_RESUME_FAILED
   */
  checkpoint(vm: VmRef, new_name: string, callOptions?: CallOptions): Promise<VmRef>
  /**
   * Gives the VM new disks, cbt off.
   * `VM.revert(snapshot: VM ref)` → `void`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, OPERATION_NOT_ALLOWED, SR_FULL, VM_REVERT_FAILED
   */
  revert(snapshot: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * `VM.copy(vm: VM ref, new_name: string, sr: SR ref)` → `VM ref`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, SR_FULL, OPERATION_NOT_ALLOWED, LICENCE_RESTRICTION
   */
  copy(vm: VmRef, new_name: string, sr: SrRef, callOptions?: CallOptions): Promise<VmRef>
  /**
   * `VM.clone(vm: VM ref, new_name: string)` → `VM ref`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, SR_FULL, OPERATION_NOT_ALLOWED, LICENCE_RESTRICTION
   */
  clone(vm: VmRef, new_name: string, callOptions?: CallOptions): Promise<VmRef>
  /**
   * `VM.snapshot_with_quiesce(vm: VM ref, new_name: string)` → `VM ref`, also as a task.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, SR_FULL, OPERATION_NOT_ALLOWED, VM_SNAPSHOT_WITH_QUIESCE_FAILED, VM_SNAPSHOT_WITH_QUIESCE_TIMEOUT, VM_SNAPSHOT_WITH_QUIESCE_PLUGIN_DEOS_NOT_RESPOND, VM_SNAPSHOT_WITH_QUIESCE_NOT_SUPPORTED
   * State: removed.
   */
  snapshot_with_quiesce(vm: VmRef, new_name: string, callOptions?: CallOptions): Promise<VmRef>
  /**
   * Ignore_vdis may be left out; on old hosts the third parameter is unknown.
   * `VM.snapshot(vm: VM ref, new_name: string, ignore_vdis: VDI ref set)` → `VM ref`, also as a task.
   * Left out: ignore_vdis is `[]`.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, SR_FULL, OPERATION_NOT_ALLOWED
   */
  snapshot(vm: VmRef, new_name: string, callOptions?: CallOptions): Promise<VmRef>
  /**
   * Ignore_vdis may be left out; on old hosts the third parameter is unknown.
   * `VM.snapshot(vm: VM ref, new_name: string, ignore_vdis: VDI ref set)` → `VM ref`, also as a task.
   * Left out: ignore_vdis is `[]`.
   * @throws XenApiError XENAPI_FAILURE: VM_BAD_POWER_STATE, SR_FULL, OPERATION_NOT_ALLOWED
   */
  snapshot(vm: VmRef, new_name: string, ignore_vdis: readonly VdiRef[], callOptions?: CallOptions): Promise<VmRef>
  /**
   * Removes the VM.
   * `VM.destroy(self: VM ref)` → `void`, also as a task.
   */
  destroy(self: VmRef, callOptions?: CallOptions): Promise<void>
  /**
   * Makes a new VM.
   * `VM.create(args: VM record)` → `VM ref`, also as a task.
   */
  create(args: VmConstructor, callOptions?: CallOptions): Promise<VmRef>
}

/** Calls on VTPM as tasks: each starts the task, waits until it ends, and answers with its result or throws its failure. */
export interface AsyncVtpmCalls {
  /**
   * Removes the VTPM.
   * `VTPM.destroy(self: VTPM ref)` → `void`, also as a task.
   * State: prototyped.
   */
  destroy(self: VtpmRef, callOptions?: CallOptions): Promise<void>
  /**
   * Makes a new VTPM.
   * `VTPM.create(vM: VM ref, is_unique: bool)` → `VTPM ref`, also as a task.
   * State: prototyped.
   */
  create(vM: VmRef, is_unique: boolean, callOptions?: CallOptions): Promise<VtpmRef>
}

/** Calls on message as tasks: each starts the task, waits until it ends, and answers with its result or throws its failure. */
export interface AsyncMessageCalls {
  /**
   * `message.destroy_many(messages: message ref set)` → `void`, also as a task.
   * State: prototyped.
   */
  destroy_many(messages: readonly MessageRef[], callOptions?: CallOptions): Promise<void>
}

/** Calls on subject as tasks: each starts the task, waits until it ends, and answers with its result or throws its failure. */
export interface AsyncSubjectCalls {
  /**
   * Removes the subject.
   * `subject.destroy(self: subject ref)` → `void`, also as a task.
   */
  destroy(self: SubjectRef, callOptions?: CallOptions): Promise<void>
  /**
   * Makes a new subject.
   * `subject.create(args: subject record)` → `subject ref`, also as a task.
   */
  create(args: SubjectConstructor, callOptions?: CallOptions): Promise<SubjectRef>
}

/** All calls, by class and message. */
export interface ApiCalls {
  /** A login; its reference is the credential sent with every call. */
  readonly session: SessionCalls
  /** Record of one running or finished operation. */
  readonly task: TaskCalls
  /** One change notice; not stored. */
  readonly event: EventCalls
  /** The pool itself; there is exactly one record. */
  readonly pool: PoolCalls
  /** A server of the pool. */
  readonly host: HostCalls
  /** Measured state of a host. */
  readonly host_metrics: HostMetricsCalls
  /** A virtual network of the pool. */
  readonly network: NetworkCalls
  /** A network interface of a host, physical or virtual. */
  readonly PIF: PifCalls
  /** The connection of one host to one storage repository. */
  readonly PBD: PbdCalls
  /** A storage repository: where virtual disks live. */
  readonly SR: SrCalls
  /** A storage driver, with what it can do. */
  readonly SM: SmCalls
  /** Virtual disk. */
  readonly VDI: VdiCalls
  /** A disk slot of a VM, holding a virtual disk or a CD. */
  readonly VBD: VbdCalls
  /** A network interface of a VM. */
  readonly VIF: VifCalls
  /** A virtual machine, a template or a snapshot of either. */
  readonly VM: VmCalls
  /** Measured state of a VM. */
  readonly VM_metrics: VmMetricsCalls
  /** What the agent inside a VM reports. */
  readonly VM_guest_metrics: VmGuestMetricsCalls
  /** A virtual trusted platform module of a VM. */
  readonly VTPM: VtpmCalls
  /** Alert; CBT alerts are VDI_CBT_SNAPSHOT_FAILED, VDI_CBT_METADATA_INCONSISTENT, VDI_CBT_RESIZE_FAILED. */
  readonly message: MessageCalls
  /** An X.509 certificate that a host uses or trusts. */
  readonly Certificate: CertificateCalls
  /** A user or group of an external directory that may log in. */
  readonly subject: SubjectCalls
  /** A set of permissions. */
  readonly role: RoleCalls
  /** The server as such. */
  readonly system: SystemCalls
}

/** The calls that can run as tasks, by class and message. */
export interface AsyncCalls {
  readonly session: AsyncSessionCalls
  readonly task: AsyncTaskCalls
  readonly event: AsyncEventCalls
  readonly pool: AsyncPoolCalls
  readonly host: AsyncHostCalls
  readonly network: AsyncNetworkCalls
  readonly PIF: AsyncPifCalls
  readonly PBD: AsyncPbdCalls
  readonly SR: AsyncSrCalls
  readonly VDI: AsyncVdiCalls
  readonly VBD: AsyncVbdCalls
  readonly VIF: AsyncVifCalls
  readonly VM: AsyncVmCalls
  readonly VTPM: AsyncVtpmCalls
  readonly message: AsyncMessageCalls
  readonly subject: AsyncSubjectCalls
}
