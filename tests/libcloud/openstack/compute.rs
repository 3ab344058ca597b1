//! Libcloud's driver of Nova, Glance and Neutron, by API 2.

use std::time::Duration;

use serde_json::{Value, json};
use welkin::openstack::Config;
use welkin::{Driver, Result, Retry, Settings};

use super::asks::ASKS;
use super::differences::DELIBERATE;
use crate::cases::{Answer, Asked};
use crate::table::{Elsewhere, File};

pub(crate) const COMPUTE: File = File {
    path: "compute/test_openstack.jsonl",
    open,
    login: Some(login),
    asks: ASKS,
    not_yet: &[],
    // Each call is given a login of our own.
    beside: &["authenticate"],
    elsewhere: ELSEWHERE,
    classes_elsewhere: &[
        ("OpenStack_1_1_Tests", "of Nova's API 1.1; ours is 2.1"),
        ("OpenStackAuthTests", "how Libcloud chooses a login by its own arguments"),
        ("OpenStack_AuthVersions_Tests", "logins of Keystone before v3, by Libcloud's arguments"),
    ],
    tidy: |request| {
        // The mark of an order, by which it is found when its answer is lost, is a new one each time.
        let metadata = request.body.pointer_mut("/server/metadata").and_then(Value::as_object_mut);
        metadata.map(|metadata| metadata.remove("welkin_order"));
    },
    deliberate: DELIBERATE,
};

fn open(_: &Asked, url: &str) -> Result<Driver> {
    Driver::open_with(Config::password(url, "user", "secret").project("project"), settings())
}

/// What was recorded is answered at once, and once.
pub(super) fn settings() -> Settings {
    Settings::new().no_proxy().retry(Retry::never()).timeout(Duration::from_secs(20))
}

/// A login whose catalog leads to the paths that the call was recorded with.
fn login(asked: &Asked, url: &str) -> Answer {
    let base = |services: &[&str]| {
        let paths = asked.exchanges.iter().map(|exchange| exchange.request.path.as_str());
        let mut found = paths.flat_map(|path| services.iter().filter_map(|s| path.split_once(s)));
        found.next().map_or("", |(base, _)| base).to_owned()
    };
    let services = [
        ("compute", base(&["/servers", "/flavors", "/os-"])),
        ("image", base(&["/images"])),
        ("network", base(&["/networks"])),
    ];
    let catalog = services.map(|(kind, base)| {
        let url = format!("{url}{base}");
        json!({"type": kind, "endpoints": [{"interface": "public", "url": url}]})
    });
    let token = json!({
        "issued_at": "2025-01-01T00:00:00Z",
        "expires_at": "2025-01-01T01:00:00Z",
        "catalog": catalog,
    });
    Answer {
        status: 201,
        headers: vec![("x-subject-token".into(), "token".into())],
        body: json!({"token": token}).to_string().into(),
    }
}

const ELSEWHERE: &[Elsewhere] = &[
    Elsewhere {
        about: "floating addresses",
        methods: &[
            "ex_attach_floating_ip_to_node",
            "ex_create_floating_ip",
            "ex_delete_floating_ip",
            "ex_detach_floating_ip_from_node",
            "ex_get_floating_ip",
            "ex_list_floating_ip_pools",
            "ex_list_floating_ips",
        ],
    },
    Elsewhere {
        about: "images: writing them, and who may see them",
        methods: &[
            "create_image",
            "delete_image",
            "ex_accept_image_member",
            "ex_create_image_member",
            "ex_get_image_member",
            "ex_update_image",
        ],
    },
    Elsewhere {
        about: "networks, subnets, ports and routers",
        methods: &[
            "ex_add_router_port",
            "ex_add_router_subnet",
            "ex_attach_port_interface",
            "ex_create_network",
            "ex_create_port",
            "ex_create_router",
            "ex_create_subnet",
            "ex_del_router_port",
            "ex_del_router_subnet",
            "ex_delete_network",
            "ex_delete_port",
            "ex_delete_router",
            "ex_delete_subnet",
            "ex_detach_port_interface",
            "ex_get_network",
            "ex_get_port",
            "ex_list_ports",
            "ex_list_routers",
            "ex_list_subnets",
            "ex_update_port",
            "ex_update_subnet",
        ],
    },
    Elsewhere {
        about: "nodes: what Nova alone does with them",
        methods: &[
            "ex_confirm_resize",
            "ex_get_console_output",
            "ex_get_metadata",
            "ex_get_metadata_for_node",
            "ex_pause_node",
            "ex_rebuild",
            "ex_rescue",
            "ex_resize",
            "ex_resume_node",
            "ex_revert_resize",
            "ex_save_image",
            "ex_set_metadata",
            "ex_set_password",
            "ex_set_server_name",
            "ex_suspend_node",
            "ex_unpause_node",
            "ex_unrescue",
            "ex_update_node",
        ],
    },
    Elsewhere {
        about: "quotas",
        methods: &["ex_get_network_quotas", "ex_get_quota_set", "ex_get_volume_quotas"],
    },
    Elsewhere { about: "reservations (Blazar)", methods: &["ex_list_hosts", "ex_list_leases"] },
    Elsewhere {
        about: "security groups",
        methods: &[
            "ex_add_security_group_to_node",
            "ex_create_security_group",
            "ex_create_security_group_rule",
            "ex_delete_security_group",
            "ex_delete_security_group_rule",
            "ex_get_node_security_groups",
            "ex_list_security_groups",
            "ex_remove_security_group_from_node",
        ],
    },
    Elsewhere {
        about: "server groups",
        methods: &[
            "ex_add_server_group",
            "ex_del_server_group",
            "ex_get_server_group",
            "ex_list_server_groups",
        ],
    },
    Elsewhere {
        about: "sizes: one by its id, and what only Nova knows of it",
        methods: &["ex_get_size", "ex_get_size_extra_specs"],
    },
    Elsewhere {
        about: "volumes and their snapshots",
        methods: &[
            "attach_volume",
            "create_volume",
            "create_volume_snapshot",
            "destroy_volume",
            "destroy_volume_snapshot",
            "detach_volume",
            "ex_create_snapshot",
            "ex_delete_snapshot",
            "ex_get_snapshot",
            "ex_get_volume",
            "ex_list_snapshots",
            "list_volume_snapshots",
            "list_volumes",
        ],
    },
];
