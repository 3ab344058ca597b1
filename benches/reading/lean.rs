//! What someone writes who wants the fields of a portable node from this one answer, and knows
//! serde: owned what a node owns, borrowed what is only looked at. It is strict where welkin is not.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::SystemTime;

use serde::Deserialize;
use welkin::NodeState;

#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    servers: Vec<Server<'a>>,
}

#[derive(Deserialize)]
struct Server<'a> {
    id: String,
    name: String,
    status: String,
    #[serde(borrow)]
    addresses: BTreeMap<&'a str, Vec<Address<'a>>>,
    flavor: Reference,
    image: Reference,
    #[serde(rename = "OS-EXT-AZ:availability_zone")]
    location: Option<String>,
    key_name: Option<String>,
    created: &'a str,
    metadata: BTreeMap<String, String>,
    fault: Option<Fault>,
}

#[derive(Deserialize)]
struct Address<'a> {
    addr: IpAddr,
    #[serde(rename = "OS-EXT-IPS:type")]
    kind: &'a str,
}

#[derive(Deserialize)]
struct Reference {
    id: String,
}

#[derive(Deserialize)]
struct Fault {
    message: String,
}

/// The fields of `welkin::Node`.
#[allow(dead_code)]
pub(crate) struct Node {
    id: String,
    name: String,
    state: NodeState,
    status: String,
    public_ips: Vec<IpAddr>,
    private_ips: Vec<IpAddr>,
    size: String,
    image: String,
    location: Option<String>,
    key_pair: Option<String>,
    created_at: Option<SystemTime>,
    metadata: BTreeMap<String, String>,
    fault: Option<String>,
}

pub(crate) fn read(body: &[u8]) -> serde_json::Result<Vec<Node>> {
    let list: List<'_> = serde_json::from_slice(body)?;
    Ok(list.servers.into_iter().map(Node::from).collect())
}

impl From<Server<'_>> for Node {
    fn from(server: Server<'_>) -> Self {
        let (mut public_ips, mut private_ips) = (Vec::new(), Vec::new());
        for address in server.addresses.into_values().flatten() {
            match address.kind {
                "floating" => public_ips.push(address.addr),
                _ => private_ips.push(address.addr),
            }
        }
        Self {
            state: match &*server.status {
                "ACTIVE" => NodeState::Running,
                "BUILD" => NodeState::Pending,
                "ERROR" => NodeState::Error,
                "SHUTOFF" => NodeState::Stopped,
                _ => NodeState::Unknown,
            },
            id: server.id,
            name: server.name,
            status: server.status,
            public_ips,
            private_ips,
            size: server.flavor.id,
            image: server.image.id,
            location: server.location,
            key_pair: server.key_name,
            created_at: server.created.parse::<jiff::Timestamp>().ok().map(SystemTime::from),
            metadata: server.metadata,
            fault: server.fault.map(|fault| fault.message),
        }
    }
}
