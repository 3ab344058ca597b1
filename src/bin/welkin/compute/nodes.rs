//! Nodes as they are.

use std::process::ExitCode;

use welkin::{Node, NodeState};

use super::Desk;
use crate::complaint::Complaint;
use crate::find::choose;

/// List the nodes of the account
#[derive(clap::Args)]
#[command(after_help = LIST)]
pub(crate) struct ListNodes {}

const LIST: &str = "\
Examples:
  welkin --cloud openstack compute list-nodes
  welkin --cloud aws:work compute list-nodes | grep stopped
  welkin --cloud openstack compute list-nodes --output json | jq -r '.[] | select(.fault) | .id'";

/// Show a node with all that the cloud tells of it
#[derive(clap::Args)]
#[command(after_help = GET)]
pub(crate) struct GetNode {
    /// Its id or unique name
    #[arg(value_name = "ID")]
    node: String,
}

const GET: &str = "\
Examples:
  welkin --cloud openstack compute get-node web-1
  welkin --cloud openstack compute get-node web-1 --output json | jq -r '.[0].public_ips[]'";

pub(super) async fn list(desk: &Desk) -> Result<ExitCode, Complaint> {
    desk.output.list(&desk.compute.list_nodes().await?)?;
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn get(desk: &Desk, args: &GetNode) -> Result<ExitCode, Complaint> {
    let mut found = find(desk, std::slice::from_ref(&args.node)).await?;
    let node = found.remove(0)?;
    // Lists do not tell all, such as why a node failed.
    desk.output.one(&desk.compute.get_node(node).await?)?;
    Ok(ExitCode::SUCCESS)
}

/// Finds nodes by id or unique name, each for itself.
pub(super) async fn find(
    desk: &Desk,
    keys: &[String],
) -> Result<Vec<Result<Node, Complaint>>, Complaint> {
    let all = desk.compute.list_nodes().await?;
    // EC2 lists for an hour what is gone.
    let (gone, there): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|node| node.state == NodeState::Terminated);
    let mut found = Vec::with_capacity(keys.len());
    for key in keys {
        let one = match choose(&there, "node", key) {
            Ok(node) => Ok(node.clone()),
            Err(complaint) => match gone.iter().find(|node| node.id == *key) {
                Some(node) => Ok(node.clone()),
                None => latecomer(desk, key).await.ok_or(complaint),
            },
        };
        found.push(one);
    }
    Ok(found)
}

/// Asks for a node by its id: a cloud that has just made it may not list it yet.
async fn latecomer(desk: &Desk, id: &str) -> Option<Node> {
    desk.compute.get_node(id).await.ok().filter(|node| node.id == id)
}
