//! Cleaning up: nothing of a run may stay in the account.

use std::thread;
use std::time::{Duration, Instant};

use welkin::{Compute, ErrorKind, Node, NodeState};

use super::work::Run;
use crate::complaint::Complaint;

/// Destroys what the workers of a run left behind, and waits until the cloud lists none of it.
///
/// The next run needs the room. Nodes whose create failed may exist all the same.
pub(crate) fn sweep(run: &Run, compute: &Compute) -> Result<(), Complaint> {
    let begin = Instant::now();
    let mut accepted = std::mem::take(&mut *run.destroyed.lock());
    loop {
        let left = left(run, compute)?;
        let mut refused = None;
        for node in &left {
            if accepted.contains(&node.id) {
                continue;
            }
            match compute.destroy_node(node).wait() {
                Ok(()) => {
                    accepted.insert(node.id.clone());
                }
                Err(e) if e.kind() == ErrorKind::NotFound => {}
                Err(e) => refused = Some(e),
            }
        }
        let over = run.stop.is_canceled() || begin.elapsed() > LONGEST;
        match refused {
            _ if left.is_empty() => return Ok(()),
            None if over => return Ok(()),
            Some(e) if over => {
                let prefix = &run.prefix;
                let why = Complaint::from(e);
                return Err(Complaint::new(format!(
                    "nodes named {prefix}… are left; destroy them by hand: {why}"
                )));
            }
            _ => thread::sleep(PAUSE),
        }
    }
}

fn left(run: &Run, compute: &Compute) -> Result<Vec<Node>, Complaint> {
    let mut nodes = compute.list_nodes().wait()?;
    nodes.retain(|node| node.name.starts_with(&run.prefix) && node.state != NodeState::Terminated);
    Ok(nodes)
}

const PAUSE: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(180);
