//! What is noted about a server: `/servers/{id}/metadata`.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use serde_json::json;

use super::errors::{bad_request, forbidden, in_the_way, no_instance, not_found};
use crate::sim::answer;
use crate::sim::cloud::Cloud;
use crate::sim::instance::Server;
use crate::sim::request::Request;
use crate::sim::schema::Refusal;
use crate::sim::server_request;

/// As many as Nova allows by default.
const MOST: usize = 128;

pub(super) fn answer(
    cloud: &Cloud,
    request: &Request,
    id: &str,
    key: Option<&str>,
) -> Response<Bytes> {
    let mut world = cloud.world();
    let Some(server) = world.servers.get_mut(id) else {
        return no_instance(id);
    };
    match (request.method().as_str(), key) {
        ("GET", None) => whole(server),
        ("GET", Some(key)) => match server.metadata.get(key) {
            Some(value) => answer::json(StatusCode::OK, &json!({"meta": {key: value}})),
            None => not_found("Metadata item was not found"),
        },
        ("DELETE", Some(key)) => {
            if let Err(reason) = server.check_lock() {
                return in_the_way(id, "delete metadata", &reason);
            }
            match server.metadata.remove(key) {
                Some(_) => answer::empty(StatusCode::NO_CONTENT),
                None => not_found("Metadata item was not found"),
            }
        }
        ("POST", None) | ("PUT", _) => {
            if let Err(reason) = server.check_lock() {
                return in_the_way(id, "update metadata", &reason);
            }
            changed(server, request, key)
        }
        _ => answer::not_found(request),
    }
}

/// `POST` adds to what is there, `PUT` replaces it, and with a key only that.
fn changed(server: &mut Server, request: &Request, key: Option<&str>) -> Response<Bytes> {
    let field = if key.is_none() { "metadata" } else { "meta" };
    let given = match server_request::metadata(request.body(), field) {
        Ok(given) => given,
        Err(Refusal(message)) => return bad_request(&message),
    };
    if key.is_some_and(|key| given.len() != 1 || !given.contains_key(key)) {
        return bad_request("Request body and URI mismatch");
    }
    let replaces_all = request.method() == Method::PUT && key.is_none();
    let mut all = if replaces_all { BTreeMap::new() } else { server.metadata.clone() };
    all.extend(given.clone());
    if all.len() > MOST {
        return forbidden(&format!("Maximum number of metadata items exceeds {MOST}"));
    }
    server.metadata = all;
    match key {
        None => whole(server),
        Some(_) => answer::json(StatusCode::OK, &json!({"meta": given})),
    }
}

fn whole(server: &Server) -> Response<Bytes> {
    answer::json(StatusCode::OK, &json!({"metadata": server.metadata}))
}
