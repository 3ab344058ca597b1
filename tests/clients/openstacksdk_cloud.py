"""openstacksdk against the cloud that OS_* names."""

import sys

import openstack
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_ssh_private_key,
)
from openstack import exceptions

from checks import check, raises, same


def main():
    conn = openstack.connect()
    lists(conn)
    keys(conn)
    servers(conn)
    volumes(conn)
    refusals(conn)
    print("openstacksdk: ok")


def lists(conn):
    same(conn.compute.find_flavor("m1.small").ram, 2048)
    same(len(list(conn.compute.flavors())), 7)
    same([image.name for image in conn.image.images()], ["tiny", "tiny-2", "unfinished"], sorted)
    same([network.name for network in conn.network.networks()], ["shared"])
    same(conn.network.find_network("shared").mtu, 1450)
    same([subnet.cidr for subnet in conn.network.subnets()], ["10.10.0.0/16"])
    same([group.name for group in conn.network.security_groups()], ["default"])
    same([zone.name for zone in conn.compute.availability_zones()], ["nova"])
    same([kind.name for kind in conn.block_storage.types()], ["__DEFAULT__"])
    same(conn.compute.get_limits().absolute.keypairs, 100)
    same(list(conn.compute.servers()), [])


def keys(conn):
    made = conn.compute.create_keypair(name="made", **{"type": "ssh"})
    # What it says of itself is one thing, whether others can use it another.
    public = load_ssh_private_key(made.private_key.encode(), None).public_key()
    line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    same(made.public_key.split()[:2], line.split())
    copy = conn.compute.create_keypair(name="copy", public_key=made.public_key)
    same(copy.fingerprint, made.fingerprint)
    same([pair.name for pair in conn.compute.keypairs()], ["copy", "made"])
    same(conn.compute.get_keypair("copy").public_key, made.public_key)
    raises(exceptions.ConflictException, "already exists", conn.compute.create_keypair, name="copy")
    conn.compute.delete_keypair("made")
    same(conn.compute.find_keypair("made"), None)


def servers(conn):
    server = new_server(conn, "web-1", key_name="copy", metadata={"role": "web"})
    server = conn.compute.wait_for_server(server, interval=0.1, wait=30)
    same(server.status, "ACTIVE")
    same(server.power_state, 1)
    check(server.addresses["shared"][0]["addr"].startswith("10.10."), server.addresses)
    [port] = conn.network.ports(device_id=server.id)
    same(port.fixed_ips[0]["ip_address"], server.addresses["shared"][0]["addr"])

    for kind, state in [("SOFT", "REBOOT"), ("HARD", "HARD_REBOOT")]:
        conn.compute.reboot_server(server, kind)
        same(conn.compute.get_server(server).status, state)
        conn.compute.wait_for_server(server, interval=0.1, wait=30)
    conn.compute.stop_server(server)
    server = conn.compute.wait_for_server(server, "SHUTOFF", interval=0.1, wait=30)
    same((server.vm_state, server.power_state), ("stopped", 4))
    raises(exceptions.ConflictException, "vm_state stopped", conn.compute.stop_server, server)
    conn.compute.start_server(server)
    conn.compute.wait_for_server(server, interval=0.1, wait=30)

    conn.compute.lock_server(server)
    check(conn.compute.get_server(server).is_locked, "it is locked")
    raises(exceptions.ConflictException, "is locked", conn.compute.delete_server, server)
    conn.compute.unlock_server(server)
    conn.compute.set_server_metadata(server, a="b")
    same(conn.compute.get_server_metadata(server).metadata, {"role": "web", "a": "b"})
    conn.compute.delete_server(server)
    conn.compute.wait_for_delete(server, interval=0.1, wait=30)
    same(list(conn.compute.servers()), [])


def volumes(conn):
    volume = conn.block_storage.create_volume(size=1, name="data")
    volume = conn.block_storage.wait_for_status(volume, "available", interval=0.1, wait=30)
    same([other.name for other in conn.block_storage.volumes()], ["data"])

    root = {
        "boot_index": 0,
        "uuid": conn.image.find_image("tiny").id,
        "source_type": "image",
        "destination_type": "volume",
        "volume_size": 2,
        "delete_on_termination": True,
    }
    server = new_server(conn, "from-volume", image_id="", block_device_mapping=[root])
    server = conn.compute.wait_for_server(server, interval=0.1, wait=30)
    same(len(server.attached_volumes), 1)
    conn.compute.create_volume_attachment(server, volume_id=volume.id)
    volume = conn.block_storage.wait_for_status(volume, "in-use", interval=0.1, wait=30)
    same(volume.attachments[0]["device"], "/dev/vdb")
    held = conn.compute.volume_attachments(server)
    same([attachment.device for attachment in held], ["/dev/vda", "/dev/vdb"])
    raises(exceptions.BadRequestException, "must be available", conn.block_storage.delete_volume, volume)
    conn.compute.delete_volume_attachment(server, volume)
    conn.block_storage.wait_for_status(volume, "available", interval=0.1, wait=30)
    conn.compute.delete_server(server)
    conn.compute.wait_for_delete(server, interval=0.1, wait=30)
    same([other.id for other in conn.block_storage.volumes()], [volume.id])
    conn.block_storage.delete_volume(volume)
    conn.block_storage.wait_for_delete(volume, interval=0.1, wait=30)


def refusals(conn):
    raises(exceptions.ForbiddenException, "cores", new_server, conn, "x", "m1.overquota")
    raises(exceptions.BadRequestException, "Invalid key_name", new_server, conn, "x", key_name="made")
    failing = new_server(conn, "bad", "m1.impossible")
    raises(
        exceptions.ResourceFailure,
        None,
        conn.compute.wait_for_server,
        failing,
        interval=0.1,
        wait=30,
    )
    same(conn.compute.get_server(failing).fault["message"], "No valid host was found. ")
    [listed] = conn.compute.servers()
    same((listed.status, listed.fault), ("ERROR", None))
    conn.compute.delete_server(failing)
    conn.compute.wait_for_delete(failing, interval=0.1, wait=30)


def new_server(conn, name, flavor="m1.tiny", **rest):
    order = {
        "name": name,
        "flavor_id": conn.compute.find_flavor(flavor).id,
        "image_id": conn.image.find_image("tiny").id,
        "networks": [{"uuid": conn.network.find_network("shared").id}],
    }
    return conn.compute.create_server(**{**order, **rest})


if __name__ == "__main__":
    sys.exit(main())
