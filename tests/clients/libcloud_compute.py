"""Apache Libcloud's OpenStack driver against the cloud that OS_* names."""

import os
import sys
import time

from libcloud.common.exceptions import BaseHTTPError
from libcloud.common.types import LibcloudError
from libcloud.compute.base import NodeAuthSSHKey
from libcloud.compute.providers import get_driver
from libcloud.compute.types import KeyPairDoesNotExistError, NodeState, Provider, StorageVolumeState

from checks import check, raises, same


def main():
    # Libcloud adds the version by itself.
    url = os.environ["OS_AUTH_URL"].removesuffix("/v3")
    driver = get_driver(Provider.OPENSTACK)(
        os.environ["OS_USERNAME"],
        os.environ["OS_PASSWORD"],
        api_version="2.2",
        ex_force_auth_version="3.x_password",
        ex_force_auth_url=url,
        ex_tenant_name=os.environ["OS_PROJECT_NAME"],
        ex_domain_name=os.environ["OS_PROJECT_DOMAIN_NAME"],
        ex_force_service_region=os.environ["OS_REGION_NAME"],
    )
    lists(driver)
    keys(driver)
    nodes(driver)
    volumes(driver)
    refusals(driver)
    print("libcloud: ok")


def lists(driver):
    sizes = {size.name: size for size in driver.list_sizes()}
    same(sizes["m1.small"].ram, 2048)
    same(sizes["m1.small"].vcpus, 1)
    same(sorted(image.name for image in driver.list_images())[0], "tiny")
    same(driver.get_image(named(driver.list_images(), "tiny").id).name, "tiny")
    same(len(driver.list_locations()), 1)
    same([network.name for network in driver.ex_list_networks()], ["shared"])
    same([subnet.cidr for subnet in driver.ex_list_subnets()], ["10.10.0.0/16"])
    same([group.name for group in driver.ex_list_security_groups()], ["default"])
    same(len(driver.ex_list_security_groups()[0].rules), 4)
    same(driver.list_nodes(), [])


def keys(driver):
    made = driver.create_key_pair("made")
    check(made.private_key.startswith("-----BEGIN OPENSSH PRIVATE KEY-----"), made.private_key)
    imported = driver.import_key_pair_from_string("imported", made.public_key)
    same(imported.fingerprint, made.fingerprint)
    same([pair.name for pair in driver.list_key_pairs()], ["imported", "made"])
    same(driver.get_key_pair("imported").public_key, made.public_key)
    check(driver.delete_key_pair(driver.get_key_pair("made")), "deleted")
    raises(KeyPairDoesNotExistError, None, driver.get_key_pair, "made")


def nodes(driver):
    node = new_node(
        driver,
        "web-1",
        ex_keyname="imported",
        ex_metadata={"role": "web"},
        ex_userdata="#!/bin/sh\necho hello\n",
        ex_security_groups=driver.ex_list_security_groups(),
        networks=driver.ex_list_networks(),
    )
    same(node.state, NodeState.PENDING)
    [(node, addresses)] = driver.wait_until_running(
        [node], wait_period=0.1, timeout=30, ssh_interface="private_ips"
    )
    check(addresses[0].startswith("10.10."), addresses)
    same(node.private_ips, addresses)
    same(node.extra["key_name"], "imported")
    same(node.extra["metadata"], {"role": "web"})
    same([other.id for other in driver.list_nodes()], [node.id])

    check(driver.reboot_node(node), "rebooted")
    seen(driver, node, NodeState.REBOOTING)
    until(driver, node, NodeState.RUNNING)
    check(driver.ex_hard_reboot_node(node), "rebooted")
    until(driver, node, NodeState.RUNNING)
    check(driver.stop_node(node), "stopped")
    until(driver, node, NodeState.STOPPED)
    raises(BaseHTTPError, "vm_state stopped", driver.stop_node, node)
    check(driver.start_node(node), "started")
    until(driver, node, NodeState.RUNNING)
    driver.ex_set_metadata(node, {"role": "db"})
    same(driver.ex_get_metadata(node), {"role": "db"})
    check(driver.destroy_node(node), "destroyed")
    wait_for(lambda: driver.list_nodes() == [])


def volumes(driver):
    node = new_node(driver, "with-disk")
    driver.wait_until_running(
        [node], wait_period=0.1, timeout=30, ssh_interface="private_ips"
    )
    volume = driver.create_volume(3, "data")
    wait_for(lambda: driver.ex_get_volume(volume.id).state == StorageVolumeState.AVAILABLE)
    same([(other.name, other.size) for other in driver.list_volumes()], [("data", 3)])
    check(driver.attach_volume(node, volume), "attached")
    wait_for(lambda: driver.ex_get_volume(volume.id).state == StorageVolumeState.INUSE)
    volume = driver.ex_get_volume(volume.id)
    same(volume.extra["attachments"][0]["server_id"], node.id)
    raises(BaseHTTPError, "status must be available", driver.destroy_volume, volume)
    check(driver.detach_volume(volume), "detached")
    wait_for(lambda: driver.ex_get_volume(volume.id).state == StorageVolumeState.AVAILABLE)
    check(driver.destroy_volume(volume), "destroyed")
    wait_for(lambda: driver.list_volumes() == [])
    check(driver.destroy_node(node), "destroyed")


def refusals(driver):
    raises(BaseHTTPError, "Invalid key_name", new_node, driver, "x", ex_keyname="made")
    raises(BaseHTTPError, "cores", new_node, driver, "x", "m1.overquota")
    failing = new_node(driver, "bad", "m1.impossible")
    until(driver, failing, NodeState.ERROR)
    raises(LibcloudError, None, driver.wait_until_running, [failing], 0.1, 1, "private_ips")
    check(driver.destroy_node(failing), "destroyed")
    wait_for(lambda: driver.list_nodes() == [])


def new_node(driver, name, size="m1.tiny", **rest):
    size, image = named(driver.list_sizes(), size), named(driver.list_images(), "tiny")
    return driver.create_node(name=name, size=size, image=image, **rest)


def named(things, name):
    return next(thing for thing in things if thing.name == name)


def seen(driver, node, state):
    same(driver.ex_get_node_details(node.id).state, state)


def until(driver, node, state):
    wait_for(lambda: driver.ex_get_node_details(node.id).state == state)


def wait_for(holds):
    end = time.monotonic() + 30
    while not holds():
        check(time.monotonic() < end, "it never came true")
        time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
