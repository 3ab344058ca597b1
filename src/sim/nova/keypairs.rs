//! Key pairs: `/os-keypairs`.

use bytes::Bytes;
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};

use super::errors::{
    bad_limit, bad_request, conflict, fault, forbidden, not_found, unknown_marker,
};
use super::next_link;
use crate::sim::answer;
use crate::sim::cloud::Cloud;
use crate::sim::keypair::{self, KeyPair};
use crate::sim::microversion::Microversion;
use crate::sim::page::Page;
use crate::sim::request::Request;
use crate::sim::schema::{self, Refusal, invalid, of_type, required};
use crate::sim::world::World;

/// From this version on key pairs have types, and answers the status codes that they should.
const TYPES: Microversion = Microversion(2);
/// From this version on the list comes in pages.
const PAGES: Microversion = Microversion(35);
/// From this version on Nova makes no keys, and takes more names.
const NO_GENERATION: Microversion = Microversion(92);

pub(super) fn list(cloud: &Cloud, request: &Request, version: Microversion) -> Response<Bytes> {
    let world = cloud.world();
    let has_pages = version >= PAGES;
    let page = match Page::asked(request, cloud.settings.page_size) {
        Ok(page) if has_pages => page,
        Err(limit) if has_pages => return bad_limit(&limit),
        Ok(_) | Err(_) => Page { marker: None, limit: usize::MAX },
    };
    let Some(pairs) = page.of(world.keys.iter(), |pair| &pair.name, |_| true) else {
        return unknown_marker(&page);
    };
    let view = |pair: &&KeyPair| {
        let mut view = json!({
            "name": pair.name,
            "public_key": pair.public_key,
            "fingerprint": pair.fingerprint,
        });
        add_type(&mut view, version);
        json!({"keypair": view})
    };
    let views: Vec<_> = pairs.iter().map(view).collect();
    let mut body = json!({"keypairs": views});
    if let Some(last) = pairs.last().filter(|_| page.is_full(pairs.len())) {
        body["keypairs_links"] = json!([next_link(cloud, request, "os-keypairs", &last.name)]);
    }
    answer::json(StatusCode::OK, &body)
}

pub(super) fn show(cloud: &Cloud, version: Microversion, name: &str) -> Response<Bytes> {
    let world = cloud.world();
    let Some(pair) = world.keys.get(name) else {
        return unknown(&world, name);
    };
    let mut view = own_view(&world, pair, version);
    view["id"] = json!(pair.number);
    view["created_at"] = json!(format!("{:.6}", pair.created).trim_end_matches('Z'));
    view["updated_at"] = Value::Null;
    view["deleted"] = json!(false);
    view["deleted_at"] = Value::Null;
    answer::json(StatusCode::OK, &json!({"keypair": view}))
}

pub(super) fn create(cloud: &Cloud, request: &Request, version: Microversion) -> Response<Bytes> {
    let (name, given) = match read(request.body(), version) {
        Ok(order) => order,
        Err(Refusal(message)) => return bad_request(&message),
    };
    let (private_key, public_key) = match given {
        Some(public_key) => (None, public_key),
        None => match keypair::generate() {
            Ok((private_key, public_key)) => (Some(private_key), public_key),
            Err(error) => {
                let status = StatusCode::INTERNAL_SERVER_ERROR;
                return fault("computeFault", status, &error.to_string());
            }
        },
    };
    let Some(fingerprint) = keypair::fingerprint(&public_key) else {
        return bad_request("Keypair data is invalid: failed to generate fingerprint");
    };

    let mut world = cloud.world();
    if world.keys.count() >= keypair::MOST {
        return forbidden("Quota exceeded, too many key pairs.");
    }
    if world.keys.get(&name).is_some() {
        return conflict(&format!("Key pair '{name}' already exists."));
    }
    world.keys.add(&name, &public_key, fingerprint);
    let Some(pair) = world.keys.get(&name) else {
        return unknown(&world, &name);
    };
    let mut view = own_view(&world, pair, version);
    if let Some(private_key) = private_key {
        view["private_key"] = json!(private_key);
    }
    let status = if version < TYPES { StatusCode::OK } else { StatusCode::CREATED };
    answer::json(status, &json!({"keypair": view}))
}

pub(super) fn delete(cloud: &Cloud, version: Microversion, name: &str) -> Response<Bytes> {
    let mut world = cloud.world();
    if !world.keys.remove(name) {
        return unknown(&world, name);
    }
    let status = if version < TYPES { StatusCode::ACCEPTED } else { StatusCode::NO_CONTENT };
    answer::empty(status)
}

/// The name, and the public key if there is one.
fn read(body: &[u8], version: Microversion) -> Result<(String, Option<String>), Refusal> {
    let pair = schema::object(body, "keypair")?;
    let known: &[&str] = match version {
        Microversion(..2) => &["name", "public_key"],
        Microversion(..10) => &["name", "public_key", "type"],
        Microversion(_) => &["name", "public_key", "type", "user_id"],
    };
    if let Some(unknown) = pair.keys().find(|key| !known.contains(&key.as_str())) {
        let why = format!("Additional properties are not allowed ('{unknown}' was unexpected)");
        return Err(invalid("keypair", &Value::Object(pair.clone()), &why));
    }
    let name = checked_name(&pair, version)?;
    match pair.get("type") {
        None => {}
        Some(kind) if kind == "ssh" => {}
        Some(other) => return Err(invalid("type", other, "Only 'ssh' is supported here")),
    }
    match pair.get("public_key") {
        None if version >= NO_GENERATION => {
            Err(invalid("keypair", &Value::Object(pair.clone()), &required("public_key")))
        }
        None => Ok((name, None)),
        Some(Value::String(key)) => Ok((name, Some(key.clone()))),
        Some(other) => Err(invalid("public_key", other, &of_type(other, "string"))),
    }
}

fn checked_name(pair: &Map<String, Value>, version: Microversion) -> Result<String, Refusal> {
    let name = pair
        .get("name")
        .ok_or_else(|| invalid("keypair", &Value::Object(pair.clone()), &required("name")))?;
    let Value::String(text) = name else {
        return Err(invalid("name", name, &of_type(name, "string")));
    };
    let is_allowed = |letter: char| {
        letter.is_ascii_alphanumeric()
            || " _-".contains(letter)
            || (version >= NO_GENERATION && "@.".contains(letter))
    };
    match text.chars().count() {
        0 => Err(invalid("name", name, "'' is too short")),
        256.. => Err(invalid("name", name, &format!("'{text}' is too long"))),
        _ if text.trim() != text || !text.chars().all(is_allowed) => {
            let letters = if version < NO_GENERATION { "" } else { "@." };
            let why = "An invalid 'name' value was provided. The name must be: letters, digits";
            Err(Refusal(format!("{why} and \"{letters} _-\", and no whitespace at its ends.")))
        }
        _ => Ok(text.clone()),
    }
}

fn own_view(world: &World, pair: &KeyPair, version: Microversion) -> Value {
    let mut view = json!({
        "name": pair.name,
        "public_key": pair.public_key,
        "fingerprint": pair.fingerprint,
        "user_id": world.user_id,
    });
    add_type(&mut view, version);
    view
}

fn add_type(view: &mut Value, version: Microversion) {
    if version >= TYPES {
        view["type"] = json!("ssh");
    }
}

fn unknown(world: &World, name: &str) -> Response<Bytes> {
    not_found(&format!("Keypair {name} not found for user {}", world.user_id))
}
