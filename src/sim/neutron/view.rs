//! What the network consists of, as Neutron writes it.

use serde_json::{Value, json};

use crate::sim::instance::Server;
use crate::sim::world::{SecurityGroup, World};

/// Services that other clouds have.
pub(super) fn none(_world: &World) -> Vec<Value> {
    Vec::new()
}

pub(super) fn networks(world: &World) -> Vec<Value> {
    let born = format!("{:.0}", world.born);
    vec![json!({
        "id": world.network.id,
        "name": world.network.name,
        "tenant_id": world.admin_project_id,
        "admin_state_up": true,
        "mtu": 1450,
        "status": "ACTIVE",
        "subnets": [world.network.subnet_id],
        "shared": true,
        "availability_zone_hints": [],
        "availability_zones": [],
        "ipv4_address_scope": null,
        "ipv6_address_scope": null,
        "router:external": false,
        "description": "",
        "port_security_enabled": true,
        "tags": [],
        "created_at": born,
        "updated_at": born,
        "revision_number": 2,
        "project_id": world.admin_project_id,
    })]
}

pub(super) fn subnets(world: &World) -> Vec<Value> {
    let born = format!("{:.0}", world.born);
    vec![json!({
        "id": world.network.subnet_id,
        "name": "shared-subnet",
        "tenant_id": world.admin_project_id,
        "network_id": world.network.id,
        "ip_version": 4,
        "subnetpool_id": null,
        "enable_dhcp": false,
        "ipv6_ra_mode": null,
        "ipv6_address_mode": null,
        "gateway_ip": "10.10.0.1",
        "cidr": "10.10.0.0/16",
        "allocation_pools": [{"start": "10.10.0.2", "end": "10.10.255.254"}],
        "host_routes": [],
        "dns_nameservers": [],
        "description": "",
        "service_types": [],
        "tags": [],
        "created_at": born,
        "updated_at": born,
        "revision_number": 0,
        "project_id": world.admin_project_id,
    })]
}

/// One for each server that has a network.
pub(super) fn ports(world: &World) -> Vec<Value> {
    let ports =
        world.servers.newest().filter_map(|server| Some((server, server.port_id.as_ref()?)));
    ports.map(|(server, id)| port(world, server, id)).collect()
}

fn port(world: &World, server: &Server, id: &str) -> Value {
    let (address, mac) = server.address();
    let made = format!("{:.0}", server.created);
    json!({
        "id": id,
        "name": "",
        "network_id": world.network.id,
        "tenant_id": world.project_id,
        "mac_address": mac,
        "admin_state_up": true,
        "status": if server.state().vm_state == "active" { "ACTIVE" } else { "DOWN" },
        "device_id": server.id,
        "device_owner": "compute:nova",
        "fixed_ips": [{"subnet_id": world.network.subnet_id, "ip_address": address}],
        "allowed_address_pairs": [],
        "extra_dhcp_opts": [],
        "security_groups": [world.security_group.id],
        "description": "",
        "binding:vnic_type": "normal",
        "port_security_enabled": true,
        "tags": [],
        "created_at": made,
        "updated_at": made,
        "revision_number": 2,
        "project_id": world.project_id,
    })
}

pub(super) fn security_groups(world: &World) -> Vec<Value> {
    let born = format!("{:.0}", world.born);
    vec![json!({
        "id": world.security_group.id,
        "name": SecurityGroup::NAME,
        "stateful": true,
        "tenant_id": world.project_id,
        "description": "Default security group",
        "shared": false,
        "security_group_rules": security_group_rules(world),
        "tags": [],
        "created_at": born,
        "updated_at": born,
        "revision_number": 1,
        "project_id": world.project_id,
    })]
}

/// All may go out, and come in from the group itself.
pub(super) fn security_group_rules(world: &World) -> Vec<Value> {
    let born = format!("{:.0}", world.born);
    let kinds = [("egress", "IPv4"), ("egress", "IPv6"), ("ingress", "IPv4"), ("ingress", "IPv6")];
    let rule = |(id, (direction, family)): (&String, (&str, &str))| {
        json!({
            "id": id,
            "tenant_id": world.project_id,
            "security_group_id": world.security_group.id,
            "ethertype": family,
            "direction": direction,
            "protocol": null,
            "port_range_min": null,
            "port_range_max": null,
            "remote_ip_prefix": null,
            "remote_address_group_id": null,
            "normalized_cidr": null,
            "remote_group_id":
                if direction == "ingress" { json!(world.security_group.id) } else { Value::Null },
            "standard_attr_id": 1,
            "description": null,
            "tags": [],
            "created_at": born,
            "updated_at": born,
            "revision_number": 0,
            "project_id": world.project_id,
        })
    };
    world.security_group.rule_ids.iter().zip(kinds).map(rule).collect()
}

/// What clients look for before they ask for fields of it.
pub(super) fn extensions(_world: &World) -> Vec<Value> {
    let extension = |alias: &str| {
        json!({
            "alias": alias,
            "name": alias,
            "description": "",
            "updated": "2013-01-01T10:00:00-00:00",
            "links": [],
        })
    };
    ["external-net", "pagination", "port-security", "security-group"].map(extension).into()
}
