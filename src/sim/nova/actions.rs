//! What is done to servers: `POST /servers/{id}/action`.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::Value;

use super::errors::{bad_request, in_the_way, no_instance};
use crate::sim::answer;
use crate::sim::cloud::Cloud;
use crate::sim::instance::{Lock, Task};
use crate::sim::microversion::Microversion;
use crate::sim::request::Request;
use crate::sim::schema::{self, Refusal, invalid};

/// From this version on a lock may have a reason.
const REASONS: Microversion = Microversion(73);

pub(super) fn answer(
    cloud: &Cloud,
    request: &Request,
    version: Microversion,
    id: &str,
) -> Response<Bytes> {
    let (name, argument) = match action(request.body()) {
        Ok(action) => action,
        Err(Refusal(message)) => return bad_request(&message),
    };
    match name.as_str() {
        "reboot" => match reboot_kind(&argument) {
            Ok(task) => begin(cloud, id, "reboot", task),
            Err(Refusal(message)) => bad_request(&message),
        },
        "os-stop" => begin(cloud, id, "stop", Task::Stop),
        "os-start" => begin(cloud, id, "start", Task::Start),
        "lock" => match lock(&argument, version) {
            Ok(lock) => set_lock(cloud, id, Some(lock)),
            Err(Refusal(message)) => bad_request(&message),
        },
        "unlock" => set_lock(cloud, id, None),
        other => bad_request(&format!("There is no such action: {other}")),
    }
}

/// The action's name, and what it is told.
fn action(body: &[u8]) -> Result<(String, Value), Refusal> {
    let mut actions = schema::parsed(body)?.into_iter();
    match (actions.next(), actions.next()) {
        (Some(action), None) => Ok(action),
        _ => Err(Refusal("Malformed request body".into())),
    }
}

fn reboot_kind(argument: &Value) -> Result<Task, Refusal> {
    let Value::Object(argument) = argument else {
        return Err(invalid("reboot", argument, &schema::of_type(argument, "object")));
    };
    let kind = argument.get("type").ok_or_else(|| {
        invalid("reboot", &Value::Object(argument.clone()), &schema::required("type"))
    })?;
    match kind.as_str().map(str::to_ascii_uppercase).as_deref() {
        Some("SOFT") => Ok(Task::Reboot),
        Some("HARD") => Ok(Task::HardReboot),
        _ => {
            let kinds = "['HARD', 'Hard', 'hard', 'SOFT', 'Soft', 'soft']";
            Err(invalid("type", kind, &format!("{} is not one of {kinds}", schema::python(kind))))
        }
    }
}

fn begin(cloud: &Cloud, id: &str, action: &str, task: Task) -> Response<Bytes> {
    let takes = cloud.pace.lock().action_time;
    match cloud.world().servers.get_mut(id).map(|server| server.begin(task, takes)) {
        Some(Ok(())) => answer::empty(StatusCode::ACCEPTED),
        Some(Err(reason)) => in_the_way(id, action, &reason),
        None => no_instance(id),
    }
}

fn lock(argument: &Value, version: Microversion) -> Result<Lock, Refusal> {
    let reason = argument.get("locked_reason").filter(|_| version >= REASONS);
    match reason {
        None => Ok(Lock { reason: None }),
        Some(Value::String(reason)) if (1..=255).contains(&reason.chars().count()) => {
            Ok(Lock { reason: Some(reason.clone()) })
        }
        Some(other) => {
            Err(invalid("locked_reason", other, "Between 1 and 255 characters are allowed"))
        }
    }
}

fn set_lock(cloud: &Cloud, id: &str, lock: Option<Lock>) -> Response<Bytes> {
    match cloud.world().servers.get_mut(id) {
        Some(server) => {
            server.lock = lock;
            answer::empty(StatusCode::ACCEPTED)
        }
        None => no_instance(id),
    }
}
