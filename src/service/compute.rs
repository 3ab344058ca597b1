//! Compute: nodes, and what they are made from.

#[cfg(feature = "ssh")]
mod deploy;
mod find;
mod key_pairs;
mod wait;

use std::fmt;
use std::sync::Arc;

use super::key_pair::KeyPair;
use super::node::{Image, Location, NewNode, Node, Reboot, Size};
use crate::call::{Call, Cursor, Page};
use crate::error::{Error, Result};
use crate::many::Many;
use crate::op::Op;
use crate::page::List;
use crate::session::Session;
use crate::session::watch::{Look, Watch};

/// Nodes of one cloud: the handle that [`Driver::compute`](crate::Driver::compute) gives.
///
/// # Threads
/// `Clone + Send + Sync`: share it, clone it, put it in a `static`. All clones use the driver's one
/// pool and one token.
///
/// # Example
/// ```no_run
/// # fn main() -> welkin::Result<()> {
/// let driver = welkin::Driver::from_selector("openstack")?;
/// let compute = driver.compute()?;
/// std::thread::scope(|s| {
///     for _ in 0..64 {
///         s.spawn(|| compute.list_nodes().wait());
///     }
/// });
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Compute {
    session: Session,
    api: Arc<dyn ComputeApi>,
    /// Shared by all handles of the driver that look at the same region.
    nodes: Watch<Node>,
}

/// What a provider translates for [`Compute`].
///
/// The handle guarantees that ids and names are not empty. A list begins at the beginning when it is
/// given no cursor, and a cursor is one that the same list returned.
pub(crate) trait ComputeApi: Send + Sync {
    fn list_nodes(&self, from: Option<&Cursor>) -> Result<Call<Page<Node>>>;
    fn get_node(&self, id: &str) -> Result<Call<Node>>;
    fn create_node(&self, new: &NewNode) -> Result<Call<Node>>;
    fn destroy_node(&self, id: &str) -> Result<Call<()>>;
    fn reboot_node(&self, id: &str, how: Reboot) -> Result<Call<()>>;
    fn start_node(&self, id: &str) -> Result<Call<()>>;
    fn stop_node(&self, id: &str) -> Result<Call<()>>;
    fn list_sizes(&self, from: Option<&Cursor>) -> Result<Call<Page<Size>>>;
    fn list_images(&self, from: Option<&Cursor>) -> Result<Call<Page<Image>>>;
    fn get_image(&self, id: &str) -> Result<Call<Image>>;
    fn list_locations(&self, from: Option<&Cursor>) -> Result<Call<Page<Location>>>;
    fn list_key_pairs(&self, from: Option<&Cursor>) -> Result<Call<Page<KeyPair>>>;
    fn get_key_pair(&self, name: &str) -> Result<Call<KeyPair>>;
    fn create_key_pair(&self, name: &str) -> Result<Call<KeyPair>>;
    fn import_key_pair(&self, name: &str, public_key: &str) -> Result<Call<KeyPair>>;
    fn delete_key_pair(&self, name: &str) -> Result<Call<()>>;

    /// Whether the cloud may say for some seconds that it has no such node, when it has just made it.
    fn shows_late(&self) -> bool {
        false
    }
}

impl Compute {
    pub(crate) fn new(session: Session, api: Arc<dyn ComputeApi>, nodes: Watch<Node>) -> Self {
        Self { session, api, nodes }
    }

    /// Makes what looks for all who wait for nodes.
    pub(crate) fn watch(session: &Session, api: &Arc<dyn ComputeApi>) -> Watch<Node> {
        let (list, get) = (Arc::clone(api), Arc::clone(api));
        let look = Look {
            operations: ["list_nodes", "get_node"],
            list: Box::new(move |from| list.list_nodes(from)),
            get: Box::new(move |id| get.get_node(id)),
            id: |node: &Node| &node.id,
            describe: |node| format!("node {:?} is still {}", node.name, node.status),
        };
        Watch::new(session, look)
    }

    /// Lists the nodes of the account.
    pub fn list_nodes(&self) -> List<Node> {
        let api = Arc::clone(&self.api);
        List::new(&self.session, "list_nodes", move |from| api.list_nodes(from))
    }

    /// Asks for one node.
    ///
    /// # Errors
    /// `NotFound` when there is none of that id.
    pub fn get_node(&self, node: impl AsRef<str>) -> Op<Node> {
        let call = id(node.as_ref(), "node").and_then(|id| self.api.get_node(id));
        Op::new(&self.session, "get_node", call)
    }

    /// Orders a node. It is still being made when this returns; see
    /// [`wait_until_running`](Compute::wait_until_running).
    ///
    /// One call makes one node at most, also when the answer to the order is lost: then what became
    /// of it is found out, which may take some sixteen seconds of the operation's time.
    ///
    /// | | each order carries | when the answer is lost |
    /// |---|---|---|
    /// | OpenStack | a metadata item `welkin_order`, if there are less than 128 others | it is looked for |
    /// | EC2 | a `ClientToken` | the same order is sent again, which EC2 carries out once |
    ///
    /// The item is seen in the guest and by other tools, not in [`Node::metadata`]. A second call
    /// orders a second node, whatever its name.
    ///
    /// # Errors
    /// `Invalid` when the cloud does not take the order, `Quota` when the account has no room,
    /// `Ambiguous` when the answer was lost and the node was not found: it may still be made, so look
    /// for it before you order again.
    ///
    /// # Cancellation
    /// An order that went out is not taken back by dropping the operation.
    pub fn create_node(&self, new: &NewNode) -> Op<Node> {
        let call = complete(new).and_then(|()| self.api.create_node(new));
        Op::new(&self.session, "create_node", call)
    }

    /// Destroys a node for good. It may still be listed for a moment.
    ///
    /// # Errors
    /// `NotFound` when there is none of that id.
    pub fn destroy_node(&self, node: impl AsRef<str>) -> Op<()> {
        let call = id(node.as_ref(), "node").and_then(|id| self.api.destroy_node(id));
        Op::new(&self.session, "destroy_node", call)
    }

    /// Orders many nodes, sixteen at once unless told otherwise; each has a result of its own.
    ///
    /// ```no_run
    /// # use welkin::NewNode;
    /// # fn f(compute: welkin::Compute) -> welkin::Result<()> {
    /// let orders: Vec<_> = (0..10)
    ///     .map(|i| NewNode::named(format!("web-{i}")).size("…").image("…"))
    ///     .collect();
    /// for (order, result) in orders.iter().zip(compute.create_nodes(&orders).wait()) {
    ///     match result {
    ///         Ok(node) => println!("{}", node.id),
    ///         Err(error) => eprintln!("{order:?}: {error}"),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_nodes(&self, orders: &[NewNode]) -> Many<Node> {
        Many::new(orders.iter().map(|order| self.create_node(order)).collect())
    }

    /// Restarts a node. It is still restarting when this returns.
    ///
    /// # Errors
    /// `Conflict` when it is in no state to be restarted, or locked; `Ambiguous` when the answer was
    /// lost: nobody knows whether it restarts, and it is not told twice.
    pub fn reboot_node(&self, node: impl AsRef<str>, how: Reboot) -> Op<()> {
        let call = id(node.as_ref(), "node").and_then(|id| self.api.reboot_node(id, how));
        Op::new(&self.session, "reboot_node", call)
    }

    /// Starts a node that was shut down; see [`wait_until_running`](Compute::wait_until_running).
    ///
    /// # Errors
    /// `Conflict` when it is in no state to be started, or locked.
    pub fn start_node(&self, node: impl AsRef<str>) -> Op<()> {
        let call = id(node.as_ref(), "node").and_then(|id| self.api.start_node(id));
        Op::new(&self.session, "start_node", call)
    }

    /// Shuts a node down; it can be started again. See
    /// [`wait_until_stopped`](Compute::wait_until_stopped).
    ///
    /// # Errors
    /// `Conflict` when it is in no state to be stopped, or locked.
    pub fn stop_node(&self, node: impl AsRef<str>) -> Op<()> {
        let call = id(node.as_ref(), "node").and_then(|id| self.api.stop_node(id));
        Op::new(&self.session, "stop_node", call)
    }

    /// Lists the sizes that nodes can have.
    pub fn list_sizes(&self) -> List<Size> {
        let api = Arc::clone(&self.api);
        List::new(&self.session, "list_sizes", move |from| api.list_sizes(from))
    }

    /// Lists the images that nodes can boot from.
    pub fn list_images(&self) -> List<Image> {
        let api = Arc::clone(&self.api);
        List::new(&self.session, "list_images", move |from| api.list_images(from))
    }

    /// Asks for one image.
    ///
    /// # Errors
    /// `NotFound` when there is none of that id.
    pub fn get_image(&self, image: impl AsRef<str>) -> Op<Image> {
        let call = id(image.as_ref(), "image").and_then(|id| self.api.get_image(id));
        Op::new(&self.session, "get_image", call)
    }

    /// Lists the parts of the region that nodes can be put into: availability zones.
    pub fn list_locations(&self) -> List<Location> {
        let api = Arc::clone(&self.api);
        List::new(&self.session, "list_locations", move |from| api.list_locations(from))
    }
}

impl fmt::Debug for Compute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let provider = self.session.provider();
        f.debug_struct("Compute").field("provider", &provider).finish_non_exhaustive()
    }
}

fn id<'a>(text: &'a str, what: &str) -> Result<&'a str> {
    if text.is_empty() {
        return Err(Error::invalid(format!("the {what}'s id is empty")));
    }
    Ok(text)
}

fn complete(new: &NewNode) -> Result<()> {
    let missing = match new {
        NewNode { name, .. } if name.is_empty() => "name",
        NewNode { size: None, .. } => "size",
        NewNode { image: None, .. } => "image",
        NewNode { root_volume_gb: Some(0), .. } => {
            let text = "a root volume of 0 GiB holds no image; say how large it is";
            return Err(Error::invalid(text));
        }
        _ => return Ok(()),
    };
    Err(Error::invalid(format!("the new node has no {missing}; set it on NewNode")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_without_name_size_or_image_says_which() {
        let order = NewNode::named("n");
        assert!(complete(&order).unwrap_err().to_string().contains("no size"));
        assert!(complete(&order.clone().size("1")).unwrap_err().to_string().contains("no image"));
        assert!(complete(&order.size("1").image("2")).is_ok());
        assert!(complete(&NewNode::named("")).unwrap_err().to_string().contains("no name"));
    }
}
