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
            Some(kind) => list(cloud, request, &kind, kind.all(&world)),
            None => unknown_resource(),
        },
        ("GET", ["v2.0", path, id]) => match Kind::of(path) {
            Some(kind) => one(&kind, kind.all(&world), id),
            None => unknown_resource(),
        },
        _ => unknown_resource(),
    }
}

/// A kind of things, and how its address, its lists and its errors name it.
struct Kind {
    path: &'static str,
    many: &'static str,
    one: &'static str,
    title: &'static str,
    all: fn(&World) -> Vec<Value>,
}

const KINDS: [Kind; 9] = [
    Kind::new("networks", "networks", "network", "Network", view::networks),
    Kind::new("subnets", "subnets", "subnet", "Subnet", view::subnets),
    Kind::new("ports", "ports", "port", "Port", view::ports),
    Kind::new(
        "security-groups",
        "security_groups",
        "security_group",
        "SecurityGroup",
        view::security_groups,
    ),
    Kind::new(
        "security-group-rules",
        "security_group_rules",
        "security_group_rule",
        "SecurityGroupRule",
        view::security_group_rules,
    ),
    Kind::new("extensions", "extensions", "extension", "Extension", view::extensions),
    Kind::new("routers", "routers", "router", "Router", view::none),
    Kind::new("floatingips", "floatingips", "floatingip", "FloatingIP", view::none),
    Kind::new("subnetpools", "subnetpools", "subnetpool", "SubnetPool", view::none),
];

impl Kind {
    const fn new(
        path: &'static str,
        many: &'static str,
        one: &'static str,
        title: &'static str,
        all: fn(&World) -> Vec<Value>,
    ) -> Kind {
        Kind { path, many, one, title, all }
    }

    /// By its path, which may end in `.json`.
    fn of(path: &str) -> Option<Kind> {
        let path = path.trim_end_matches(".json");
        KINDS.into_iter().find(|kind| kind.path == path)
    }

    fn all(&self, world: &World) -> Vec<Value> {
        (self.all)(world)
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
    let mut body = json!({kind.many: entries});
    if let Some(last) = entries.last().filter(|_| page.is_full(entries.len())) {
        let (base, path) = (&cloud.settings.base_url, request.path());
        let href = format!("{base}{path}{}", request.query_after(id(last)));
        body[format!("{}_links", kind.many)] = json!([{"rel": "next", "href": href}]);
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
        Some(entry) => answer::json(StatusCode::OK, &json!({kind.one: entry})),
        None => not_found(kind, wanted),
    }
}

/// Extensions have an alias in its place.
fn id(entry: &Value) -> &str {
    entry.get("id").or_else(|| entry.get("alias")).and_then(Value::as_str).unwrap_or_default()
}

fn not_found(kind: &Kind, id: &str) -> Response<Bytes> {
    let (title, what) = (kind.title, kind.one.replace('_', " "));
    let mut what = what;
    if let Some(first) = what.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let message = match title {
        "SecurityGroup" => format!("Security group {id} does not exist"),
        "SecurityGroupRule" => format!("Security group rule {id} does not exist"),
        _ => format!("{what} {id} could not be found."),
    };
    error(StatusCode::NOT_FOUND, &format!("{title}NotFound"), &message)
}

fn unknown_resource() -> Response<Bytes> {
    error(StatusCode::NOT_FOUND, "HTTPNotFound", "The resource could not be found.")
}

fn error(status: StatusCode, kind: &str, message: &str) -> Response<Bytes> {
    let body = json!({"NeutronError": {"type": kind, "message": message, "detail": ""}});
    answer::json(status, &body)
}
