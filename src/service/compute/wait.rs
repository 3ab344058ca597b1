//! Waiting for nodes: whoever waits on one driver shares what is asked.

use std::time::Duration;

use super::{Compute, id};
use crate::error::{Error, ErrorKind};
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
        let judge = Box::new(until(NodeState::Running, shows_late));
        self.wait("wait_until_running", node.as_ref(), judge, seen)
    }

    /// Waits until a node is shut down and returns it as it is then.
    ///
    /// Otherwise as [`wait_until_running`](Compute::wait_until_running).
    ///
    /// # Errors
    /// As there.
    pub fn wait_until_stopped(&self, node: impl AsRef<str>) -> Op<Node> {
        let shows_late = self.api.shows_late();
        let judge = Box::new(until(NodeState::Stopped, shows_late));
        self.wait("wait_until_stopped", node.as_ref(), judge, seen)
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
        self.wait("wait_until_gone", node.as_ref(), Box::new(until_gone()), |_| ())
    }

    fn wait<T: Send + 'static>(
        &self,
        operation: &'static str,
        node: &str,
        judge: Box<Judge<Node>>,
        result: fn(Option<Node>) -> T,
    ) -> Op<T> {
        let (session, watch) = (self.session.clone(), self.nodes.clone());
        let id = id(node, "node").map(str::to_owned);
        Op::own(&self.session, operation, move |options| async move {
            let limit = options.timeout.unwrap_or(LONGEST_WAIT);
            let wait = watch.wait(id?, judge, limit);
            session.within(&options, None, wait).await.map(result)
        })
    }
}

/// The node in the state that was waited for.
fn seen(node: Option<Node>) -> Node {
    node.expect("it was seen in that state")
}

/// Waits for a state in which nodes stay.
fn until(wanted: NodeState, shows_late: bool) -> impl FnMut(&Sight<'_, Node>) -> Verdict + Send {
    let mut was_seen = false;
    let mut patience = if shows_late { LATE } else { 0 };
    move |sight| {
        let (node, is_alone) = match sight {
            Sight::Listed(node) => (node, false),
            Sight::Asked(node) => (node, true),
            // Of a thousand that do not show yet not each is asked for.
            Sight::Missing if patience > 0 => {
                patience -= 1;
                return Verdict::NotYet;
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn node(state: NodeState) -> Node {
        Node::new("1", "web", state)
    }

    /// What a judge says of one sight after the other: later, closer, or how it ended.
    fn verdicts(mut judge: Box<Judge<Node>>, sights: &[Sight<'_, Node>]) -> Vec<String> {
        let say = |sight| match judge(sight) {
            Verdict::NotYet => "later".to_owned(),
            Verdict::LookCloser => "closer".to_owned(),
            Verdict::Over(Ok(())) => "done".to_owned(),
            Verdict::Over(Err(error)) => error.to_string(),
        };
        sights.iter().map(say).collect()
    }

    fn running(shows_late: bool) -> Box<Judge<Node>> {
        Box::new(until(NodeState::Running, shows_late))
    }

    #[test]
    fn a_node_is_waited_for_through_all_that_passes() {
        use NodeState::{Pending, Rebooting, Running, Starting, Stopped};
        let nodes = [Pending, Starting, Stopped, Rebooting, Running].map(node);
        let sights: Vec<_> = nodes.iter().map(Sight::Listed).collect();
        let said = verdicts(running(false), &sights);
        assert_eq!(said, ["later", "later", "later", "later", "done"]);
    }

    #[test]
    fn what_a_list_says_of_an_end_is_asked_for_again_alone() {
        let (mut failed, taken) = (node(NodeState::Error), node(NodeState::Terminated));
        failed.fault = Some("No valid host".into());
        let sights = [Sight::Listed(&failed), Sight::Asked(&failed)];
        let said = verdicts(running(false), &sights);
        assert_eq!(said[0], "closer");
        let why = "node \"web\" went to its error state: No valid host; destroy it";
        assert_eq!(said[1], why);
        let said = verdicts(running(false), &[Sight::Listed(&taken), Sight::Asked(&taken)]);
        assert_eq!(said[0], "closer");
        assert_eq!(said[1], "node \"web\" was taken away: the cloud does not say why");
    }

    #[test]
    fn a_node_that_is_not_there_is_late_gone_or_never_was() {
        let none = Error::new(ErrorKind::NotFound, "none");
        let (missing, not_found) = (|| Sight::Missing, || Sight::NotFound(&none));
        let said = verdicts(running(false), &[missing(), not_found()]);
        assert_eq!(said, ["closer", "none"]);

        let shy: Vec<_> = (0..LATE + 2).map(|_| missing()).collect();
        let said = verdicts(running(true), &shy);
        assert_eq!(said.iter().filter(|word| *word == "later").count(), LATE as usize);
        assert_eq!(said.last().unwrap(), "closer");
        let shy: Vec<_> = (0..=LATE).map(|_| not_found()).collect();
        assert_eq!(verdicts(running(true), &shy).last().unwrap(), "none");

        let pending = node(NodeState::Pending);
        let said = verdicts(running(true), &[Sight::Asked(&pending), not_found()]);
        assert!(said[1].contains("destroyed while it was waited for"), "{said:?}");
    }

    #[test]
    fn a_node_is_gone_when_it_is_not_found_or_missing_twice_in_a_row() {
        let (there, taken) = (node(NodeState::Stopping), node(NodeState::Terminated));
        let none = Error::new(ErrorKind::NotFound, "none");
        let gone = || Box::new(until_gone());
        let sights = [Sight::Missing, Sight::Listed(&there), Sight::Missing, Sight::Missing];
        assert_eq!(verdicts(gone(), &sights), ["later", "later", "later", "done"]);
        assert_eq!(verdicts(gone(), &[Sight::NotFound(&none)]), ["done"]);
        assert_eq!(verdicts(gone(), &[Sight::Asked(&taken)]), ["done"]);
    }
}
