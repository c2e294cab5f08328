import { apiClasses } from '@tidemark/xenapi/codec'
import { expect, test } from 'vitest'
import { handlers } from '../src/classes/handlers.ts'
import { bareCall, loggedIn, testLab } from './harness.ts'

/**
 * What the model has and the lab does not serve: it answers MESSAGE_METHOD_UNKNOWN, as a release that lacks it. Nobody in
 * contract/xenapi.md §8 calls one of these. Who serves one takes it out of here; who loses one finds out here.
 */
const UNSERVED: Readonly<Record<string, readonly string[]>> = {
  'there is one user, who may do everything: no directory, no roles to give': [
    'session.get_all_subject_identifiers session.logout_subject_identifier session.change_password',
    'pool.enable_external_auth pool.disable_external_auth pool.detect_nonhomogeneous_external_auth',
    'host.enable_external_auth host.disable_external_auth',
    'subject.create subject.destroy subject.add_to_roles subject.remove_from_roles subject.get_permissions_name_label',
    'role.get_permissions role.get_permissions_name_label role.get_by_permission role.get_by_permission_name_label',
  ],
  'for the toolstack and its hosts among themselves': [
    'session.slave_local_login_with_password session.local_logout session.create_from_db_file',
    'pool.emergency_transition_to_master pool.emergency_reset_master pool.recover_slaves pool.sync_database',
    'pool.rotate_secret pool.certificate_sync',
    'host.declare_dead host.migrate_receive host.emergency_ha_disable host.local_management_reconfigure',
    'host.shutdown_agent host.restart_agent host.sync_data host.backup_rrds host.refresh_pack_info',
    'PIF.db_introduce PIF.db_forget VDI.open_database VDI.read_database_pool_uuid',
  ],
  'hosts neither come nor go, nor does their hardware: `hosts` of startLab says how many there are': [
    'pool.join pool.join_force pool.eject host.destroy host.reboot host.shutdown host.power_on',
    'host.evacuate host.assert_can_evacuate host.get_vms_which_prevent_evacuation host.get_uncooperative_resident_VMs',
    'host.set_hostname_live host.set_sched_gran host.get_sched_gran host.enable_display host.disable_display',
    'host.set_cpu_features host.reset_cpu_features host.compute_memory_overhead VM.compute_memory_overhead',
    'PIF.scan PIF.introduce PIF.forget PIF.destroy PIF.plug PIF.unplug PIF.set_property PIF.create_VLAN',
    'PIF.reconfigure_ip PIF.reconfigure_ipv6 pool.create_VLAN pool.create_VLAN_from_PIF pool.management_reconfigure',
    'host.management_reconfigure host.management_disable pool.set_vswitch_controller',
    'SR.probe SR.probe_ext SR.make',
  ],
  'high availability, workload balancing and disaster recovery are not there': [
    'pool.enable_ha pool.disable_ha pool.ha_prevent_restarts_for pool.ha_failover_plan_exists',
    'pool.ha_compute_max_host_failures_to_tolerate pool.ha_compute_hypothetical_max_host_failures_to_tolerate',
    'pool.ha_compute_vm_failover_plan pool.enable_redo_log pool.disable_redo_log VM.assert_agile',
    'SR.assert_can_host_ha_statefile SR.assert_supports_database_replication',
    'SR.enable_database_replication SR.disable_database_replication',
    'pool.initialize_wlb pool.deconfigure_wlb pool.send_wlb_configuration pool.retrieve_wlb_configuration',
    'pool.retrieve_wlb_recommendations host.retrieve_wlb_evacuate_recommendations VM.retrieve_wlb_recommendations',
    'VM.assert_can_be_recovered VM.get_SRs_required_for_recovery VM.recover',
  ],
  'licences, updates and certificates are those of the start': [
    'pool.apply_edition pool.get_license_state host.apply_edition host.license_add host.license_remove host.license_apply',
    'pool.add_repository pool.remove_repository pool.sync_updates pool.check_update_readiness',
    'pool.configure_update_sync pool.configure_repository_proxy pool.disable_repository_proxy',
    'host.apply_updates host.apply_recommended_guidances host.emergency_clear_mandatory_guidance',
    'pool.certificate_install pool.certificate_list pool.certificate_uninstall pool.install_ca_certificate',
    'pool.uninstall_ca_certificate pool.crl_install pool.crl_list pool.crl_uninstall pool.enable_tls_verification',
    'pool.enable_ssl_legacy pool.disable_ssl_legacy pool.set_https_only pool.reset_telemetry_uuid',
    'pool.enable_client_certificate_auth pool.disable_client_certificate_auth',
    'host.install_server_certificate host.refresh_server_certificate host.reset_server_certificate',
    'host.emergency_reset_server_certificate host.emergency_disable_tls_verification',
    'host.emergency_reenable_tls_verification',
  ],
  'nothing measures, logs or runs plug-ins': [
    'host.get_data_sources host.record_data_source host.query_data_source host.forget_data_source_archives',
    'SR.get_data_sources SR.record_data_source SR.query_data_source SR.forget_data_source_archives',
    'VM.record_data_source VM.query_data_source VM.forget_data_source_archives',
    'host.dmesg host.dmesg_clear host.get_log host.send_debug_keys host.bugreport_upload host.list_methods',
    'host.get_system_status_capabilities host.syslog_reconfigure pool.send_test_post pool.test_archive_target',
    'host.call_plugin host.call_extension host.has_extension pool.has_extension VM.call_plugin',
    'pool.add_to_guest_agent_config pool.remove_from_guest_agent_config',
    'pool.create_new_blob host.create_new_blob network.create_new_blob SR.create_new_blob VM.create_new_blob',
    'pool.enable_local_storage_caching pool.disable_local_storage_caching',
    'host.enable_local_storage_caching host.disable_local_storage_caching',
  ],
  'no guest is there to take notice': [
    'VM.set_memory_target_live VM.wait_memory_target_live VM.restart_device_models VM.copy_bios_strings',
    'VIF.configure_ipv4 VIF.configure_ipv6',
  ],
  'imports come over HTTP': ['VM.import VM.import_convert'],
  'removed from the model itself': ['VM.snapshot_with_quiesce'],
  'needs no session, and the dispatcher answers it': ['system.listMethods'],
}

test('every message of the model is served, or left out for a reason that stands here', () => {
  const all = Object.values(apiClasses).flatMap(({ name, messages }) =>
    Object.keys(messages).map((each) => `${name}.${each}`),
  )
  const unserved = all.filter((name) => !handlers().has(name))
  const known = Object.values(UNSERVED).flatMap((lines) => lines.flatMap((line) => line.split(' ')))
  expect(unserved.toSorted()).toEqual(known.toSorted())
})

test('what is not served is unknown, and so not listed', async () => {
  await using world = await testLab()
  const api = await loggedIn(world)
  expect(await api.failure('pool.enable_ha', [], {})).toEqual(['MESSAGE_METHOD_UNKNOWN', 'pool.enable_ha'])
  expect(await api.failure('VM.snapshot_with_quiesce', 'OpaqueRef:NULL', '')).toEqual([
    'MESSAGE_REMOVED',
    'VM.snapshot_with_quiesce',
  ])
  const listed = (await bareCall(world.lab, 'system.listMethods', [])) as string[]
  expect(listed).not.toContain('pool.enable_ha')
})

test('networks come and go; one with a card that is used, or with an interface, stays', async () => {
  await using world = await testLab()
  const api = await loggedIn(world)
  const network = (await api.call('network.create', { name_label: 'inner', other_config: {} })) as string
  expect(await api.call('network.get_record', network)).toMatchObject({ bridge: 'xapi0', MTU: 1500, managed: true })
  const vm = await world.lab.control.createVm({ name: 'a', disks: [], running: true })
  const [card = ''] = (await api.call('VM.get_VIFs', vm.ref)) as string[]
  await api.call('VIF.move', card, network)
  expect(await api.failure('network.destroy', network)).toEqual(['NETWORK_CONTAINS_VIF', card])
  await api.call('VM.hard_shutdown', vm.ref)
  await api.call('network.destroy', network)
  expect(await api.call('VM.get_VIFs', vm.ref)).toEqual([])
  const [eth0 = ''] = (await api.call('network.get_all')) as string[]
  expect((await api.failure('network.destroy', eth0))[0]).toBe('NETWORK_CONTAINS_PIF')
  expect(await world.lab.control.invariants()).toEqual([])
})

test('a VM moves to another host of the pool; its storage does not, and least of all while it is tracked', async () => {
  await using world = await testLab({ hosts: 2, storages: [{ name: 'shared', type: 'nfs' }] })
  const api = await loggedIn(world)
  const vm = await world.lab.control.createVm({ name: 'a', disks: [{ size: 2 << 20, tracked: true }], running: true })
  const hosts = (await api.call('host.get_all')) as string[]
  const from = await api.call('VM.get_resident_on', vm.ref)
  const to = hosts.find((host) => host !== from) ?? ''
  await api.call('VM.pool_migrate', vm.ref, to, {})
  expect(await api.call('VM.get_resident_on', vm.ref)).toBe(to)
  const migrate = () => api.failure('VM.migrate_send', vm.ref, {}, true, {}, {}, {}, {})
  expect(await migrate()).toEqual(['VDI_CBT_ENABLED', vm.disks[0]?.ref])
  await api.call('VDI.disable_cbt', vm.disks[0]?.ref ?? '')
  expect(await migrate()).toEqual(['NOT_IMPLEMENTED', 'migrate_send'])
})
