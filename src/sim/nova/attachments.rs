//! The volumes of a server: `/servers/{id}/os-volume_attachments`.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::errors::{bad_request, forbidden, in_the_way, no_instance, not_found};
use crate::sim::answer;
use crate::sim::cloud::Cloud;
use crate::sim::disk;
use crate::sim::instance::{Conflict, State};
use crate::sim::microversion::Microversion;
use crate::sim::request::Request;
use crate::sim::schema::{self, Refusal, invalid, of_type, required};
use crate::sim::volume::{Attachment, Volume};
use crate::sim::world::World;

pub(super) fn answer(
    cloud: &Cloud,
    request: &Request,
    version: Microversion,
    server_id: &str,
    volume_id: &[&str],
) -> Response<Bytes> {
    let mut world = cloud.world();
    if world.servers.get(server_id).is_none() {
        return no_instance(server_id);
    }
    let takes = cloud.pace.lock().volume_time;
    match (request.method().as_str(), volume_id) {
        ("GET", []) => {
            let views: Vec<_> = world
                .volumes
                .of_server(server_id)
                .map(|(volume, held)| view(volume, held, version))
                .collect();
            answer::json(StatusCode::OK, &json!({"volumeAttachments": views}))
        }
        ("GET", [id]) => match world.volumes.of_server(server_id).find(|(v, _)| v.id == *id) {
            Some((volume, held)) => {
                let body = json!({"volumeAttachment": view(volume, held, version)});
                answer::json(StatusCode::OK, &body)
            }
            None => not_found(&format!("Instance {server_id} is not attached to volume {id}")),
        },
        ("POST", []) => {
            let order = match read(request.body(), version) {
                Ok(order) => order,
                Err(Refusal(message)) => return bad_request(&message),
            };
            if let Err(reason) = may_change(&world, server_id) {
                return in_the_way(server_id, "attach_volume", &reason);
            }
            let id = world.uuid();
            let device = order.device.unwrap_or_else(|| disk::next_device(&world, server_id));
            let Some(volume) = world.volumes.get_mut(&order.volume_id) else {
                return not_found(&format!("Volume {} could not be found.", order.volume_id));
            };
            if let Err(Refusal(message)) = disk::check_free(volume) {
                return bad_request(&message);
            }
            let mut held = Attachment::new(id, server_id, device, takes);
            held.goes_with_server = order.goes_with_server;
            let view = view(volume, &held, version);
            volume.attach(held);
            answer::json(StatusCode::OK, &json!({"volumeAttachment": view}))
        }
        ("DELETE", [id]) => detach(&mut world, server_id, id, takes),
        _ => answer::not_found(request),
    }
}

fn detach(world: &mut World, server_id: &str, id: &str, takes: Duration) -> Response<Bytes> {
    if world.volumes.get(id).is_none() {
        return not_found(&format!("Volume {id} could not be found."));
    }
    let device = world
        .volumes
        .of_server(server_id)
        .find(|(volume, _)| volume.id == id)
        .map(|(_, held)| held.device.clone());
    let Some(device) = device else {
        return not_found(&format!("No volume Block Device Mapping with id {id}."));
    };
    let from_volume = world.servers.get(server_id).is_some_and(|server| server.image_id.is_none());
    if from_volume && device == disk::ROOT {
        return forbidden("Cannot detach a root device volume");
    }
    if let Err(reason) = may_change(world, server_id) {
        return in_the_way(server_id, "detach_volume", &reason);
    }
    if let Some(volume) = world.volumes.get_mut(id) {
        if volume.status() != "in-use" {
            return bad_request(
                "Invalid volume: Invalid input received: Invalid volume: Unable to detach volume. \
                 Volume status must be 'in-use' and attach_status must be 'attached' to detach.",
            );
        }
        volume.detach(takes);
    }
    world.settle();
    answer::empty(StatusCode::ACCEPTED)
}

/// Servers that run or are stopped can be given volumes.
fn may_change(world: &World, server_id: &str) -> Result<(), Conflict> {
    let Some(server) = world.servers.get(server_id) else {
        return Err(Conflict::NotReady);
    };
    server.check_lock()?;
    let State { vm_state, task_state, .. } = server.state();
    match (vm_state, task_state) {
        ("active" | "stopped", None) => Ok(()),
        ("active" | "stopped", Some(task)) => Err(Conflict::State("task_state", task)),
        (state, _) => Err(Conflict::State("vm_state", state)),
    }
}

struct Order {
    volume_id: String,
    device: Option<String>,
    goes_with_server: bool,
}

fn read(body: &[u8], Microversion(minor): Microversion) -> Result<Order, Refusal> {
    let order = schema::object(body, "volumeAttachment")?;
    let volume_id = match order.get("volumeId") {
        None => {
            let whole = Value::Object(order.clone());
            return Err(invalid("volumeAttachment", &whole, &required("volumeId")));
        }
        Some(Value::String(id)) if schema::is_uuid(id) => id.clone(),
        Some(other) => {
            let why = format!("{} is not a 'uuid'", schema::python(other));
            return Err(invalid("volumeId", other, &why));
        }
    };
    let device = match order.get("device") {
        None | Some(Value::Null) => None,
        Some(Value::String(device)) if device == "auto" || device.is_empty() => None,
        Some(Value::String(device)) if device.starts_with("/dev/") => Some(device.clone()),
        Some(other) => {
            return Err(invalid("device", other, &of_type(other, "string', 'null")));
        }
    };
    let goes = order.get("delete_on_termination").and_then(Value::as_bool).unwrap_or(false);
    Ok(Order { volume_id, device, goes_with_server: goes && minor >= 79 })
}

fn view(volume: &Volume, held: &Attachment, Microversion(minor): Microversion) -> Value {
    let mut view = json!({
        "serverId": held.server_id,
        "volumeId": volume.id,
        "device": held.device,
    });
    if minor >= 70 {
        view["tag"] = Value::Null;
    }
    if minor >= 79 {
        view["delete_on_termination"] = json!(held.goes_with_server);
    }
    if minor >= 89 {
        view["attachment_id"] = json!(held.id);
        view["bdm_uuid"] = json!(held.id);
    } else {
        view["id"] = json!(volume.id);
    }
    view
}
