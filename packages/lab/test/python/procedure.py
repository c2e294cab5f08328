"""The documented changed block tracking procedure, with nothing but Python's standard library.

Usage: procedure.py URL CA_FILE PASSWORD VDI_UUID VM_UUID DIRECTORY
A line on stdin means that the test has written to the disk. Results go to stdout as JSON lines.
"""
import base64, http.client, json, os, re, ssl, subprocess, sys, urllib.parse, xmlrpc.client

url, ca, password, vdi_uuid, vm_uuid, directory = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
address = urllib.parse.urlsplit(url).netloc
proxy = xmlrpc.client.ServerProxy(url, context=context)


def call(method, *args):
    answer = getattr(proxy, method)(*args)
    if answer["Status"] != "Success":
        raise SystemExit(f"{method}: {answer['ErrorDescription']}")
    return answer["Value"]


def say(**values):
    print(json.dumps(values), flush=True)


def transfer(method, path, body=None):
    connection = http.client.HTTPSConnection(address, context=context, timeout=60)
    connection.request(method, path, body=body)
    answer = connection.getresponse()
    data = answer.read()
    if answer.status != 200:
        raise SystemExit(f"{method} {path}: {answer.status}")
    return data


def nbd(info):
    export = urllib.parse.quote(info["exportname"], safe="")
    return f"nbds://{info['address']}:{info['port']}/{export}?tls-certificates={directory}"


session = call("session.login_with_password", "root", password, "0.1", "CBT example")
vdi = call("VDI.get_by_uuid", session, vdi_uuid)
call("VDI.enable_cbt", session, vdi)
base = call("VDI.snapshot", session, vdi)
base_uuid = call("VDI.get_uuid", session, base)
image = bytearray(transfer("GET", f"/export_raw_vdi?session_id={session}&vdi={base_uuid}&format=raw"))
metadata = transfer("GET", f"/export_metadata?session_id={session}&uuid={vm_uuid}&export_snapshots=false")
call("VDI.data_destroy", session, base)
say(base=base_uuid, exported=len(image), record=call("VDI.get_record", session, base)["type"])

sys.stdin.readline()
assert call("VDI.get_cbt_enabled", session, vdi)
snapshot = call("VDI.snapshot", session, vdi)
bitmap = base64.b64decode(call("VDI.list_changed_blocks", session, base, snapshot))
(info,) = call("VDI.get_nbd_info", session, snapshot)
assert sorted(info) == ["address", "cert", "exportname", "port", "subject"], sorted(info)
with open(os.path.join(directory, "ca-cert.pem"), "w") as file:
    file.write(info["cert"])
size = int(subprocess.run(["nbdinfo", "--size", nbd(info)], check=True, capture_output=True, text=True).stdout)
target = os.path.join(directory, "read.raw")
subprocess.run(["nbdcopy", nbd(info), target], check=True)
changed = [i for i in range(len(bitmap) * 8) if bitmap[i // 8] & (0x80 >> i % 8)]
with open(target, "rb") as file:
    for block in changed:
        file.seek(block * 65536)
        image[block * 65536 : (block + 1) * 65536] = file.read(65536)
say(size=size, bitmap=len(bitmap), changed=changed, subject=info["subject"])
call("VDI.data_destroy", session, snapshot)

record = {
    "SR": call("VDI.get_SR", session, vdi),
    "virtual_size": call("VDI.get_virtual_size", session, vdi),
    "type": "user",
    "sharable": False,
    "read_only": False,
    "other_config": {},
    "name_label": "restored",
}
restored = call("VDI.create", session, record)
restored_uuid = call("VDI.get_uuid", session, restored)
transfer("PUT", f"/import_raw_vdi?session_id={session}&vdi={restored_uuid}&format=raw", bytes(image))
task = call("task.create", session, "import_vm", "Task to track vm import")
query = f"session_id={session}&task_id={task}&vdi:{vdi_uuid}={restored_uuid}"
transfer("PUT", f"/import_metadata?{query}", metadata)
(vm,) = re.findall("OpaqueRef:[0-9a-f-]+", call("task.get_result", session, task))
say(restored=restored_uuid, vm=call("VM.get_uuid", session, vm), name=call("VM.get_name_label", session, vm))
call("session.logout", session)
