//! What is ours for each method of Libcloud's driver of Nova, Glance and Neutron.

use serde::Serialize;
use serde_json::Value;
use welkin::openstack::OpenStack;
use welkin::{Driver, NewNode, Reboot, Result};

use crate::cases::Asked;
use crate::table::Ask;

pub(super) const ASKS: &[Ask] = &[
    Ask {
        method: "create_node",
        takes: &[
            "name",
            "image",
            "size",
            "ex_availability_zone",
            "ex_keyname",
            "ex_metadata",
            "ex_userdata",
            "networks",
        ],
        // Booting from a volume that there is comes with the volumes.
        will_take: &["ex_blockdevicemappings", "ex_security_groups", "location"],
        call: create_node,
        fields: NODE,
    },
    on_node("destroy_node", destroy),
    Ask {
        method: "ex_get_node_details",
        takes: &["node_id"],
        will_take: &[],
        call: |driver, asked| {
            let node = asked.id(0, "node_id").unwrap_or_default();
            value(driver.compute()?.get_node(node).wait()?)
        },
        fields: NODE,
    },
    Ask {
        method: "ex_list_networks",
        takes: &[],
        will_take: &[],
        call: |driver, _| {
            let native = driver.native::<OpenStack>()?;
            value(driver.send(native.list_networks()).wait()?)
        },
        fields: &[("id", "/id"), ("name", "/name")],
    },
    Ask {
        method: "list_images",
        takes: &[],
        will_take: &[],
        call: |driver, _| value(driver.compute()?.list_images().wait()?),
        fields: IMAGE,
    },
    Ask {
        method: "list_nodes",
        takes: &[],
        will_take: &[],
        call: |driver, _| value(driver.compute()?.list_nodes().wait()?),
        fields: NODE,
    },
    Ask {
        method: "list_sizes",
        takes: &[],
        will_take: &[],
        call: |driver, _| value(driver.compute()?.list_sizes().wait()?),
        fields: &[
            ("id", "/id"),
            ("name", "/name"),
            ("ram_mb", "/ram"),
            ("disk_gb", "/disk"),
            ("vcpus", "/vcpus"),
        ],
    },
    Ask {
        method: "create_key_pair",
        takes: &["name"],
        will_take: &[],
        call: |driver, asked| {
            let name = asked.id(0, "name").unwrap_or_default();
            value(driver.compute()?.create_key_pair(name).wait()?)
        },
        fields: KEY_PAIR,
    },
    Ask {
        method: "delete_key_pair",
        takes: &["key_pair"],
        will_take: &[],
        call: |driver, asked| {
            let pair = asked.kwargs.get("key_pair").or(asked.args.first());
            let name = pair.and_then(|pair| pair["name"].as_str()).unwrap_or_default();
            value(driver.compute()?.delete_key_pair(name).wait()?)
        },
        fields: &[],
    },
    on_node("ex_hard_reboot_node", reboot),
    on_node("ex_start_node", start),
    on_node("ex_stop_node", stop),
    Ask {
        method: "get_image",
        takes: &["image_id"],
        will_take: &[],
        call: |driver, asked| {
            let image = asked.id(0, "image_id").unwrap_or_default();
            value(driver.compute()?.get_image(image).wait()?)
        },
        fields: IMAGE,
    },
    Ask {
        method: "get_key_pair",
        takes: &["name"],
        will_take: &[],
        call: |driver, asked| {
            let name = asked.id(0, "name").unwrap_or_default();
            value(driver.compute()?.get_key_pair(name).wait()?)
        },
        fields: KEY_PAIR,
    },
    Ask {
        method: "import_key_pair_from_file",
        takes: &["name", "key_file_path"],
        will_take: &[],
        call: import_from_file,
        fields: KEY_PAIR,
    },
    Ask {
        method: "import_key_pair_from_string",
        takes: &["name", "key_material"],
        will_take: &[],
        call: |driver, asked| {
            let name = asked.id(0, "name").unwrap_or_default();
            let key = asked.id(1, "key_material").unwrap_or_default();
            value(driver.compute()?.import_key_pair(name, key).wait()?)
        },
        fields: KEY_PAIR,
    },
    Ask {
        method: "list_key_pairs",
        takes: &[],
        will_take: &[],
        call: |driver, _| value(driver.compute()?.list_key_pairs().wait()?),
        fields: KEY_PAIR,
    },
    Ask {
        method: "list_locations",
        takes: &[],
        will_take: &[],
        call: |driver, _| value(driver.compute()?.list_locations().wait()?),
        fields: &[("name", "/name")],
    },
    // Libcloud's one way to restart a node of Nova is the hard one.
    on_node("reboot_node", reboot),
    on_node("start_node", start),
    on_node("stop_node", stop),
];

const IMAGE: &[(&str, &str)] = &[
    ("id", "/id"),
    ("name", "/name"),
    ("state", "/extra/status"),
    ("min_disk_gb", "/extra/minDisk"),
    ("min_ram_mb", "/extra/minRam"),
    ("created_at", "/extra/created"),
];

const KEY_PAIR: &[(&str, &str)] =
    &[("name", "/name"), ("fingerprint", "/fingerprint"), ("public_key", "/public_key")];

const NODE: &[(&str, &str)] = &[
    ("id", "/id"),
    ("name", "/name"),
    ("state", "/state"),
    ("public_ips", "/public_ips"),
    ("private_ips", "/private_ips"),
    ("size", "/extra/flavorId"),
    ("image", "/extra/imageId"),
    ("location", "/extra/availability_zone"),
    ("key_pair", "/extra/key_name"),
    ("created_at", "/created_at"),
    ("metadata", "/extra/metadata"),
    ("fault", "/extra/fault/message"),
];

fn create_node(driver: &Driver, asked: &Asked) -> Result<Value> {
    let text = |at, name| asked.id(at, name).unwrap_or_default();
    let mut new = NewNode::named(text(0, "name")).size(text(1, "size")).image(text(2, "image"));
    let metadata = asked.kwargs.get("ex_metadata").and_then(Value::as_object);
    for (key, item) in metadata.into_iter().flatten() {
        new = new.metadata(key, item.as_str().unwrap_or_default());
    }
    let networks = asked.kwargs.get("networks").and_then(Value::as_array);
    for network in networks.into_iter().flatten() {
        new = new.network(network["id"].as_str().unwrap_or_default());
    }
    if let Some(key_pair) = asked.kwargs.get("ex_keyname").and_then(Value::as_str) {
        new = new.key_pair(key_pair);
    }
    if let Some(data) = asked.kwargs.get("ex_userdata").and_then(Value::as_str) {
        new = new.user_data(data);
    }
    if let Some(zone) = asked.kwargs.get("ex_availability_zone").and_then(Value::as_str) {
        new = new.location(zone);
    }
    value(driver.compute()?.create_node(&new).wait()?)
}

/// A row of what is told to a node and returns nothing.
const fn on_node(method: &'static str, call: fn(&Driver, &Asked) -> Result<Value>) -> Ask {
    Ask { method, takes: &["node"], will_take: &[], call, fields: &[] }
}

fn node(asked: &Asked) -> &str {
    asked.id(0, "node").unwrap_or_default()
}

fn destroy(driver: &Driver, asked: &Asked) -> Result<Value> {
    value(driver.compute()?.destroy_node(node(asked)).wait()?)
}

fn reboot(driver: &Driver, asked: &Asked) -> Result<Value> {
    value(driver.compute()?.reboot_node(node(asked), Reboot::Hard).wait()?)
}

fn start(driver: &Driver, asked: &Asked) -> Result<Value> {
    value(driver.compute()?.start_node(node(asked)).wait()?)
}

fn stop(driver: &Driver, asked: &Asked) -> Result<Value> {
    value(driver.compute()?.stop_node(node(asked)).wait()?)
}

/// The file that was recorded is not here; what was read of it was sent.
fn import_from_file(driver: &Driver, asked: &Asked) -> Result<Value> {
    let sent = asked.exchanges.first().map(|exchange| &exchange.request.body);
    let key = sent.and_then(|body| body["keypair"]["public_key"].as_str()).unwrap_or_default();
    let file = std::env::temp_dir().join(format!("welkin-replay-{}.pub", std::process::id()));
    std::fs::write(&file, key).expect("a file");
    let name = asked.id(0, "name").unwrap_or_default();
    let pair = driver.compute()?.import_key_pair_from_file(name, &file).wait();
    std::fs::remove_file(&file).expect("it was written");
    value(pair?)
}

fn value(result: impl Serialize) -> Result<Value> {
    Ok(serde_json::to_value(result).expect("JSON"))
}
