//! Waiting for nodes: whoever waits on one driver shares what is asked.

use std::time::Duration;

use super::{Compute, id};
use crate::error::{Error, ErrorKind, Result};
use crate::op::Op;
use crate::service::node::{Node, NodeState};
use crate::session::watch::{Judge, Sight, Verdict};

impl Compute {
    /// Waits until a node runs and returns it as it is then.
    ///
    /// All who wait on one driver share what is asked: one list a tick where that is fewer requests
    /// than asking for each. It asks soon at first and every five seconds at most, and gives up after
    /// ten minutes unless `.timeout(..)` says otherwise. What passes (a cloud that is busy for a
    /// while) does not end the wait; `.header(..)` and `.retry(..)` do nothing here.
    ///
    /// # Errors
    /// `Failed` with the cloud's words when the node goes to its error state or is taken away
    /// meanwhile, `NotFound` when there is none of that id, `Timeout(Wait)` when time runs out.
    ///
    /// # Threads
    /// While anybody waits, one thread of the driver asks for all of them.
    ///
    /// # Cancellation
    /// Giving up waiting does nothing to the node, and others wait on.
    pub fn wait_until_running(&self, node: impl AsRef<str>) -> Op<Node> {
        let shows_late = self.api.shows_late();
        self.wait(
            "wait_until_running",
            node.as_ref(),
            Box::new(until(NodeState::Running, shows_late)),
        )
    }

    /// Waits until a node is shut down and returns it as it is then.
    ///
    /// Otherwise as [`wait_until_running`](Compute::wait_until_running).
    ///
    /// # Errors
    /// As there.
    pub fn wait_until_stopped(&self, node: impl AsRef<str>) -> Op<Node> {
        let shows_late = self.api.shows_late();
        self.wait(
            "wait_until_stopped",
            node.as_ref(),
            Box::new(until(NodeState::Stopped, shows_late)),
        )
    }

    /// Waits until there is no such node any more, as after
    /// [`destroy_node`](Compute::destroy_node).
    ///
    /// Otherwise as [`wait_until_running`](Compute::wait_until_running). A node that never was is
    /// gone, too.
    ///
    /// # Errors
    /// `Timeout(Wait)` when time runs out.
    pub fn wait_until_gone(&self, node: impl AsRef<str>) -> Op<()> {
        let (watch, id) = (self.nodes.clone(), owned(node.as_ref()));
        Op::own(&self.session, "wait_until_gone", |options| async move {
            let limit = options.timeout.unwrap_or(LONGEST_WAIT);
            watch.wait(id?, Box::new(until_gone()), limit).await.map(|_| ())
        })
    }

    fn wait(&self, operation: &'static str, node: &str, judge: Box<Judge<Node>>) -> Op<Node> {
        let (watch, id) = (self.nodes.clone(), owned(node));
        Op::own(&self.session, operation, |options| async move {
            let limit = options.timeout.unwrap_or(LONGEST_WAIT);
            let node = watch.wait(id?, judge, limit).await?;
            Ok(node.expect("it was seen in the state that was waited for"))
        })
    }
}

fn owned(node: &str) -> Result<String> {
    id(node, "node").map(str::to_owned)
}

/// Waits for a state in which nodes stay.
fn until(wanted: NodeState, shows_late: bool) -> impl FnMut(&Sight<'_, Node>) -> Verdict + Send {
    let mut was_seen = false;
    let mut patience = if shows_late { LATE } else { 0 };
    move |sight| {
        let (node, is_alone) = match sight {
            Sight::Listed(node) => (node, false),
            Sight::Asked(node) => (node, true),
            Sight::Missing => return Verdict::LookCloser,
            Sight::NotFound(_) if was_seen => {
                let text = "the node was destroyed while it was waited for";
                return Verdict::Over(Err(Error::new(ErrorKind::Failed, text)));
            }
            Sight::NotFound(_) if patience > 0 => {
                patience -= 1;
                return Verdict::NotYet;
            }
            Sight::NotFound(error) => return Verdict::Over(Err((*error).clone())),
        };
        was_seen = true;
        match node.state {
            state if state == wanted => Verdict::Over(Ok(())),
            // Nova's lists do not say why.
            NodeState::Error | NodeState::Terminated if !is_alone => Verdict::LookCloser,
            NodeState::Error => Verdict::Over(Err(failed(node, "went to its error state"))),
            NodeState::Terminated => Verdict::Over(Err(failed(node, "was taken away"))),
            _ => Verdict::NotYet,
        }
    }
}

fn until_gone() -> impl FnMut(&Sight<'_, Node>) -> Verdict + Send {
    let mut missed = 0;
    move |sight| match sight {
        Sight::NotFound(_) => Verdict::Over(Ok(())),
        Sight::Listed(node) | Sight::Asked(node) => {
            missed = 0;
            match node.state {
                NodeState::Terminated => Verdict::Over(Ok(())),
                _ => Verdict::NotYet,
            }
        }
        // A list is made of pages, between which things move.
        Sight::Missing if missed == 0 => {
            missed = 1;
            Verdict::NotYet
        }
        Sight::Missing => Verdict::Over(Ok(())),
    }
}

fn failed(node: &Node, how: &str) -> Error {
    let why = node.fault.as_deref().unwrap_or("the cloud does not say why");
    let advice = if node.state == NodeState::Error { "; destroy it" } else { "" };
    Error::new(ErrorKind::Failed, format!("node {:?} {how}: {why}{advice}", node.name))
}

const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// How often a cloud that shows late may say that there is no such node: some 25 seconds.
const LATE: u32 = 9;
