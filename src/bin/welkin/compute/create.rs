//! Ordering nodes: one, or several of a kind.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use futures_util::stream::StreamExt;
use welkin::openstack::OpenStack;
use welkin::{Cancel, ErrorKind, NewNode, Node};

use super::{Desk, input, offers, wait};
use crate::complaint::{Complaint, report, tell};
use crate::escape::escape;
use crate::find::choose;
use crate::interrupt::{self, INTERRUPTED};
use crate::progress::Progress;

/// Order a node, or several of a kind
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CreateNode {
    /// Its name; with --count what the names begin with
    name: String,

    /// Its size, by id or unique name
    #[arg(long, value_name = "SIZE")]
    size: String,

    /// Its image, by id or unique name
    #[arg(long, value_name = "IMAGE")]
    image: String,

    /// How many: NAME-1 to NAME-N
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    count: Option<u32>,

    /// A network to connect it to, by id or unique name, on AWS a subnet's id; may be repeated
    #[arg(long = "network", value_name = "NETWORK")]
    networks: Vec<String>,

    /// The name of a key pair of the account to let you in by
    #[arg(long, value_name = "NAME")]
    key_pair: Option<String>,

    /// A security group to put it into; may be repeated
    #[arg(long = "security-group", value_name = "GROUP")]
    security_groups: Vec<String>,

    /// A script or cloud-init's configuration for its first boot; - is stdin
    #[arg(long, value_name = "FILE")]
    user_data: Option<PathBuf>,

    /// A note on it; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = input::pair)]
    metadata: Vec<(String, String)>,

    /// Where to put it, by id or unique name; see list-locations
    #[arg(long, value_name = "LOCATION")]
    location: Option<String>,

    /// Boot from a new volume of that many GiB, made of the image and deleted with the node
    #[arg(long, value_name = "GIB", value_parser = clap::value_parser!(u64).range(1..))]
    root_volume_gb: Option<u64>,

    /// Return when it runs, not when it is ordered
    #[arg(long)]
    wait: bool,

    /// Longest time to wait, as in 90s, 10m or 2h; by default 10m
    #[arg(long, value_name = "TIME", requires = "wait", value_parser = input::time_span)]
    timeout: Option<Duration>,
}

const EXAMPLES: &str = "\
Examples:
  welkin --cloud sim compute create-node web --size m1.small --image tiny --wait
  welkin --cloud openstack compute create-node job --count 10 --size m1.tiny --image debian-12 \\
    --network private --key-pair me --user-data setup.sh --metadata team=blue --wait
  welkin --cloud aws compute create-node web --size t3.micro --image ami-0abc… --output json

What exists is printed, also if others failed; those are a line each on stderr, and the exit status
is 1. Ctrl-C orders no more, waits no longer, and says what exists; the exit status is 130.";

pub(super) async fn run(desk: &Desk, args: &CreateNode) -> Result<ExitCode, Complaint> {
    let (names, order) = (args.names(), args.order(desk).await?);
    let stop = interrupt::listen(WHAT_NOW).await;
    let mut made = order_all(desk, &names, order, &stop).await;
    if args.wait {
        made.wait(desk, args.timeout, &stop).await;
    }
    made.show(desk, &stop)
}

impl CreateNode {
    fn names(&self) -> Vec<String> {
        match self.count {
            None => vec![self.name.clone()],
            Some(count) => (1..=count).map(|i| format!("{}-{i}", self.name)).collect(),
        }
    }

    /// Finds what the nodes are made from; with a name that is an order.
    async fn order<'a>(
        &'a self,
        desk: &Desk,
    ) -> Result<impl Fn(&String) -> NewNode + use<'a>, Complaint> {
        let user_data = self.user_data.as_deref().map(input::read).transpose()?;
        let size = desk.compute.find_size(&self.size).await?;
        let image = offers::find_image(desk, &self.image).await?;
        let networks = find_networks(desk, &self.networks).await?;
        let location = match &self.location {
            Some(key) => {
                let all = desk.compute.list_locations().await?;
                Some(choose(&all, "location", key)?.clone())
            }
            None => None,
        };
        Ok(move |name: &String| {
            let mut order = NewNode::named(name).size(&size).image(&image);
            order = networks.iter().fold(order, NewNode::network);
            order = self.security_groups.iter().fold(order, NewNode::security_group);
            order = self.metadata.iter().fold(order, |order, (k, v)| order.metadata(k, v));
            if let Some(name) = &self.key_pair {
                order = order.key_pair(name);
            }
            if let Some(location) = &location {
                order = order.location(location);
            }
            if let Some(data) = &user_data {
                order = order.user_data(data.as_slice());
            }
            if let Some(gib) = self.root_volume_gb {
                order = order.root_volume_gb(gib);
            }
            order
        })
    }
}

/// Finds networks by id or unique name, where the cloud has a list of them.
async fn find_networks(desk: &Desk, keys: &[String]) -> Result<Vec<String>, Complaint> {
    let native = match desk.driver.native::<OpenStack>() {
        Ok(native) if !keys.is_empty() => native,
        _ => return Ok(keys.to_vec()),
    };
    let all = desk.driver.send(native.list_networks()).await?;
    keys.iter().map(|key| Ok(choose(&all, "network", key)?.id.clone())).collect()
}

/// What became of the orders.
struct Made {
    /// What exists, as far as is known.
    nodes: Vec<Node>,
    failures: Vec<Complaint>,
    /// How many were not ordered, because of Ctrl-C.
    left_out: usize,
}

/// Orders all, some of them at once. What has begun is never given up: it would exist unseen.
async fn order_all(
    desk: &Desk,
    names: &[String],
    order: impl Fn(&String) -> NewNode,
    stop: &Cancel,
) -> Made {
    let progress = Progress::start("ordering", names.len());
    let mut made = Made { nodes: Vec::new(), failures: Vec::new(), left_out: names.len() };
    for some in names.chunks(AT_ONCE) {
        if stop.is_canceled() {
            break;
        }
        let orders: Vec<_> = some.iter().map(&order).collect();
        let mut answers = Vec::with_capacity(some.len());
        let mut coming = desk.compute.create_nodes(&orders).stream();
        while let Some(answer) = coming.next().await {
            progress.step();
            answers.push(answer);
        }
        answers.sort_by_key(|(place, _)| *place);
        for (name, (_, answer)) in some.iter().zip(answers) {
            match answer {
                Ok(node) => made.nodes.push(node),
                Err(e) => made.failures.push(Complaint::from(e).about(name)),
            }
        }
        made.left_out -= some.len();
    }
    made
}

impl Made {
    /// Waits until all run. Those that went wrong exist all the same.
    async fn wait(&mut self, desk: &Desk, limit: Option<Duration>, stop: &Cancel) {
        let waits = self.nodes.iter().map(|node| desk.compute.wait_until_running(node));
        let results = wait::for_all(waits, limit, stop).await;
        for (node, result) in std::mem::take(&mut self.nodes).into_iter().zip(results) {
            match result {
                Ok(running) => self.nodes.push(running),
                Err(e) if e.kind() == ErrorKind::Canceled => self.nodes.push(node),
                Err(e) => {
                    self.failures.push(Complaint::from(e).about(&node.name));
                    match desk.compute.get_node(&node).await {
                        Ok(now) => self.nodes.push(now),
                        Err(e) if e.kind() == ErrorKind::NotFound => {}
                        Err(_) => self.nodes.push(node),
                    }
                }
            }
        }
    }

    /// Prints what exists, then what does not and why: nothing is hidden.
    fn show(&self, desk: &Desk, stop: &Cancel) -> Result<ExitCode, Complaint> {
        let printed = match &self.nodes[..] {
            [] => desk.output.acted_on::<Node>(&[]),
            nodes => desk.output.list(nodes),
        };
        let status = report(&self.failures);
        if stop.is_canceled() {
            let left_out = match self.left_out {
                0 => String::new(),
                n => format!("; {n} not ordered"),
            };
            let existing = match printed {
                // Who sees the table needs no list below it.
                Ok(()) if io::stdout().is_terminal() && !self.nodes.is_empty() => {
                    "the nodes above exist".to_owned()
                }
                // Ctrl-C may have ended whoever reads the pipe.
                _ => self.existing(),
            };
            tell(&escape(&format!("welkin: interrupted; {existing}{left_out}")));
            return Ok(ExitCode::from(INTERRUPTED));
        }
        // Whoever ordered must not lose sight of it.
        printed.map_err(|complaint| complaint.and(&self.existing()))?;
        Ok(status)
    }

    fn existing(&self) -> String {
        let all: Vec<_> = self.nodes.iter().map(|n| format!("{} ({})", n.name, n.id)).collect();
        match &all[..] {
            [] => "nothing was made".to_owned(),
            all => format!("these nodes exist: {}", all.join(", ")),
        }
    }
}

const WHAT_NOW: &str =
    "No more is ordered or waited for; what exists is told in a moment. Ctrl-C again ends now.";

/// How many are ordered at once.
const AT_ONCE: usize = 16;
