//! Neutron v2.0: the one network there is.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::answer;
use super::cloud::Cloud;
use super::keystone::has_token;
use super::request::Request;
use super::world::World;

pub(super) fn answer(cloud: &Cloud, request: &Request, path: &[&str]) -> Response<Bytes> {
    let method = request.method().as_str();
    if let ("GET", []) = (method, path) {
        let href = format!("{}/networking/v2.0/", cloud.settings.base_url);
        let version =
            json!({"id": "v2.0", "status": "CURRENT", "links": [{"rel": "self", "href": href}]});
        return answer::json(StatusCode::OK, &json!({"versions": [version]}));
    }
    let world = cloud.world.lock();
    if !has_token(&world, request) {
        return answer::unauthorized(cloud);
    }
    match (method, path) {
        ("GET", ["v2.0", "networks"]) => networks(&world, request),
        ("GET", ["v2.0", "networks", id]) if *id == world.network.id => {
            answer::json(StatusCode::OK, &json!({"network": document(&world)}))
        }
        ("GET", ["v2.0", "networks", id]) => {
            not_found("NetworkNotFound", &format!("Network {id} could not be found."))
        }
        _ => not_found("HTTPNotFound", "The resource could not be found."),
    }
}

fn networks(world: &World, request: &Request) -> Response<Bytes> {
    let is_selected = request.query("name").is_none_or(|name| name == world.network.name)
        && request.query("id").is_none_or(|id| id == world.network.id);
    let networks: Vec<_> = is_selected.then(|| document(world)).into_iter().collect();
    answer::json(StatusCode::OK, &json!({"networks": networks}))
}

fn document(world: &World) -> Value {
    let born = format!("{:.0}", world.born);
    json!({
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
    })
}

fn not_found(kind: &str, message: &str) -> Response<Bytes> {
    let body = json!({"NeutronError": {"type": kind, "message": message, "detail": ""}});
    answer::json(StatusCode::NOT_FOUND, &body)
}
