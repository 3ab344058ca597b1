//! What a token's bearer may reach: the catalog, and the one project.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::{error, forbidden, has_token, refused};
use crate::sim::answer;
use crate::sim::cloud::Cloud;
use crate::sim::login::{self, Refusal};
use crate::sim::request::Request;
use crate::sim::world::World;

/// Whether it is one of the addresses answered here.
pub(super) fn knows(path: &[&str]) -> bool {
    matches!(
        path,
        ["auth", "catalog" | "projects"]
            | ["projects"]
            | ["projects", _]
            | ["users", _, "projects"]
    )
}

pub(super) fn answer(cloud: &Cloud, request: &Request, path: &[&str]) -> Response<Bytes> {
    let world = cloud.world();
    if !has_token(&world, request) {
        cloud.counts.unauthorized();
        return refused(cloud, Refusal::Unauthorized);
    }
    let base = &cloud.settings.base_url;
    let links = |path: &str| json!({"next": null, "previous": null, "self": format!("{base}/identity/v3/{path}")});
    match path {
        ["auth", "catalog"] => {
            let body = json!({"catalog": world.catalog, "links": links("auth/catalog")});
            answer::json(StatusCode::OK, &body)
        }
        ["users", user, _] if *user != world.user_id => forbidden("identity:list_user_projects"),
        ["auth" | "users", ..] => {
            let projects = [project(cloud, &world)];
            let body = json!({"projects": projects, "links": links("auth/projects")});
            answer::json(StatusCode::OK, &body)
        }
        ["projects", id] if *id == world.project_id => {
            answer::json(StatusCode::OK, &json!({"project": project(cloud, &world)}))
        }
        ["projects", id] => error(StatusCode::NOT_FOUND, &format!("Could not find project: {id}.")),
        _ => forbidden("identity:list_projects"),
    }
}

fn project(cloud: &Cloud, world: &World) -> Value {
    let id = &world.project_id;
    json!({
        "id": id,
        "name": cloud.settings.project,
        "domain_id": login::DOMAIN_ID,
        "description": "",
        "enabled": true,
        "parent_id": login::DOMAIN_ID,
        "is_domain": false,
        "tags": [],
        "options": {},
        "links": {"self": format!("{}/identity/v3/projects/{id}", cloud.settings.base_url)},
    })
}
