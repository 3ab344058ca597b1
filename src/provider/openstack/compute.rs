//! Nova: servers are nodes.
//!
//! <https://docs.openstack.org/api-ref/compute/>, version 2.1 without a microversion.

mod action;
mod order;

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::addresses::Addresses;
use super::{OpenStack, fault, flavor, image, keypair, link, zone};
use crate::call::{Call, Cursor, Page, Request, Service, Step};
use crate::error::Result;
use crate::provider::dialect::answer::{self, Id, Text};
use crate::service::compute::ComputeApi;
use crate::service::key_pair::KeyPair;
use crate::service::node::{Image, Location, NewNode, Node, NodeState, Reboot, Size};

impl ComputeApi for OpenStack {
    fn list_nodes(&self, from: Option<&Cursor>) -> Result<Call<Page<Node>>> {
        let request = Request::get(NOVA, link::page("/servers/detail", from)?);
        let this = from.map(|cursor| cursor.as_str().to_owned());
        Ok(Call::new(request, move |response| {
            let list: Servers<'_> = fault::json(&response, "a list of servers")?;
            let next = link::next(&list.servers_links, this.as_deref())?;
            let nodes = list.servers.into_iter().map(Node::from).collect();
            Ok(Step::Done(Page::new(nodes, next)))
        }))
    }

    fn get_node(&self, id: &str) -> Result<Call<Node>> {
        get(id)
    }

    fn create_node(&self, new: &NewNode) -> Result<Call<Node>> {
        order::create(new)
    }

    fn destroy_node(&self, id: &str) -> Result<Call<()>> {
        let request = Request::delete(NOVA, format!("/servers/{}", link::segment(id)?));
        Ok(Call::new(request, |response| {
            let gone = response.resent && response.status == http::StatusCode::NOT_FOUND;
            if !gone {
                fault::success(&response)?;
            }
            Ok(Step::Done(()))
        }))
    }

    fn reboot_node(&self, id: &str, how: Reboot) -> Result<Call<()>> {
        action::reboot(id, how)
    }

    fn start_node(&self, id: &str) -> Result<Call<()>> {
        action::start(id)
    }

    fn stop_node(&self, id: &str) -> Result<Call<()>> {
        action::stop(id)
    }

    fn list_sizes(&self, from: Option<&Cursor>) -> Result<Call<Page<Size>>> {
        flavor::list(from)
    }

    fn list_images(&self, from: Option<&Cursor>) -> Result<Call<Page<Image>>> {
        image::list(from)
    }

    fn get_image(&self, id: &str) -> Result<Call<Image>> {
        image::get(id)
    }

    fn list_locations(&self, _: Option<&Cursor>) -> Result<Call<Page<Location>>> {
        zone::list()
    }

    fn list_key_pairs(&self, from: Option<&Cursor>) -> Result<Call<Page<KeyPair>>> {
        keypair::list(from)
    }

    fn get_key_pair(&self, name: &str) -> Result<Call<KeyPair>> {
        keypair::get(name)
    }

    fn create_key_pair(&self, name: &str) -> Result<Call<KeyPair>> {
        keypair::create(name)
    }

    fn import_key_pair(&self, name: &str, public_key: &str) -> Result<Call<KeyPair>> {
        keypair::import(name, public_key)
    }

    fn delete_key_pair(&self, name: &str) -> Result<Call<()>> {
        keypair::delete(name)
    }
}

fn get(id: &str) -> Result<Call<Node>> {
    let request = Request::get(NOVA, format!("/servers/{}", link::segment(id)?));
    Ok(Call::new(request, |response| {
        let answer: ServerAnswer<'_> = fault::json(&response, "a server")?;
        Ok(Step::Done(answer.server.into()))
    }))
}

#[derive(Deserialize)]
struct Servers<'a> {
    #[serde(borrow)]
    servers: Vec<Server<'a>>,
    #[serde(default)]
    servers_links: Vec<link::Link>,
}

#[derive(Deserialize)]
struct ServerAnswer<'a> {
    #[serde(borrow)]
    server: Server<'a>,
}

#[derive(Deserialize)]
struct Server<'a> {
    id: Id,
    #[serde(default, deserialize_with = "answer::or_default")]
    name: String,
    #[serde(default, deserialize_with = "answer::or_default")]
    status: String,
    #[serde(default, deserialize_with = "answer::or_default")]
    metadata: BTreeMap<String, String>,
    image: Option<ServerImage>,
    flavor: Option<ServerFlavor>,
    #[serde(borrow)]
    created: Option<Text<'a>>,
    #[serde(default)]
    addresses: Addresses,
    #[serde(rename = "OS-EXT-AZ:availability_zone")]
    availability_zone: Option<String>,
    key_name: Option<String>,
    fault: Option<ServerFault>,
}

/// The id of a server's image; empty, as Nova's `""`, for a server that boots from a volume.
struct ServerImage(String);

#[derive(Deserialize)]
struct ServerImageId {
    id: Id,
}

/// Read by hand because serde keeps all of an untagged value to try one shape after the other.
impl<'de> Deserialize<'de> for ServerImage {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct TextOrObject;

        impl<'de> Visitor<'de> for TextOrObject {
            type Value = ServerImage;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an image or an empty text")
            }

            // Nova sends the empty text only; another would be an id without its object.
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(ServerImage(text.to_owned()))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let image = ServerImageId::deserialize(MapAccessDeserializer::new(map))?;
                Ok(ServerImage(image.id.0))
            }
        }

        from.deserialize_any(TextOrObject)
    }
}

/// Since microversion 2.47 the flavor is embedded, and only its name is left to know it by.
#[derive(Deserialize)]
struct ServerFlavor {
    id: Option<Id>,
    original_name: Option<String>,
}

#[derive(Deserialize)]
struct ServerFault {
    #[serde(default, deserialize_with = "answer::or_default")]
    message: String,
}

impl From<Server<'_>> for Node {
    fn from(server: Server<'_>) -> Self {
        let state = node_state(&server.status);
        let mut node = Self::new(server.id.0, server.name, state);
        node.status = server.status;
        node.public_ips = server.addresses.public;
        node.private_ips = server.addresses.private;
        node.size = server.flavor.and_then(|f| f.id.map(|id| id.0).or(f.original_name));
        node.image = server.image.map(|image| image.0).filter(|id| !id.is_empty());
        node.location = server.availability_zone.filter(|zone| !zone.is_empty());
        node.key_pair = server.key_name;
        node.created_at = server.created.and_then(|Text(text)| answer::time(&text));
        node.metadata = server.metadata;
        node.metadata.remove(order::MARK);
        node.fault = server
            .fault
            .map(|fault| fault.message.trim().to_owned())
            .filter(|message| !message.is_empty());
        node
    }
}

/// Nova's words (<https://docs.openstack.org/api-guide/compute/server_concepts.html>) as Libcloud's.
fn node_state(status: &str) -> NodeState {
    match status {
        "ACTIVE" => NodeState::Running,
        "BUILD" | "REBUILD" => NodeState::Pending,
        "DELETED" => NodeState::Terminated,
        "ERROR" => NodeState::Error,
        "HARD_REBOOT" | "REBOOT" => NodeState::Rebooting,
        "MIGRATING" => NodeState::Migrating,
        // Its password is being set; it runs meanwhile, and is not to be touched.
        "PASSWORD" => NodeState::Reconfiguring,
        "PAUSED" => NodeState::Paused,
        // Up, but from the rescue image: nobody who waits for the node wants to meet that.
        "RESCUE" => NodeState::Reconfiguring,
        "RESIZE" | "REVERT_RESIZE" => NodeState::Reconfiguring,
        // Shut down; the disk is kept as an image and the node can be brought back.
        "SHELVED" | "SHELVED_OFFLOADED" => NodeState::Stopped,
        "SHUTOFF" => NodeState::Stopped,
        // Can be restored for a while, but is gone for all who use it.
        "SOFT_DELETED" => NodeState::Terminated,
        "SUSPENDED" => NodeState::Suspended,
        // Runs with the new size; only the way back is still kept open.
        "VERIFY_RESIZE" => NodeState::Running,
        // `UNKNOWN` is Nova's own: the host does not answer.
        _ => NodeState::Unknown,
    }
}

pub(super) const NOVA: Service = Service { provider: super::NAME, name: "compute" };

#[cfg(test)]
mod tests;
