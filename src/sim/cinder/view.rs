//! Volumes as Cinder writes them.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sim::cloud::Cloud;
use crate::sim::volume::Volume;
use crate::sim::world::World;

/// The name of the one volume type.
pub(super) const TYPE: &str = "__DEFAULT__";

pub(super) fn brief(cloud: &Cloud, world: &World, volume: &Volume) -> Value {
    json!({"id": volume.id, "name": volume.name, "links": links(cloud, world, &volume.id)})
}

pub(super) fn detail(cloud: &Cloud, world: &World, volume: &Volume, minor: u16) -> Value {
    let attached = volume.attachment().filter(|_| volume.status() != "reserved");
    let attachments: Vec<_> = attached
        .map(|held| {
            json!({
                "id": volume.id,
                "attachment_id": held.id,
                "volume_id": volume.id,
                "server_id": held.server_id,
                "host_name": null,
                "device": held.device,
                "attached_at": time(held.attached),
            })
        })
        .into_iter()
        .collect();
    let mut view = json!({
        "id": volume.id,
        "status": volume.status(),
        "size": volume.size,
        "availability_zone": "nova",
        "created_at": time(volume.created),
        "updated_at": time(volume.updated),
        "name": volume.name,
        "description": volume.description,
        "volume_type": TYPE,
        "snapshot_id": null,
        "source_volid": volume.source,
        "metadata": volume.metadata,
        "links": links(cloud, world, &volume.id),
        "user_id": world.user_id,
        "bootable": if volume.image.is_some() { "true" } else { "false" },
        "encrypted": false,
        "replication_status": null,
        "consistencygroup_id": null,
        "multiattach": false,
        "attachments": attachments,
        "os-vol-tenant-attr:tenant_id": world.project_id,
    });
    let later = [
        (13, "group_id", Value::Null),
        (48, "shared_targets", json!(false)),
        (48, "service_uuid", Value::Null),
        (63, "volume_type_id", json!(world.volume_type_id)),
        (65, "consumes_quota", json!(true)),
    ];
    for (_, name, value) in later.into_iter().filter(|(since, ..)| *since <= minor) {
        view[name] = value;
    }
    add_image(&mut view, volume);
    view
}

/// What is told of the image that a volume was made from.
fn add_image(view: &mut Value, volume: &Volume) {
    if let Some((id, name)) = &volume.image {
        view["volume_image_metadata"] = json!({
            "image_id": id,
            "image_name": name,
            "container_format": "bare",
            "disk_format": "raw",
            "min_disk": "0",
            "min_ram": "0",
        });
    }
}

pub(super) fn volume_type(world: &World) -> Value {
    json!({
        "id": world.volume_type_id,
        "name": TYPE,
        "is_public": true,
        "description": "Default Volume Type",
        "extra_specs": {},
    })
}

fn links(cloud: &Cloud, world: &World, id: &str) -> Value {
    let (base, project) = (&cloud.settings.base_url, &world.project_id);
    json!([
        {"rel": "self", "href": format!("{base}/volume/v3/{project}/volumes/{id}")},
        {"rel": "bookmark", "href": format!("{base}/volume/{project}/volumes/{id}")},
    ])
}

fn time(time: Timestamp) -> String {
    format!("{time:.6}").trim_end_matches('Z').to_owned()
}
