//! What is noted about a server: `/servers/{id}/metadata`.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Response, StatusCode};
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

pub(super) fn answer(cloud: &Cloud, request: &Request, id: &str, key: &[&str]) -> Response<Bytes> {
    let mut world = cloud.world();
    let Some(server) = world.servers.get_mut(id) else {
        return no_instance(id);
    };
    let method = request.method().as_str();
    match (method, key) {
        ("GET", []) => whole(server),
        ("GET", [key]) => match server.metadata.get(*key) {
            Some(value) => answer::json(StatusCode::OK, &json!({"meta": {*key: value}})),
            None => not_found("Metadata item was not found"),
        },
        ("POST" | "PUT" | "DELETE", [] | [_]) => {
            if let Err(reason) = server.check_lock() {
                let action = if method == "DELETE" { "delete metadata" } else { "update metadata" };
                return in_the_way(id, action, &reason);
            }
            changed(server, request, key)
        }
        _ => answer::not_found(request),
    }
}

fn changed(server: &mut Server, request: &Request, key: &[&str]) -> Response<Bytes> {
    let field = if key.is_empty() { "metadata" } else { "meta" };
    if let ("DELETE", [key]) = (request.method().as_str(), key) {
        return match server.metadata.remove(*key) {
            Some(_) => answer::empty(StatusCode::NO_CONTENT),
            None => not_found("Metadata item was not found"),
        };
    }
    let given = match server_request::metadata(request.body(), field) {
        Ok(given) => given,
        Err(Refusal(message)) => return bad_request(&message),
    };
    match (request.method().as_str(), key) {
        ("PUT", []) => set(server, given, BTreeMap::new()),
        ("POST", []) => {
            let kept = server.metadata.clone();
            set(server, given, kept)
        }
        ("PUT", [key]) if given.len() != 1 || !given.contains_key(*key) => {
            bad_request("Request body and URI mismatch")
        }
        ("PUT", [_]) => {
            let kept = server.metadata.clone();
            let answer = answer::json(StatusCode::OK, &json!({"meta": given}));
            let set = set(server, given, kept);
            if set.status() == StatusCode::OK { answer } else { set }
        }
        _ => answer::not_found(request),
    }
}

fn set(
    server: &mut Server,
    given: BTreeMap<String, String>,
    mut kept: BTreeMap<String, String>,
) -> Response<Bytes> {
    kept.extend(given);
    if kept.len() > MOST {
        return forbidden(&format!("Maximum number of metadata items exceeds {MOST}"));
    }
    server.metadata = kept;
    whole(server)
}

fn whole(server: &Server) -> Response<Bytes> {
    answer::json(StatusCode::OK, &json!({"metadata": server.metadata}))
}
