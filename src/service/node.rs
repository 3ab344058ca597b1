//! The nouns of compute: nodes, sizes, images.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::time::SystemTime;

use serde::Serialize;
use zeroize::Zeroizing;

use super::rfc3339;

/// A machine in a cloud.
///
/// Wherever an operation asks for a node, size or image, its id will do as well.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Node {
    /// The cloud's id.
    pub id: String,
    /// The name; clouds don't promise that it is unique.
    pub name: String,
    /// What the node is doing, in words that all clouds share.
    pub state: NodeState,
    /// The same in the cloud's own word, such as `VERIFY_RESIZE`.
    pub status: String,
    /// Addresses that can be reached from outside the cloud.
    pub public_ips: Vec<IpAddr>,
    /// Addresses inside the cloud.
    pub private_ips: Vec<IpAddr>,
    /// Id of the size, where the cloud tells.
    pub size: Option<String>,
    /// Id of the image; `None` for a node that boots from a volume.
    pub image: Option<String>,
    /// The part of the cloud it runs in, such as an availability zone.
    pub location: Option<String>,
    /// Name of the key pair that was put on it.
    pub key_pair: Option<String>,
    /// When it was created.
    #[serde(serialize_with = "rfc3339")]
    pub created_at: Option<SystemTime>,
    /// The user's own notes on it.
    pub metadata: BTreeMap<String, String>,
    /// Why it failed, in the cloud's words, when it did.
    pub fault: Option<String>,
}

impl Node {
    /// Makes a node by hand, for tests of code that uses this crate.
    pub fn new(id: impl Into<String>, name: impl Into<String>, state: NodeState) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            state,
            status: String::new(),
            public_ips: Vec::new(),
            private_ips: Vec::new(),
            size: None,
            image: None,
            location: None,
            key_pair: None,
            created_at: None,
            metadata: BTreeMap::new(),
            fault: None,
        }
    }
}

/// What a node is doing; the words are Libcloud's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NodeState {
    /// The cloud gave up on it; see [`Node::fault`].
    Error,
    /// Moving to another host.
    Migrating,
    /// Frozen in memory.
    Paused,
    /// Being made, or made anew.
    Pending,
    /// Restarting.
    Rebooting,
    /// Changing its size or its settings.
    Reconfiguring,
    /// Up.
    Running,
    /// Going up.
    Starting,
    /// Shut down, and startable again.
    Stopped,
    /// Going down.
    Stopping,
    /// Saved to disk.
    Suspended,
    /// Gone for good.
    Terminated,
    /// The cloud does not say, or says a word we don't know; see [`Node::status`].
    Unknown,
}

/// A kind of machine that can be ordered.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Size {
    /// The cloud's id.
    pub id: String,
    /// The name, such as `m1.small`.
    pub name: String,
    /// Memory in MiB.
    pub ram_mb: u64,
    /// Root disk in GiB; 0 where it takes the image's size.
    pub disk_gb: u64,
    /// Virtual CPUs.
    pub vcpus: u32,
}

impl Size {
    /// Makes a size by hand, for tests of code that uses this crate.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into(), ram_mb: 0, disk_gb: 0, vcpus: 0 }
    }
}

/// What a node can boot from.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Image {
    /// The cloud's id.
    pub id: String,
    /// The name; clouds don't promise that it is unique.
    pub name: String,
    /// Whether it can be used.
    pub state: ImageState,
    /// The least root disk that it needs, in GiB.
    pub min_disk_gb: u64,
    /// The least memory that it needs, in MiB.
    pub min_ram_mb: u64,
    /// When it was created.
    #[serde(serialize_with = "rfc3339")]
    pub created_at: Option<SystemTime>,
}

impl Image {
    /// Makes an image by hand, for tests of code that uses this crate.
    pub fn new(id: impl Into<String>, name: impl Into<String>, state: ImageState) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            state,
            min_disk_gb: 0,
            min_ram_mb: 0,
            created_at: None,
        }
    }
}

/// Whether an image can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ImageState {
    /// Ready.
    Active,
    /// Switched off by an operator.
    Deactivated,
    /// Gone, or on its way out.
    Deleted,
    /// Its upload or import failed.
    Error,
    /// Being uploaded or imported.
    Pending,
    /// The cloud says a word we don't know.
    Unknown,
}

/// A part of a cloud, or of one of its regions, that nodes can be put into.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Location {
    /// The cloud's id, which [`NewNode::location`] takes.
    pub id: String,
    /// The name; the id where the cloud has no other.
    pub name: String,
    /// Whether nodes can be put there now.
    pub is_available: bool,
}

impl Location {
    /// Makes a location by hand, for tests of code that uses this crate.
    pub fn new(id: impl Into<String>, name: impl Into<String>) -> Self {
        Self { id: id.into(), name: name.into(), is_available: true }
    }
}

/// How a node is restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reboot {
    /// Its system is asked to go down and come up again.
    Soft,
    /// As if its power was cut for a moment.
    Hard,
}

/// What a node shall be: a name, a size and an image, and whatever the cloud needs besides.
///
/// ```
/// use welkin::NewNode;
///
/// let web = NewNode::named("web-1").size("m1.tiny's id").image("an image's id");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
#[must_use]
pub struct NewNode {
    pub(crate) name: String,
    pub(crate) size: Option<String>,
    pub(crate) image: Option<String>,
    pub(crate) networks: Vec<String>,
    pub(crate) key_pair: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) location: Option<String>,
    pub(crate) security_groups: Vec<String>,
    pub(crate) user_data: Option<UserData>,
    pub(crate) root_volume_gb: Option<u64>,
}

/// What a node is told when it first boots: often with secrets in it, so it is not shown.
#[derive(Clone, PartialEq)]
pub(crate) struct UserData(Zeroizing<Vec<u8>>);

impl UserData {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for UserData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserData({} bytes)", self.0.len())
    }
}

impl NewNode {
    /// Begins a node of that name.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    /// Sets the size: a [`Size`] or its id. Needed.
    pub fn size(mut self, size: impl AsRef<str>) -> Self {
        self.size = Some(size.as_ref().to_owned());
        self
    }

    /// Sets the image: an [`Image`] or its id. Needed.
    pub fn image(mut self, image: impl AsRef<str>) -> Self {
        self.image = Some(image.as_ref().to_owned());
        self
    }

    /// Connects it to one more network, by id; by default the cloud chooses.
    pub fn network(mut self, network: impl AsRef<str>) -> Self {
        self.networks.push(network.as_ref().to_owned());
        self
    }

    /// Puts a key pair of the account on it: a [`KeyPair`](crate::KeyPair) or its name.
    pub fn key_pair(mut self, name: impl AsRef<str>) -> Self {
        self.key_pair = Some(name.as_ref().to_owned());
        self
    }

    /// Notes something on it.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// Puts it into a part of the cloud: a [`Location`] or its id; by default the cloud chooses.
    pub fn location(mut self, location: impl AsRef<str>) -> Self {
        self.location = Some(location.as_ref().to_owned());
        self
    }

    /// Puts it into one more security group: by name or id. EC2 takes names only
    /// where no network is given.
    pub fn security_group(mut self, group: impl Into<String>) -> Self {
        self.security_groups.push(group.into());
        self
    }

    /// Gives it a script or cloud-init's configuration to read when it first boots.
    ///
    /// At most 49,149 bytes on OpenStack and 16,384 on EC2, raw: they are encoded here.
    pub fn user_data(mut self, data: impl Into<Vec<u8>>) -> Self {
        self.user_data = Some(UserData(Zeroizing::new(data.into())));
        self
    }

    /// Boots it from a new volume of that many GiB, made of the image and deleted with the node.
    pub fn root_volume_gb(mut self, gib: u64) -> Self {
        self.root_volume_gb = Some(gib);
        self
    }
}

/// Its id.
impl AsRef<str> for Node {
    fn as_ref(&self) -> &str {
        &self.id
    }
}

/// Its id.
impl AsRef<str> for Size {
    fn as_ref(&self) -> &str {
        &self.id
    }
}

/// Its id.
impl AsRef<str> for Location {
    fn as_ref(&self) -> &str {
        &self.id
    }
}

/// Its id.
impl AsRef<str> for Image {
    fn as_ref(&self) -> &str {
        &self.id
    }
}
