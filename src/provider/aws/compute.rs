//! EC2: instances are nodes.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/>, version 2016-11-15.

mod action;
mod order;

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::Deserialize;

use super::query::Query;
use super::{Aws, fault, image, key_pair, size, zone};
use crate::call::{Call, Cursor, Page, Response, Service, Step};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::dialect::answer;
use crate::service::compute::ComputeApi;
use crate::service::key_pair::KeyPair;
use crate::service::node::{Image, Location, NewNode, Node, NodeState, Reboot, Size};

impl ComputeApi for Aws {
    fn list_nodes(&self, from: Option<&Cursor>) -> Result<Call<Page<Node>>> {
        let query = Query::new("DescribeInstances", VERSION).with("MaxResults", MOST);
        let query = turned_to(query, from);
        Ok(Call::new(query.reading(EC2), |response| {
            let Instances { sets, next } = fault::xml(&response, INSTANCES, "a list of instances")?;
            let nodes = sets.item.into_iter().flat_map(|set| set.instances.item).map(Node::from);
            Ok(Step::Done(Page::new(nodes.collect(), cursor(next))))
        }))
    }

    fn get_node(&self, id: &str) -> Result<Call<Node>> {
        let query = Query::new("DescribeInstances", VERSION).with("InstanceId.1", id);
        let id = id.to_owned();
        Ok(Call::new(query.reading(EC2), move |response| {
            let Instances { sets, .. } = fault::xml(&response, INSTANCES, "an instance")?;
            let mut found = sets.item.into_iter().flat_map(|set| set.instances.item);
            let found = found.find(|instance| instance.id == id);
            let found = found.ok_or_else(|| none_such("instance", &id, &response))?;
            Ok(Step::Done(found.into()))
        }))
    }

    fn create_node(&self, new: &NewNode) -> Result<Call<Node>> {
        order::create(new)
    }

    fn destroy_node(&self, id: &str) -> Result<Call<()>> {
        Ok(action::destroy(id))
    }

    fn reboot_node(&self, id: &str, how: Reboot) -> Result<Call<()>> {
        action::reboot(id, how)
    }

    fn start_node(&self, id: &str) -> Result<Call<()>> {
        Ok(action::start(id))
    }

    fn stop_node(&self, id: &str) -> Result<Call<()>> {
        Ok(action::stop(id))
    }

    fn list_sizes(&self, from: Option<&Cursor>) -> Result<Call<Page<Size>>> {
        Ok(size::list(from))
    }

    fn list_images(&self, from: Option<&Cursor>) -> Result<Call<Page<Image>>> {
        Ok(image::list(from))
    }

    fn get_image(&self, id: &str) -> Result<Call<Image>> {
        Ok(image::get(id))
    }

    fn list_locations(&self, _: Option<&Cursor>) -> Result<Call<Page<Location>>> {
        Ok(zone::list())
    }

    fn list_key_pairs(&self, _: Option<&Cursor>) -> Result<Call<Page<KeyPair>>> {
        Ok(key_pair::list())
    }

    fn get_key_pair(&self, name: &str) -> Result<Call<KeyPair>> {
        Ok(key_pair::get(name))
    }

    fn create_key_pair(&self, name: &str) -> Result<Call<KeyPair>> {
        Ok(key_pair::create(name))
    }

    fn import_key_pair(&self, name: &str, public_key: &str) -> Result<Call<KeyPair>> {
        Ok(key_pair::import(name, public_key))
    }

    fn delete_key_pair(&self, name: &str) -> Result<Call<()>> {
        Ok(key_pair::delete(name))
    }

    /// <https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html>
    fn shows_late(&self) -> bool {
        true
    }
}

/// What was asked for by its id is not in the answer; EC2 mostly says so itself.
pub(super) fn none_such(what: &str, id: &str, response: &Response) -> Error {
    let text = format!("there is no {what} {id:?} in this region");
    Error::new(ErrorKind::NotFound, text).with_status(response.status)
}

/// Asks for the page that a cursor leads to.
pub(super) fn turned_to(query: Query, from: Option<&Cursor>) -> Query {
    match from {
        Some(cursor) => query.with("NextToken", cursor.as_str()),
        None => query,
    }
}

/// Some servers end a list with an empty token.
pub(super) fn cursor(next: Option<String>) -> Option<Cursor> {
    next.filter(|token| !token.is_empty()).map(Cursor::new)
}

#[derive(Deserialize)]
struct Instances {
    #[serde(rename = "reservationSet", default)]
    sets: Items<Reservation>,
    #[serde(rename = "nextToken")]
    next: Option<String>,
}

/// How EC2 writes a list.
#[derive(Deserialize)]
pub(super) struct Items<T> {
    #[serde(default = "Vec::new")]
    pub(super) item: Vec<T>,
}

impl<T> Default for Items<T> {
    fn default() -> Self {
        Self { item: Vec::new() }
    }
}

#[derive(Deserialize)]
struct Reservation {
    #[serde(rename = "instancesSet", default)]
    instances: Items<Instance>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Instance {
    #[serde(rename = "instanceId")]
    id: String,
    instance_type: Option<String>,
    image_id: Option<String>,
    key_name: Option<String>,
    launch_time: Option<String>,
    ip_address: Option<String>,
    private_ip_address: Option<String>,
    #[serde(default)]
    instance_state: State,
    #[serde(default)]
    state_reason: Reason,
    #[serde(default)]
    placement: Placement,
    #[serde(rename = "networkInterfaceSet", default)]
    interfaces: Items<Interface>,
    #[serde(rename = "tagSet", default)]
    tags: Items<Tag>,
}

#[derive(Default, Deserialize)]
struct State {
    #[serde(default)]
    name: String,
}

#[derive(Default, Deserialize)]
struct Reason {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

#[derive(Default, Deserialize)]
struct Placement {
    #[serde(rename = "availabilityZone")]
    zone: Option<String>,
}

#[derive(Deserialize)]
struct Interface {
    #[serde(rename = "privateIpAddressesSet", default)]
    private: Items<PrivateAddress>,
    #[serde(rename = "ipv6AddressesSet", default)]
    ipv6: Items<Ipv6Address>,
}

#[derive(Deserialize)]
struct PrivateAddress {
    #[serde(rename = "privateIpAddress")]
    address: Option<String>,
    association: Option<Association>,
}

#[derive(Deserialize)]
struct Association {
    #[serde(rename = "publicIp")]
    address: Option<String>,
}

#[derive(Deserialize)]
struct Ipv6Address {
    #[serde(rename = "ipv6Address")]
    address: Option<String>,
}

#[derive(Deserialize)]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

impl From<Instance> for Node {
    fn from(instance: Instance) -> Self {
        let Addresses { public, private } = Addresses::of(&instance);
        let mut notes: BTreeMap<_, _> =
            instance.tags.item.into_iter().map(|tag| (tag.key, tag.value)).collect();
        // EC2 has no names but by this tag.
        let name = notes.remove("Name").filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| instance.id.clone());
        let status = instance.instance_state.name;
        let mut node = Self::new(instance.id, name, node_state(&status));
        node.status = status;
        node.public_ips = public;
        node.private_ips = private;
        node.size = instance.instance_type;
        node.image = instance.image_id;
        node.location = instance.placement.zone;
        node.key_pair = instance.key_name;
        node.created_at = instance.launch_time.and_then(|text| answer::time(&text));
        node.metadata = notes;
        // `Client.` begins what somebody asked for, `Server.` what EC2 could not help.
        let Reason { code, message } = instance.state_reason;
        node.fault = code.starts_with("Server.").then_some(message).filter(|why| !why.is_empty());
        node
    }
}

#[derive(Default)]
struct Addresses {
    public: Vec<IpAddr>,
    private: Vec<IpAddr>,
}

impl Addresses {
    /// The first ones are those of the instance itself; its interfaces may have more.
    fn of(instance: &Instance) -> Self {
        let mut all = Self::default();
        add(&mut all.public, instance.ip_address.as_deref());
        add(&mut all.private, instance.private_ip_address.as_deref());
        for interface in &instance.interfaces.item {
            for private in &interface.private.item {
                add(&mut all.private, private.address.as_deref());
                let public = private.association.as_ref().and_then(|a| a.address.as_deref());
                add(&mut all.public, public);
            }
            // In EC2 these can be reached from everywhere.
            interface
                .ipv6
                .item
                .iter()
                .for_each(|ipv6| add(&mut all.public, ipv6.address.as_deref()));
        }
        all
    }
}

fn add(to: &mut Vec<IpAddr>, text: Option<&str>) {
    to.extend(text.and_then(|text| text.parse().ok()).filter(|address| !to.contains(address)));
}

/// EC2's words: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html>.
fn node_state(name: &str) -> NodeState {
    match name {
        "pending" => NodeState::Pending,
        "running" => NodeState::Running,
        "stopping" | "shutting-down" => NodeState::Stopping,
        "stopped" => NodeState::Stopped,
        "terminated" => NodeState::Terminated,
        _ => NodeState::Unknown,
    }
}

pub(super) const EC2: Service = Service { provider: super::NAME, name: "ec2" };
pub(super) const VERSION: &str = "2016-11-15";
/// As many as EC2 gives at once.
pub(super) const MOST: &str = "1000";
const INSTANCES: &str = "DescribeInstancesResponse";

#[cfg(test)]
mod tests;
