"""python-openstackclient, the command `openstack`, against the cloud that OS_* names.

All commands run in this one process: most of what the command takes is its start.
"""

import contextlib
import io
import json
import pathlib
import sys
import tempfile
import time

from openstackclient.shell import OpenStackShell

from checks import check, same


def main():
    lists()
    with tempfile.TemporaryDirectory() as folder:
        keys(pathlib.Path(folder))
    servers()
    volumes()
    refusals()
    print("python-openstackclient: ok")


def lists():
    check(len(values("token issue")["id"]) > 100, "a token")
    types = {service["Type"] for service in values("catalog list")}
    check({"compute", "identity", "image", "network", "block-storage"} <= types, types)
    same([size["Name"] for size in values("flavor list")][:2], ["m1.tiny", "m1.small"])
    same(values("flavor show m1.small")["ram"], 2048)
    same(names("image list"), ["tiny", "tiny-2", "unfinished"])
    same(values("image show tiny")["status"], "active")
    same(names("network list"), ["shared"])
    same(values("network show shared")["mtu"], 1450)
    same([subnet["Subnet"] for subnet in values("subnet list")], ["10.10.0.0/16"])
    same(names("security group list"), ["default"])
    same({zone["Zone Name"] for zone in values("availability zone list")}, {"nova"})
    same(values("project list")[0]["Name"], "demo")
    same(values("server list"), [])


def keys(folder):
    made = run("keypair create made")
    check(made.startswith("-----BEGIN OPENSSH PRIVATE KEY-----"), made)
    public = folder / "key.pub"
    public.write_text(run("keypair show --public-key made"))
    imported = values(f"keypair create --public-key {public} imported")
    same(imported["fingerprint"], values("keypair show made")["fingerprint"])
    same(names("keypair list"), ["imported", "made"])
    refused(f"keypair create --public-key {public} made", "Key pair 'made' already exists.")
    run("keypair delete made")
    refused("keypair show made", "made")


def servers():
    run(
        "server create --wait --flavor m1.tiny --image tiny --network shared"
        " --key-name imported --security-group default --availability-zone nova"
        " --property role=web web-1"
    )
    server = values("server show web-1")
    same((server["status"], server["key_name"]), ("ACTIVE", "imported"))
    same(server["properties"], {"role": "web"})
    [listed] = values("server list --long")
    same((listed["Name"], listed["Status"], listed["Power State"]), ("web-1", "ACTIVE", 1))
    check(listed["Networks"]["shared"][0].startswith("10.10."), listed)
    same(listed["Image Name"], "tiny")

    run("server reboot --wait web-1")
    run("server reboot --hard --wait web-1")
    run("server stop web-1")
    until("server show web-1", "status", "SHUTOFF")
    refused("server stop web-1", "while it is in vm_state stopped")
    run("server start web-1")
    until("server show web-1", "status", "ACTIVE")
    run("server lock web-1")
    refused("server delete web-1", "is locked")
    run("server unlock web-1")
    run("server set --property tier=1 web-1")
    run("server unset --property role web-1")
    same(values("server show web-1")["properties"], {"tier": "1"})
    run("server delete --wait web-1")
    same(values("server list"), [])


def volumes():
    same(values("volume create --size 1 data")["size"], 1)
    until("volume show data", "status", "available")
    run("server create --wait --flavor m1.tiny --image tiny --boot-from-volume 2 --nic auto bfv")
    server = values("server show bfv")
    same(server["image"], "N/A (booted from volume)")
    same(len(server["volumes_attached"]), 1)
    run("server add volume bfv data")
    until("volume show data", "status", "in-use")
    same([held["Device"] for held in values("server volume list bfv")], ["/dev/vda", "/dev/vdb"])
    refused("volume delete data", "must be available")
    run("server remove volume bfv data")
    until("volume show data", "status", "available")
    same(names("volume list"), ["", "data"])
    run("server delete --wait bfv")
    [root] = [volume["ID"] for volume in values("volume list") if volume["Name"] != "data"]
    run(f"volume delete data {root}")


def refusals():
    refused("server show nothing", "nothing")
    order = "server create --image tiny --nic auto"
    refused(f"{order} --flavor m1.overquota x", "Quota exceeded for cores")
    refused(f"{order} --flavor m1.tiny --key-name made x", "Invalid key_name provided.")
    refused(f"{order} --flavor m1.impossible --wait bad", "bad")
    bad = values("server list")[0]["ID"]
    check("No valid host was found." in str(values(f"server show {bad}")["fault"]), bad)
    run(f"server delete --wait {bad}")


def names(command):
    return sorted(entry["Name"] for entry in values(command))


def until(command, field, value):
    end = time.monotonic() + 30
    while values(command)[field] != value:
        check(time.monotonic() < end, f"{command}: {field} never was {value}")
        time.sleep(0.1)


def values(command):
    return json.loads(run(f"{command} -f json"))


def run(command):
    code, said, complained = call(command)
    check(code == 0, f"openstack {command}: {code}\n{said}{complained}")
    return said


def refused(command, why):
    code, said, complained = call(command)
    check(code != 0 and why in complained, f"openstack {command}: {code}\n{said}{complained}")


def call(command):
    said, complained = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
        shell = OpenStackShell()
        shell.stdout, shell.stderr = said, complained
        try:
            code = shell.run(command.split())
        except SystemExit as end:
            code = end.code
    return code, said.getvalue(), complained.getvalue()


if __name__ == "__main__":
    sys.exit(main())
