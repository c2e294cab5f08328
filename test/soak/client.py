"""A client of a XenAPI pool that knows nothing of ours: Python's own XML-RPC. Says what it finds in lines of JSON."""

import json
import random
import ssl
import sys
import time
import xmlrpc.client

url, user, password, number, seconds, seed = sys.argv[1:7]
chance = random.Random(f"{seed}/{number}")
name = f"python {number}"
proxy = xmlrpc.client.ServerProxy(url, context=ssl._create_unverified_context(), allow_none=True)
calls = 0
PLAUSIBLE = {"TASK_CANCELLED", "SESSION_INVALID", "OTHER_OPERATION_IN_PROGRESS", "VM_BAD_POWER_STATE", "VDI_IN_USE"}


class Failure(Exception):
    pass


def call(method, *params):
    global calls
    calls += 1
    target = proxy
    for part in method.split("."):
        target = getattr(target, part)
    answer = target(*params)
    if answer["Status"] != "Success":
        raise Failure(*answer["ErrorDescription"])
    return answer["Value"]


def login():
    return call("session.login_with_password", user, password, "1.0", "soak python")


session = login()
own_vms, own_vdis = set(), set()


def create_vm():
    pool = call("pool.get_all", session)[0]
    sr = call("pool.get_default_SR", session, pool)
    vdi = call("VDI.create", session, {
        "name_label": name, "SR": sr, "virtual_size": str(4 << 20), "type": "user",
        "sharable": False, "read_only": False, "other_config": {},
    })
    own_vdis.add(vdi)
    record = {
        "name_label": name, "user_version": "1", "is_a_template": False, "affinity": "OpaqueRef:NULL", "VCPUs_params": {},
        "memory_static_max": str(1 << 30), "memory_dynamic_max": str(1 << 30), "memory_dynamic_min": str(1 << 30),
        "memory_static_min": str(1 << 30), "VCPUs_max": "1", "VCPUs_at_startup": "1",
        "actions_after_shutdown": "destroy", "actions_after_reboot": "restart", "actions_after_crash": "restart",
        "PV_bootloader": "", "PV_kernel": "", "PV_ramdisk": "", "PV_args": "", "PV_bootloader_args": "",
        "PV_legacy_args": "", "HVM_boot_policy": "", "HVM_boot_params": {}, "PCI_bus": "", "platform": {},
        "other_config": {}, "recommendations": "",
    }
    vm = call("VM.create", session, record)
    own_vms.add(vm)
    call("VBD.create", session, {
        "VM": vm, "VDI": vdi, "userdevice": "autodetect", "bootable": False, "mode": "RW", "type": "Disk", "empty": False,
        "other_config": {}, "qos_algorithm_type": "", "qos_algorithm_params": {},
    })


def snapshot():
    vm = chance.choice(sorted(own_vms)) if own_vms else None
    if vm is None or len(own_vdis) > 8:
        return
    made = call("VM.snapshot", session, vm, name)
    for vbd in call("VM.get_VBDs", session, made):
        own_vdis.add(call("VBD.get_VDI", session, vbd))
    call("VM.destroy", session, made)


def start_and_stop():
    vm = chance.choice(sorted(own_vms)) if own_vms else None
    if vm is not None:
        call("VM.start", session, vm, False, False)
        call("VM.hard_shutdown", session, vm)


def read_records():
    cls = chance.choice(["VM", "VDI", "VBD", "SR", "host", "network", "pool", "task"])
    for ref, record in call(cls + ".get_all_records", session).items():
        assert ref.startswith("OpaqueRef:"), ref
        assert isinstance(record["uuid"], str), record


def events():
    answer = call("event.from", session, ["*"], "", 0.5)
    assert "task" in answer["valid_ref_counts"], sorted(answer["valid_ref_counts"])
    call("event.from", session, ["vm", "vdi"], answer["token"], 0.5)


def tracked():
    vdi = chance.choice(sorted(own_vdis)) if own_vdis else None
    if vdi is not None and not call("VDI.get_is_a_snapshot", session, vdi):
        call("VDI.enable_cbt", session, vdi)
        assert isinstance(call("VDI.get_virtual_size", session, vdi), str)


def destroy():
    vdi = chance.choice(sorted(own_vdis)) if len(own_vdis) > 4 else None
    if vdi is not None:
        call("VDI.destroy", session, vdi)
        own_vdis.discard(vdi)


def a_task():
    task = call("Async.VM.snapshot", session, chance.choice(sorted(own_vms)), name) if own_vms and len(own_vdis) <= 8 else None
    while task is not None and call("task.get_status", session, task) == "pending":
        time.sleep(0.05)
    if task is not None:
        record = call("task.get_record", session, task)
        if record["status"] == "success":
            vm = record["result"].removeprefix("<value>").removesuffix("</value>")
            for vbd in call("VM.get_VBDs", session, vm):
                own_vdis.add(call("VBD.get_VDI", session, vbd))
            call("VM.destroy", session, vm)
        call("task.destroy", session, task)


deadline = time.monotonic() + float(seconds)
create_vm()
while time.monotonic() < deadline:
    what = chance.choice([snapshot, start_and_stop, read_records, read_records, events, tracked, destroy, a_task])
    try:
        what()
    except Failure as failure:
        code = failure.args[0]
        if code == "SESSION_INVALID":
            session = login()
        elif code == "HANDLE_INVALID" and failure.args[1] == "task":
            pass  # others may have destroyed it
        elif code not in PLAUSIBLE:
            print(json.dumps({"finding": f"{what.__name__}: {' | '.join(failure.args)}"}), flush=True)
        # what is gone is forgotten
        own_vdis &= set(call("VDI.get_all", session))
        own_vms &= set(call("VM.get_all", session))
    except Exception as error:  # noqa: BLE001: everything else is what we look for
        print(json.dumps({"finding": f"{what.__name__}: {type(error).__name__}: {error}"}), flush=True)
call("session.logout", session)
print(json.dumps({"calls": calls}), flush=True)
