//! Reading the body of `POST /servers`.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};

use super::disk::{self, Disk};
use super::flavor;
use super::instance::Server;
use super::microversion::Microversion;
use super::schema::{Refusal, invalid, is_uuid, no_schema, object, of_type, python, required};
use super::world::{SecurityGroup, World};

const PROPERTIES: [&str; 24] = [
    "OS-DCF:diskConfig",
    "accessIPv4",
    "accessIPv6",
    "adminPass",
    "availability_zone",
    "block_device_mapping_v2",
    "config_drive",
    "description",
    "flavorRef",
    "host",
    "hostname",
    "hypervisor_hostname",
    "imageRef",
    "key_name",
    "max_count",
    "metadata",
    "min_count",
    "name",
    "networks",
    "personality",
    "return_reservation_id",
    "security_groups",
    "tags",
    "user_data",
];

/// The most characters of user data, before they are decoded.
const USER_DATA_LIMIT: usize = 65_535;
/// From this version on a caller must say which networks it wants, and may say `auto` or `none`.
const NETWORKS_REQUIRED: Microversion = Microversion(37);
/// From this version on a server's description is its own, before it was its name.
const OWN_DESCRIPTION: Microversion = Microversion(19);

/// A server to create, and the volumes that it shall have.
pub(super) struct Order {
    pub(super) server: Server,
    pub(super) disks: Vec<Disk>,
}

/// The server to create. The order of the checks and their texts are Nova's.
pub(super) fn read(body: &[u8], version: Microversion, world: &World) -> Result<Order, Refusal> {
    let server = &object(body, "server")?;
    check_properties(server, version)?;
    let name = checked_name(&server["name"])?;
    let image = checked_image_form(server.get("imageRef"))?;
    let flavor_id = match &server["flavorRef"] {
        Value::String(id) => id.clone(),
        Value::Number(id) => id.to_string(),
        other => {
            let kinds = format!("{} is not of type 'string', 'integer'", python(other));
            return Err(invalid("flavorRef", other, &kinds));
        }
    };
    let metadata = checked_metadata(server.get("metadata"))?;
    let key_name = checked_text(server, "key_name")?;
    let description = checked_text(server, "description")?;
    check_user_data(server)?;
    check_counts(server)?;
    check_security_groups(server.get("security_groups"), world)?;
    let has_network = checked_networks(server.get("networks"), version, world)?;

    let flavor = flavor::find(&flavor_id)
        .ok_or_else(|| Refusal(format!("Flavor {flavor_id} could not be found.")))?;
    if let Some(name) = &key_name
        && world.keys.get(name).is_none()
    {
        return Err(Refusal("Invalid key_name provided.".into()));
    }
    if let Some(zone) = checked_text(server, "availability_zone")?
        && zone != "nova"
    {
        return Err(Refusal("The requested availability zone is not available".into()));
    }
    let disks = disk::read(server, image, world)?;
    let boots_from_volume = image.is_none() && !disks.is_empty();
    match image.map(|id| world.images.iter().find(|image| image.id == id).ok_or(id)) {
        None if !boots_from_volume => return Err(Refusal("Missing imageRef attribute".into())),
        Some(Err(_)) => return Err(Refusal("Can not find requested image".into())),
        Some(Ok(image)) if !image.is_active => {
            return Err(Refusal(format!("Image {} is not active.", image.id)));
        }
        None | Some(Ok(_)) => {}
    }

    let default_description = (version < OWN_DESCRIPTION).then(|| name.clone());
    let mut new = Server::new(name, flavor);
    new.image_id = image.map(str::to_owned);
    new.metadata = metadata;
    new.key_name = key_name;
    new.description = description.or(default_description);
    new.has_network = has_network;
    Ok(Order { server: new, disks })
}

/// The metadata in the field `name` of a body of its own.
pub(super) fn metadata(body: &[u8], name: &str) -> Result<BTreeMap<String, String>, Refusal> {
    checked_metadata(Some(&Value::Object(object(body, name)?)))
}

fn check_properties(server: &Map<String, Value>, version: Microversion) -> Result<(), Refusal> {
    let whole = || Value::Object(server.clone());
    let needs_networks = version >= NETWORKS_REQUIRED;
    let needed = ["name", "flavorRef", "networks"];
    for property in &needed[..if needs_networks { 3 } else { 2 }] {
        if !server.contains_key(*property) {
            return Err(invalid("server", &whole(), &required(property)));
        }
    }
    let unknown = server.keys().find(|key| !PROPERTIES.contains(&key.as_str()));
    unknown.map_or(Ok(()), |key| {
        let why = format!("Additional properties are not allowed ('{key}' was unexpected)");
        Err(invalid("server", &whole(), &why))
    })
}

fn checked_name(name: &Value) -> Result<String, Refusal> {
    let Value::String(text) = name else {
        return Err(invalid("name", name, &of_type(name, "string")));
    };
    if text.is_empty() {
        return Err(invalid("name", name, "'' is too short"));
    }
    if text.chars().count() > 255 {
        return Err(invalid("name", name, &format!("'{text}' is too long")));
    }
    if text.trim() != text || text.chars().any(char::is_control) {
        let why = "An invalid 'name' value was provided. The name must be: printable characters. \
                   Can not start or end with whitespace.";
        return Err(Refusal(why.into()));
    }
    Ok(text.clone())
}

/// The image's id; the empty text is as good as none.
fn checked_image_form(image: Option<&Value>) -> Result<Option<&str>, Refusal> {
    match image {
        None => Ok(None),
        Some(Value::String(id)) if id.is_empty() => Ok(None),
        Some(Value::String(id)) if is_uuid(id) => Ok(Some(id)),
        Some(other) => Err(invalid("imageRef", other, &no_schema(other))),
    }
}

fn checked_metadata(metadata: Option<&Value>) -> Result<BTreeMap<String, String>, Refusal> {
    match metadata {
        None => Ok(BTreeMap::new()),
        Some(Value::Object(metadata)) => metadata
            .iter()
            .map(|(key, value)| match value {
                Value::String(text) => Ok((key.clone(), text.clone())),
                other => Err(invalid(key, other, &of_type(other, "string"))),
            })
            .collect(),
        Some(other) => Err(invalid("metadata", other, &of_type(other, "object"))),
    }
}

fn checked_text(server: &Map<String, Value>, property: &str) -> Result<Option<String>, Refusal> {
    match server.get(property) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(invalid(property, other, &of_type(other, "string"))),
    }
}

/// It is base64, and no longer than the column that it is kept in.
fn check_user_data(server: &Map<String, Value>) -> Result<(), Refusal> {
    let Some(data) = checked_text(server, "user_data")? else {
        return Ok(());
    };
    let digits: String = data.split_ascii_whitespace().collect();
    let why = match BASE64_STANDARD.decode(digits) {
        _ if data.len() > USER_DATA_LIMIT => format!("'{data}' is too long"),
        Err(_) => format!("'{data}' is not a 'base64'"),
        Ok(_) => return Ok(()),
    };
    Err(invalid("user_data", &Value::String(data), &why))
}

/// There is one, and it may be given by its name or its id.
fn check_security_groups(groups: Option<&Value>, world: &World) -> Result<(), Refusal> {
    let groups = match groups {
        None => return Ok(()),
        Some(Value::Array(groups)) => groups,
        Some(other) => return Err(invalid("security_groups", other, &of_type(other, "array"))),
    };
    for group in groups {
        let name = group.get("name").and_then(Value::as_str).unwrap_or_default();
        if name != SecurityGroup::NAME && name != world.security_group.id {
            let message = format!("Unable to find security_group with name or id '{name}'");
            return Err(Refusal(message));
        }
    }
    Ok(())
}

/// More than one server at once is more than this cloud can do, so it says so.
fn check_counts(server: &Map<String, Value>) -> Result<(), Refusal> {
    for property in ["min_count", "max_count"] {
        let is_one = |count: &Value| *count == 1 || *count == "1";
        if let Some(count) = server.get(property).filter(|count| !is_one(count)) {
            return Err(invalid(property, count, "Only 1 is supported here"));
        }
    }
    Ok(())
}

/// Whether the server shall have a network.
fn checked_networks(
    networks: Option<&Value>,
    version: Microversion,
    world: &World,
) -> Result<bool, Refusal> {
    let networks = match networks {
        None => return Ok(true),
        Some(Value::Array(networks)) => networks,
        Some(word) if version < NETWORKS_REQUIRED => {
            return Err(invalid("networks", word, &of_type(word, "array")));
        }
        Some(word) if word == "auto" => return Ok(true),
        Some(word) if word == "none" => return Ok(false),
        Some(other) => return Err(invalid("networks", other, &no_schema(other))),
    };
    for network in networks {
        if let Some(port) = network.get("port").and_then(Value::as_str) {
            return Err(Refusal(format!("Port {port} could not be found.")));
        }
        let uuid = network.get("uuid").and_then(Value::as_str).unwrap_or_default();
        if !is_uuid(uuid) {
            return Err(Refusal(format!(
                "Bad networks format: network uuid is not in proper format ({uuid})"
            )));
        }
        if uuid != world.network.id {
            return Err(Refusal(format!("Network {uuid} could not be found.")));
        }
    }
    Ok(true)
}
