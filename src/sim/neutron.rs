//! Neutron v2.0: the one network there is, its subnet, the ports of the servers, and the security
//! group that every project has. Nothing of it can be changed.

mod view;

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Value, json};

use super::answer;
use super::cloud::Cloud;
use super::keystone::has_token;
use super::page::Page;
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
    let world = cloud.world();
    if !has_token(&world, request) {
        return answer::unauthorized(cloud);
    }
    match (method, path) {
        ("GET", ["v2.0", path]) => match Kind::of(path) {
            Some(kind) => list(cloud, request, kind, (kind.all)(&world)),
            None => unknown_resource(),
        },
        ("GET", ["v2.0", path, id]) => match Kind::of(path) {
            Some(kind) => one(kind, (kind.all)(&world), id),
            None => unknown_resource(),
        },
        _ => unknown_resource(),
    }
}

/// A kind of things: its path, which is also its plural, and how Neutron misses one.
struct Kind {
    path: &'static str,
    all: fn(&World) -> Vec<Value>,
    error: &'static str,
    /// With `{}` for the id.
    message: &'static str,
}

const KINDS: [Kind; 9] = [
    Kind {
        path: "networks",
        all: view::networks,
        error: "NetworkNotFound",
        message: "Network {} could not be found.",
    },
    Kind {
        path: "subnets",
        all: view::subnets,
        error: "SubnetNotFound",
        message: "Subnet {} could not be found.",
    },
    Kind {
        path: "ports",
        all: view::ports,
        error: "PortNotFound",
        message: "Port {} could not be found.",
    },
    Kind {
        path: "security-groups",
        all: view::security_groups,
        error: "SecurityGroupNotFound",
        message: "Security group {} does not exist",
    },
    Kind {
        path: "security-group-rules",
        all: view::security_group_rules,
        error: "SecurityGroupRuleNotFound",
        message: "Security group rule {} does not exist",
    },
    Kind {
        path: "extensions",
        all: view::extensions,
        error: "HTTPNotFound",
        message: "Extension with alias {} does not exist",
    },
    Kind {
        path: "routers",
        all: view::none,
        error: "RouterNotFound",
        message: "Router {} could not be found",
    },
    Kind {
        path: "floatingips",
        all: view::none,
        error: "FloatingIPNotFound",
        message: "Floating IP {} could not be found",
    },
    Kind {
        path: "subnetpools",
        all: view::none,
        error: "SubnetPoolNotFound",
        message: "Subnet pool {} could not be found.",
    },
];

impl Kind {
    /// By its path, which may end in `.json`.
    fn of(path: &str) -> Option<&'static Kind> {
        let path = path.trim_end_matches(".json");
        KINDS.iter().find(|kind| kind.path == path)
    }

    /// What a list has it under.
    fn plural(&self) -> String {
        self.path.replace('-', "_")
    }

    fn singular(&self) -> String {
        self.plural().trim_end_matches('s').to_owned()
    }
}

/// Neutron has pages for those who ask for them only.
fn list(cloud: &Cloud, request: &Request, kind: &Kind, all: Vec<Value>) -> Response<Bytes> {
    let Ok(page) = Page::asked(request, usize::MAX) else {
        let message = "Bad limit request: it has to be a number";
        return error(StatusCode::BAD_REQUEST, "HTTPBadRequest", message);
    };
    let Some(entries) = page.of(all.iter(), id, |entry| is_selected(request, entry)) else {
        let marker = page.marker.unwrap_or_default();
        return not_found(kind, &marker);
    };
    let plural = kind.plural();
    let mut body = json!({plural.as_str(): entries});
    if let Some(last) = entries.last().filter(|_| page.is_full(entries.len())) {
        let (base, path) = (&cloud.settings.base_url, request.path());
        let href = format!("{base}{path}{}", request.query_after(id(last)));
        body[plural + "_links"] = json!([{"rel": "next", "href": href}]);
    }
    answer::json(StatusCode::OK, &body)
}

/// A parameter with the name of a field asks for one of its values; other parameters are not for us.
fn is_selected(request: &Request, entry: &Value) -> bool {
    let Value::Object(fields) = entry else {
        return false;
    };
    fields.iter().all(|(name, value)| {
        let wanted = request.query_all(name);
        let is = |wanted: &String| match value {
            Value::String(text) => text == wanted,
            Value::Bool(is) => is.to_string().eq_ignore_ascii_case(wanted),
            Value::Number(number) => number.to_string() == *wanted,
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        };
        wanted.is_empty() || wanted.iter().any(is)
    })
}

fn one(kind: &Kind, all: Vec<Value>, wanted: &str) -> Response<Bytes> {
    match all.into_iter().find(|entry| id(entry) == wanted) {
        Some(entry) => answer::json(StatusCode::OK, &json!({kind.singular(): entry})),
        None => not_found(kind, wanted),
    }
}

/// Extensions have an alias in its place.
fn id(entry: &Value) -> &str {
    entry.get("id").or_else(|| entry.get("alias")).and_then(Value::as_str).unwrap_or_default()
}

fn not_found(kind: &Kind, id: &str) -> Response<Bytes> {
    error(StatusCode::NOT_FOUND, kind.error, &kind.message.replace("{}", id))
}

fn unknown_resource() -> Response<Bytes> {
    error(StatusCode::NOT_FOUND, "HTTPNotFound", "The resource could not be found.")
}

fn error(status: StatusCode, kind: &str, message: &str) -> Response<Bytes> {
    let body = json!({"NeutronError": {"type": kind, "message": message, "detail": ""}});
    answer::json(status, &body)
}
