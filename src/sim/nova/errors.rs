//! Refusals as Nova writes them.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::json;

use crate::sim::answer;
use crate::sim::instance::Conflict;
use crate::sim::page::Page;

pub(super) fn fault(kind: &str, status: StatusCode, message: &str) -> Response<Bytes> {
    let body = json!({kind: {"code": status.as_u16(), "message": message}});
    answer::of(status, "application/json; charset=UTF-8", body.to_string().into())
}

pub(super) fn bad_request(message: &str) -> Response<Bytes> {
    fault("badRequest", StatusCode::BAD_REQUEST, message)
}

pub(super) fn not_found(message: &str) -> Response<Bytes> {
    fault("itemNotFound", StatusCode::NOT_FOUND, message)
}

pub(super) fn forbidden(message: &str) -> Response<Bytes> {
    fault("forbidden", StatusCode::FORBIDDEN, message)
}

pub(super) fn conflict(message: &str) -> Response<Bytes> {
    fault("conflictingRequest", StatusCode::CONFLICT, message)
}

pub(super) fn no_instance(id: &str) -> Response<Bytes> {
    not_found(&format!("Instance {id} could not be found."))
}

/// Why `action` cannot be done to a server now.
pub(super) fn in_the_way(id: &str, action: &str, reason: &Conflict) -> Response<Bytes> {
    conflict(&match reason {
        Conflict::Locked => format!("Instance {id} is locked"),
        Conflict::NotReady => format!("Instance {id} is not ready"),
        Conflict::State(attribute, state) => {
            format!("Cannot '{action}' instance {id} while it is in {attribute} {state}")
        }
    })
}

pub(super) fn unknown_marker(page: &Page) -> Response<Bytes> {
    bad_request(&format!("marker [{}] not found", page.marker.as_deref().unwrap_or_default()))
}

pub(super) fn bad_limit(limit: &str) -> Response<Bytes> {
    bad_request(&format!(
        "Invalid input for query parameters limit. Value: {limit}. \
         '{limit}' does not match '^[0-9]*$'"
    ))
}

pub(super) fn over_quota(what: &str, asked: usize, used: usize, allowed: usize) -> Response<Bytes> {
    forbidden(&format!(
        "Quota exceeded for {what}: Requested {asked}, but already used {used} of {allowed} {what}"
    ))
}
