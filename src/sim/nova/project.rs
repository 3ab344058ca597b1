//! Zones, limits, and what a server has of the network.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::errors::{forbidden, no_instance};
use crate::sim::answer;
use crate::sim::cloud::Cloud;
use crate::sim::flavor::CORES_ALLOWED;
use crate::sim::keypair;
use crate::sim::microversion::Microversion;
use crate::sim::world::SecurityGroup;

pub(super) fn zones() -> Response<Bytes> {
    let zone = json!({"zoneName": "nova", "zoneState": {"available": true}, "hosts": null});
    answer::json(StatusCode::OK, &json!({"availabilityZoneInfo": [zone]}))
}

/// With the hosts, which only administrators may know.
pub(super) fn zones_in_detail() -> Response<Bytes> {
    forbidden("Policy doesn't allow os_compute_api:os-availability-zone:detail to be performed.")
}

pub(super) fn limits(cloud: &Cloud, Microversion(minor): Microversion) -> Response<Bytes> {
    let world = cloud.world();
    let mut absolute = json!({
        "maxTotalInstances": cloud.settings.quota,
        "maxTotalCores": CORES_ALLOWED,
        "maxTotalRAMSize": -1,
        "maxServerMeta": 128,
        "maxTotalKeypairs": keypair::MOST,
        "maxServerGroups": 10,
        "maxServerGroupMembers": 10,
        "totalInstancesUsed": world.servers.count(),
        "totalCoresUsed": world.servers.cores_in_use(),
        "totalRAMUsed": world.servers.memory_in_use(),
        "totalServerGroupsUsed": 0,
    });
    let until = [
        (36, "maxTotalFloatingIps", -1),
        (36, "maxSecurityGroups", -1),
        (36, "maxSecurityGroupRules", -1),
        (36, "totalFloatingIpsUsed", 0),
        (36, "totalSecurityGroupsUsed", 0),
        (39, "maxImageMeta", 128),
        (57, "maxPersonality", 5),
        (57, "maxPersonalitySize", 10240),
    ];
    for (_, name, value) in until.into_iter().filter(|(until, ..)| minor < *until) {
        absolute[name] = json!(value);
    }
    answer::json(StatusCode::OK, &json!({"limits": {"rate": [], "absolute": absolute}}))
}

pub(super) fn security_groups(cloud: &Cloud, id: &str) -> Response<Bytes> {
    let world = cloud.world();
    let Some(server) = world.servers.get(id) else {
        return no_instance(id);
    };
    let group = json!({
        "id": world.security_group.id,
        "name": SecurityGroup::NAME,
        "description": "Default security group",
        "tenant_id": world.project_id,
        "rules": [],
    });
    let groups: Vec<_> = server.port_id.is_some().then_some(group).into_iter().collect();
    answer::json(StatusCode::OK, &json!({"security_groups": groups}))
}

pub(super) fn interfaces(cloud: &Cloud, id: &str) -> Response<Bytes> {
    let world = cloud.world();
    let Some(server) = world.servers.get(id) else {
        return no_instance(id);
    };
    let (address, mac) = server.address();
    let view = |port_id: &String| -> Value {
        json!({
            "port_id": port_id,
            "net_id": world.network.id,
            "mac_addr": mac,
            "port_state": "ACTIVE",
            "fixed_ips": [{"subnet_id": world.network.subnet_id, "ip_address": address}],
        })
    };
    let views: Vec<_> = server.port_id.as_ref().map(view).into_iter().collect();
    answer::json(StatusCode::OK, &json!({"interfaceAttachments": views}))
}
