//! Compute: nodes, and what they are made from.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::node::{Image, NewNode, Node, NodeState, Size};
use crate::call::{Call, Cursor, Page, Step};
use crate::error::{Error, ErrorKind, Result};
use crate::op::Op;
use crate::page::{self, List};
use crate::session::Session;

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
    fn list_sizes(&self, from: Option<&Cursor>) -> Result<Call<Page<Size>>>;
    fn list_images(&self, from: Option<&Cursor>) -> Result<Call<Page<Image>>>;

    /// Whether the cloud may say for some seconds that it has no such node, when it has just made it.
    fn shows_late(&self) -> bool {
        false
    }
}

impl Compute {
    pub(crate) fn new(session: Session, api: Arc<dyn ComputeApi>) -> Self {
        Self { session, api }
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

    /// Finds the size of that id or, if only one has it, of that name.
    ///
    /// # Errors
    /// `Invalid` when none or several match; the message lists what there is.
    pub fn find_size(&self, id_or_name: impl Into<String>) -> Op<Size> {
        let api = Arc::clone(&self.api);
        let all = page::whole(Arc::new(move |from: Option<&Cursor>| api.list_sizes(from)));
        let call = find(all, "size", id_or_name.into());
        Op::new(&self.session, "find_size", call)
    }

    /// Finds the image of that id or, if only one has it, of that name.
    ///
    /// # Errors
    /// `Invalid` when none or several match; the message lists what there is.
    pub fn find_image(&self, id_or_name: impl Into<String>) -> Op<Image> {
        let api = Arc::clone(&self.api);
        let all = page::whole(Arc::new(move |from: Option<&Cursor>| api.list_images(from)));
        let call = find(all, "image", id_or_name.into());
        Op::new(&self.session, "find_image", call)
    }

    /// Waits until a node runs and returns it as it is then.
    ///
    /// Asks soon at first and every five seconds at most; gives up after ten minutes unless
    /// `.timeout(..)` says otherwise.
    ///
    /// # Errors
    /// `Failed` with the cloud's words when the node goes to its error state or is taken away
    /// meanwhile, `NotFound` when there is none of that id, `Timeout(Wait)` when time runs out.
    ///
    /// # Cancellation
    /// Giving up waiting does nothing to the node.
    pub fn wait_until_running(&self, node: impl AsRef<str>) -> Op<Node> {
        let call = id(node.as_ref(), "node")
            .and_then(|id| until_running(&self.api, id.to_owned(), FIRST_PAUSE));
        Op::new(&self.session, "wait_until_running", call).timeout(LONGEST_WAIT)
    }
}

impl fmt::Debug for Compute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let provider = self.session.provider();
        f.debug_struct("Compute").field("provider", &provider).finish_non_exhaustive()
    }
}

fn until_running(api: &Arc<dyn ComputeApi>, id: String, pause: Duration) -> Result<Call<Node>> {
    let again = Arc::clone(api);
    let next = (pause * 3 / 2).min(LONGEST_PAUSE);
    Ok(api.get_node(&id)?.settled(move |result| match result {
        Err(e) if e.kind() == ErrorKind::NotFound && again.shows_late() && next > pause => {
            Ok(Step::Wait(pause, until_running(&again, id, next)?))
        }
        Err(e) => Err(e),
        Ok(node) => running(node, || Ok(Step::Wait(pause, until_running(&again, id, next)?))),
    }))
}

/// Looks whether a node runs; `again` looks later.
fn running(node: Node, again: impl FnOnce() -> Result<Step<Node>>) -> Result<Step<Node>> {
    match node.state {
        NodeState::Running => Ok(Step::Done(node)),
        NodeState::Error => {
            let why = node.fault.as_deref().unwrap_or("the cloud does not say why");
            let text = format!("node {:?} went to its error state: {why}; destroy it", node.name);
            Err(Error::new(ErrorKind::Failed, text))
        }
        NodeState::Terminated => Err(Error::new(
            ErrorKind::Failed,
            format!("node {:?} was destroyed while it was waited for", node.name),
        )),
        _ => again(),
    }
}

/// What can be found by id or name.
trait Named {
    fn id(&self) -> &str;
    fn name(&self) -> &str;
}

impl Named for Size {
    fn id(&self) -> &str {
        &self.id
    }
    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for Image {
    fn id(&self) -> &str {
        &self.id
    }
    fn name(&self) -> &str {
        &self.name
    }
}

fn find<T: Named + Send + 'static>(
    all: Result<Call<Vec<T>>>,
    what: &'static str,
    key: String,
) -> Result<Call<T>> {
    id(&key, what)?;
    Ok(all?.then(move |all| choose(all, what, &key).map(Step::Done)))
}

fn choose<T: Named>(mut all: Vec<T>, what: &str, key: &str) -> Result<T> {
    if let Some(i) = all.iter().position(|x| x.id() == key) {
        return Ok(all.swap_remove(i));
    }
    let mut named = all.iter().enumerate().filter(|(_, x)| x.name() == key);
    match (named.next(), named.next()) {
        (Some((i, _)), None) => Ok(all.swap_remove(i)),
        (Some((_, a)), Some((_, b))) => {
            let ids: Vec<_> =
                [a.id(), b.id()].into_iter().chain(named.map(|(_, x)| x.id())).collect();
            Err(Error::invalid(format!(
                "{} {what}s are named {key:?}; use the id of one: {}",
                ids.len(),
                ids.join(", ")
            )))
        }
        (None, _) => {
            let names: Vec<_> = all.iter().map(Named::name).collect();
            Err(Error::invalid(format!("no {what} {key:?}; there are: {}", listed(&names))))
        }
    }
}

/// Joins names for a message, the first twenty of them.
fn listed(names: &[&str]) -> String {
    match names.len() {
        0 => "none".into(),
        1..=20 => names.join(", "),
        n => format!("{} and {} more", names[..20].join(", "), n - 20),
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
        _ => return Ok(()),
    };
    Err(Error::invalid(format!("the new node has no {missing}; set it on NewNode")))
}

const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_secs(600);

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes() -> Vec<Size> {
        [("1", "small"), ("2", "twin"), ("3", "twin"), ("small", "odd")]
            .map(|(id, name)| Size::new(id, name))
            .into()
    }

    #[test]
    fn an_id_goes_before_a_name_and_a_name_must_be_the_only_one() {
        assert_eq!(choose(sizes(), "size", "2").unwrap().id, "2");
        assert_eq!(choose(sizes(), "size", "small").unwrap().name, "odd", "an id goes first");
        assert_eq!(choose(sizes(), "size", "odd").unwrap().id, "small");
        let error = choose(sizes(), "size", "twin").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("use the id of one: 2, 3"), "{error}");
    }

    #[test]
    fn what_is_not_found_is_said_with_what_there_is() {
        let error = choose(sizes(), "size", "huge").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("there are: small, twin, twin, odd"), "{error}");
        let many: Vec<_> = (0..50).map(|i| Size::new(i.to_string(), format!("s{i}"))).collect();
        let error = choose(many, "size", "huge").unwrap_err();
        assert!(error.to_string().ends_with("s19 and 30 more"), "{error}");
        assert!(choose(Vec::<Size>::new(), "size", "x").is_err());
    }

    #[test]
    fn an_order_without_name_size_or_image_says_which() {
        let order = NewNode::named("n");
        assert!(complete(&order).unwrap_err().to_string().contains("no size"));
        assert!(complete(&order.clone().size("1")).unwrap_err().to_string().contains("no image"));
        assert!(complete(&order.size("1").image("2")).is_ok());
        assert!(complete(&NewNode::named("")).unwrap_err().to_string().contains("no name"));
    }
}
