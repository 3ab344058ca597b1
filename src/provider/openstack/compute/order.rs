//! Ordering a server once.
//!
//! Nova has no token for a client to know its request by. So each order carries a mark in the
//! server's metadata, and when nobody knows what became of an order, the mark is looked for
//! ([why it is done so](crate::manual::decisions::orders_carry_a_mark)).

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{NOVA, Server, Servers};
use crate::call::{Call, Cursor, Request, Response, Step, request_id};
use crate::error::{Error, ErrorKind, Result};
use crate::provider::dialect::answer::Id;
use crate::provider::dialect::once::{Search, unique};
use crate::provider::dialect::percent;
use crate::provider::dialect::user_data::user_data;
use crate::provider::openstack::microversion::in_base;
use crate::provider::openstack::{fault, link};
use crate::service::node::{NewNode, Node, NodeState};

/// The key of the metadata item that marks an order. A node is read without it.
pub(super) const MARK: &str = "welkin_order";

/// Nova's own limit on the metadata items of a server, unless its operator sets another.
const MOST_ITEMS: usize = 128;

/// Nova's limit is 65,535 bytes of Base64.
const MOST_USER_DATA: usize = 49_149;

pub(super) fn create(new: &NewNode) -> Result<Call<Node>> {
    if new.metadata.contains_key(MARK) {
        let text = format!("the metadata key {MARK:?} is the driver's own; take another");
        return Err(Error::invalid(text));
    }
    // An order that is full as it is must not be refused because of the mark.
    let mark = (new.metadata.len() < MOST_ITEMS).then(unique);
    let request = in_base(Request::post(NOVA, "/servers"));
    let request = request.json(&Order::of(new, mark.as_deref())?)?;
    let (new, name) = (new.clone(), new.name.clone());
    let order = Call::new(request, move |response| taken(new, &response).map(Step::Done));
    let Some(mark) = mark else {
        return Ok(order);
    };
    Ok(order.settled(|result| match result {
        Ok(node) => Ok(Step::Done(node)),
        Err(lost) if lost.kind() == ErrorKind::Ambiguous => {
            look(Sought { name, mark }, Search::of(lost)).map(Step::Next)
        }
        Err(error) => Err(error),
    }))
}

/// Reads what came of an order; `Ambiguous` if nobody knows.
fn taken(new: NewNode, response: &Response) -> Result<Node> {
    if response.status.is_server_error() && !is_of_nova(response) {
        let text = "something between here and the cloud answered for it: the order of node";
        let text = format!("{text} {:?} may have been carried out; look for the name", new.name);
        return Err(Error::new(ErrorKind::Ambiguous, text)
            .with_status(response.status)
            .with_source(fault::fault(response)));
    }
    fault::success(response)?;
    ordered(new, response)
}

/// Tells whether Nova itself speaks: whatever it says has its id, also what stands before its own
/// code (<https://docs.openstack.org/api-guide/compute/faults.html>). A proxy that gave up waiting
/// knows of no id.
fn is_of_nova(response: &Response) -> bool {
    const IDS: [&str; 2] = ["x-compute-request-id", "x-openstack-request-id"];
    IDS.iter().any(|id| response.header(id).is_some())
}

/// An order whose answer was lost.
struct Sought {
    name: String,
    mark: String,
}

/// Looks for the order, and again if it is not there: Nova may still be at work on it.
fn look(sought: Sought, mut search: Search) -> Result<Call<Node>> {
    let path = format!("/servers/detail?name={}", percent::encode(&pattern(&sought.name), false));
    let call = marked(path.into(), None, sought.mark.clone(), Vec::new())?;
    Ok(call.settled(move |result| {
        let Sought { name, mark } = &sought;
        let failed = match result.map(<[Node; 1]>::try_from) {
            Ok(Ok([node])) => return Ok(Step::Done(node)),
            Ok(Err(several)) if !several.is_empty() => return Err(too_many(&sought, &several)),
            Ok(Err(_)) => None,
            Err(error) => Some(error),
        };
        match search.again(failed) {
            Some(pause) => Ok(Step::Wait(pause, look(sought, search)?)),
            None => {
                let what = format!("the answer to the order of node {name:?} was lost, and a");
                let what = format!("{what} server with metadata {MARK}={mark} was looked for");
                Err(search.in_vain(&what))
            }
        }
    }))
}

/// Reads the page at `path` and all that follow, and keeps what has the mark.
fn marked(
    path: Cow<'static, str>,
    this: Option<Cursor>,
    mark: String,
    mut found: Vec<Node>,
) -> Result<Call<Vec<Node>>> {
    let request = Request::get(NOVA, path);
    Ok(Call::new(request, move |response| {
        let page: Servers<'_> = fault::json(&response, "a list of servers")?;
        let has_mark = |server: &Server<'_>| server.metadata.get(MARK) == Some(&mark);
        found.extend(page.servers.into_iter().filter(has_mark).map(Node::from));
        match link::next(&page.servers_links, this.as_ref().map(Cursor::as_str))? {
            Some(next) => {
                let path = link::page("/servers/detail", Some(&next))?;
                Ok(Step::Next(marked(path, Some(next), mark, found)?))
            }
            None => Ok(Step::Done(found)),
        }
    }))
}

/// Writes a regular expression that finds a name and few others, in each of the dialects that the
/// databases below Nova speak.
///
/// The mark decides, so this may find more. What can have a meaning is any one character: no escape
/// passes Nova's handling for MySQL unharmed (it puts a `\` before each `|`).
fn pattern(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || !c.is_ascii();
    // Some Novas cut the white space off.
    let name = name.trim().chars().map(|c| if plain(c) { c } else { '.' });
    std::iter::once('^').chain(name).chain(['$']).collect()
}

fn too_many(Sought { name, mark }: &Sought, nodes: &[Node]) -> Error {
    let ids: Vec<_> = nodes.iter().map(|node| node.id.as_str()).collect();
    let text = format!(
        "{} servers have the mark of one order of node {name:?} ({MARK}={mark}): {}; look which of \
         them you want",
        ids.len(),
        ids.join(", ")
    );
    Error::new(ErrorKind::Ambiguous, text)
}

/// Makes the node that was ordered; Nova tells only its id, and asking for more could fail.
fn ordered(new: NewNode, response: &Response) -> Result<Node> {
    let NewNode { name, size, image, key_pair, metadata, location, root_volume_gb, .. } = new;
    let mut node = Node::new(id_of_order(&name, response)?, name, NodeState::Pending);
    node.status = "BUILD".to_owned();
    node.size = size;
    // What boots from a volume has no image by Nova's word.
    node.image = image.filter(|_| root_volume_gb.is_none());
    node.location = location;
    node.key_pair = key_pair;
    node.metadata = metadata;
    Ok(node)
}

fn id_of_order(name: &str, response: &Response) -> Result<String> {
    let body = fault::json::<Ordered>(response, "the new server's id");
    let lost = match body {
        Ok(Ordered { server }) => return Ok(server.id.0),
        Err(lost) => lost,
    };
    if response.status != http::StatusCode::ACCEPTED {
        return Err(lost);
    }
    // The order was taken, so its id must not be lost with the body: `Location` has it as well.
    let path = response.header("location").unwrap_or_default();
    match path.rsplit_once("/servers/") {
        Some((_, id)) if !id.is_empty() && link::segment(id).is_ok_and(|safe| safe == id) => {
            Ok(id.to_owned())
        }
        _ => {
            let text = format!(
                "the cloud took the order of node {name:?} and its answer does not say the id; \
                 look for the name"
            );
            Err(Error::new(ErrorKind::Ambiguous, text)
                .with_status(response.status)
                .answered_as(request_id(&response.headers))
                .with_source(lost))
        }
    }
}

#[derive(Serialize)]
struct Order<'a> {
    server: OrderedServer<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OrderedServer<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    flavor_ref: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_ref: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    networks: Vec<NetworkRef<'a>>,
    #[serde(rename = "key_name", skip_serializing_if = "Option::is_none")]
    key_name: Option<&'a str>,
    metadata: BTreeMap<&'a str, &'a str>,
    #[serde(rename = "availability_zone", skip_serializing_if = "Option::is_none")]
    availability_zone: Option<&'a str>,
    #[serde(rename = "security_groups", skip_serializing_if = "Vec::is_empty")]
    security_groups: Vec<Group<'a>>,
    #[serde(rename = "user_data", skip_serializing_if = "Option::is_none")]
    user_data: Option<String>,
    #[serde(rename = "block_device_mapping_v2", skip_serializing_if = "Option::is_none")]
    devices: Option<[Device<'a>; 1]>,
}

/// By its id, too, for all that the field is called.
#[derive(Serialize)]
struct Group<'a> {
    name: &'a str,
}

/// A root volume that Nova makes of the image.
#[derive(Serialize)]
struct Device<'a> {
    boot_index: u32,
    uuid: &'a str,
    source_type: &'static str,
    destination_type: &'static str,
    volume_size: u64,
    delete_on_termination: bool,
}

#[derive(Serialize)]
struct NetworkRef<'a> {
    uuid: &'a str,
}

impl<'a> Order<'a> {
    fn of(new: &'a NewNode, mark: Option<&'a str>) -> Result<Self> {
        let networks = new.networks.iter().map(|uuid| NetworkRef { uuid });
        let metadata = new.metadata.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        Ok(Self {
            server: OrderedServer {
                name: &new.name,
                flavor_ref: new.size.as_deref(),
                image_ref: new.image.as_deref().filter(|_| new.root_volume_gb.is_none()),
                networks: networks.collect(),
                key_name: new.key_pair.as_deref(),
                metadata: metadata.chain(mark.map(|mark| (MARK, mark))).collect(),
                availability_zone: new.location.as_deref(),
                security_groups: new.security_groups.iter().map(|name| Group { name }).collect(),
                user_data: user_data(new, "Nova", MOST_USER_DATA)?,
                devices: new.image.as_deref().zip(new.root_volume_gb).map(|(uuid, volume_size)| {
                    [Device {
                        boot_index: 0,
                        uuid,
                        source_type: "image",
                        destination_type: "volume",
                        volume_size,
                        delete_on_termination: true,
                    }]
                }),
            },
        })
    }
}

/// The answer to an order. Its `adminPass` is left unread: a node is no place for a secret.
#[derive(Deserialize)]
struct Ordered {
    server: OrderedId,
}

#[derive(Deserialize)]
struct OrderedId {
    id: Id,
}

#[cfg(test)]
mod tests;
