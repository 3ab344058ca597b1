//! What is done to nodes that exist: one or several, each tried whatever becomes of the others.

use std::collections::HashSet;
use std::process::ExitCode;
use std::time::Duration;

use futures_util::stream::{self, StreamExt};
use serde::Serialize;
use welkin::{ErrorKind, Node, Op, Reboot};

use super::{Desk, input, nodes, wait};
use crate::complaint::{Complaint, report, tell};
use crate::escape::escape;
use crate::interrupt::{self, INTERRUPTED};

/// Destroy nodes for good
#[derive(clap::Args)]
#[command(after_help = DESTROY)]
pub(crate) struct DestroyNode {
    #[command(flatten)]
    nodes: Nodes,

    #[command(flatten)]
    waiting: Waiting,
}

const DESTROY: &str = "\
Examples:
  welkin --cloud openstack compute destroy-node web-1
  welkin --cloud openstack compute destroy-node web-1 web-2 web-3 --wait
  welkin --cloud openstack compute list-nodes --output json | jq -r '.[].id' |
    xargs welkin --cloud openstack compute destroy-node

All are tried. Each that cannot be destroyed is a line on stderr, and the exit status is 1.
JSON has the id and the name of each that was destroyed; a table prints nothing.";

/// Restart nodes
#[derive(clap::Args)]
#[command(after_help = REBOOT)]
pub(crate) struct RebootNode {
    #[command(flatten)]
    nodes: Nodes,

    /// As if the power was cut for a moment; by default the system is asked to restart
    #[arg(long)]
    hard: bool,
}

const REBOOT: &str = "\
Examples:
  welkin --cloud openstack compute reboot-node web-1
  welkin --cloud openstack compute reboot-node web-1 web-2 --hard

All are tried. Each that cannot be restarted is a line on stderr, and the exit status is 1.
JSON has the id and the name of each that is told to; a table prints nothing.";

/// Start nodes that were shut down
#[derive(clap::Args)]
#[command(after_help = START)]
pub(crate) struct StartNode {
    #[command(flatten)]
    nodes: Nodes,

    #[command(flatten)]
    waiting: Waiting,
}

const START: &str = "\
Examples:
  welkin --cloud openstack compute start-node web-1
  welkin --cloud openstack compute start-node web-1 web-2 --wait --timeout 5m

All are tried. Each that cannot be started is a line on stderr, and the exit status is 1.
JSON has the id and the name of each that is told to; a table prints nothing.";

/// Shut nodes down; they can be started again
#[derive(clap::Args)]
#[command(after_help = STOP)]
pub(crate) struct StopNode {
    #[command(flatten)]
    nodes: Nodes,

    #[command(flatten)]
    waiting: Waiting,
}

const STOP: &str = "\
Examples:
  welkin --cloud openstack compute stop-node web-1
  welkin --cloud openstack compute stop-node web-1 web-2 --wait

All are tried. Each that cannot be stopped is a line on stderr, and the exit status is 1.
JSON has the id and the name of each that is told to; a table prints nothing.";

#[derive(clap::Args)]
struct Nodes {
    /// Their ids or unique names
    #[arg(value_name = "ID", required = true)]
    keys: Vec<String>,
}

#[derive(clap::Args)]
struct Waiting {
    /// Return when it is done, not when the cloud has been told
    #[arg(long)]
    wait: bool,

    /// Longest time to wait, as in 90s, 10m or 2h; by default 10m
    #[arg(long, value_name = "TIME", requires = "wait", value_parser = input::time_span)]
    timeout: Option<Duration>,
}

pub(super) async fn destroy(desk: &Desk, args: &DestroyNode) -> Result<ExitCode, Complaint> {
    let told = tell_each(desk, &args.nodes, |desk, node| desk.compute.destroy_node(node)).await?;
    finish(desk, told, &args.waiting, |node| desk.compute.wait_until_gone(node)).await
}

pub(super) async fn reboot(desk: &Desk, args: &RebootNode) -> Result<ExitCode, Complaint> {
    let how = if args.hard { Reboot::Hard } else { Reboot::Soft };
    let reboot = |desk: &Desk, node: &Node| desk.compute.reboot_node(node, how);
    tell_each(desk, &args.nodes, reboot).await?.show(desk)
}

pub(super) async fn start(desk: &Desk, args: &StartNode) -> Result<ExitCode, Complaint> {
    let told = tell_each(desk, &args.nodes, |desk, node| desk.compute.start_node(node)).await?;
    finish(desk, told, &args.waiting, |node| desk.compute.wait_until_running(node)).await
}

pub(super) async fn stop(desk: &Desk, args: &StopNode) -> Result<ExitCode, Complaint> {
    let told = tell_each(desk, &args.nodes, |desk, node| desk.compute.stop_node(node)).await?;
    finish(desk, told, &args.waiting, |node| desk.compute.wait_until_stopped(node)).await
}

/// What became of each node.
#[derive(Default)]
struct Told {
    done: Vec<Node>,
    failures: Vec<Complaint>,
}

impl Told {
    fn show(&self, desk: &Desk) -> Result<ExitCode, Complaint> {
        let touched = self.done.iter().map(|node| Touched { id: &node.id, name: &node.name });
        let printed = desk.output.acted_on(&touched.collect::<Vec<_>>());
        let status = report(&self.failures);
        printed.map(|()| status)
    }
}

/// What a program needs to know of a node that was acted on: how it was before is no longer true.
#[derive(Serialize)]
struct Touched<'a> {
    id: &'a str,
    name: &'a str,
}

/// Finds the nodes, and tells each the same, some of them at once.
async fn tell_each(
    desk: &Desk,
    nodes: &Nodes,
    order: impl Fn(&Desk, &Node) -> Op<()>,
) -> Result<Told, Complaint> {
    let mut told = Told::default();
    let (mut known, mut all) = (HashSet::new(), Vec::new());
    for found in nodes::find(desk, &nodes.keys).await? {
        match found {
            // One may be named twice, by id and by name.
            Ok(node) if !known.insert(node.id.clone()) => {}
            Ok(node) => all.push(node),
            Err(complaint) => told.failures.push(complaint),
        }
    }
    let orders = all.iter().map(|node| order(desk, node)).collect::<Vec<_>>();
    let results: Vec<_> = stream::iter(orders).buffered(AT_ONCE).collect().await;
    for (node, result) in all.into_iter().zip(results) {
        match result {
            Ok(()) => told.done.push(node),
            Err(e) => told.failures.push(Complaint::from(e).about(&node.name)),
        }
    }
    Ok(told)
}

/// Waits for those that were told, if that was asked for, and shows what became of all.
async fn finish<T: Send + 'static>(
    desk: &Desk,
    mut told: Told,
    waiting: &Waiting,
    wait: impl Fn(&Node) -> Op<T>,
) -> Result<ExitCode, Complaint> {
    if !waiting.wait {
        return told.show(desk);
    }
    let stop = interrupt::listen("No longer waiting; the cloud goes on.").await;
    let results = wait::for_all(told.done.iter().map(wait), waiting.timeout, &stop).await;
    let all = std::mem::take(&mut told.done);
    let mut unfinished = Vec::new();
    for (node, result) in all.into_iter().zip(results) {
        match result {
            Ok(_) => told.done.push(node),
            // By Ctrl-C.
            Err(e) if e.kind() == ErrorKind::Canceled => unfinished.push(node.name),
            Err(e) => told.failures.push(Complaint::from(e).about(&node.name)),
        }
    }
    let status = told.show(desk)?;
    if unfinished.is_empty() {
        return Ok(status);
    }
    let line = format!("welkin: interrupted; told but not done yet: {}", unfinished.join(", "));
    tell(&escape(&line));
    Ok(ExitCode::from(INTERRUPTED))
}

/// How many nodes are told at once.
const AT_ONCE: usize = 16;
