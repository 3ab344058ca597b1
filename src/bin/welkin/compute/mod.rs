//! `welkin compute`: nodes, and what they are made from.

mod act;
mod create;
mod input;
mod key_file;
mod key_pairs;
mod nodes;
mod offers;
mod wait;

use std::process::ExitCode;

use clap::Subcommand;
use tokio::runtime;
use welkin::{Compute, Driver};

use crate::cloud::Cloud;
use crate::complaint::Complaint;
use crate::print::Output;

/// Nodes, their sizes, images, locations and key pairs
#[derive(clap::Args)]
#[command(arg_required_else_help = true, after_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    ListNodes(nodes::ListNodes),
    GetNode(nodes::GetNode),
    CreateNode(Box<create::CreateNode>),
    DestroyNode(act::DestroyNode),
    RebootNode(act::RebootNode),
    StartNode(act::StartNode),
    StopNode(act::StopNode),
    ListSizes(offers::ListSizes),
    ListImages(offers::ListImages),
    GetImage(offers::GetImage),
    ListLocations(offers::ListLocations),
    ListKeyPairs(key_pairs::ListKeyPairs),
    GetKeyPair(key_pairs::GetKeyPair),
    CreateKeyPair(key_pairs::CreateKeyPair),
    ImportKeyPair(key_pairs::ImportKeyPair),
    DeleteKeyPair(key_pairs::DeleteKeyPair),
}

const EXAMPLES: &str = "\
Examples:
  export WELKIN_CLOUD=openstack:mycloud
  welkin compute list-sizes
  welkin compute create-node web --size m1.small --image debian-12 --count 3 --wait
  welkin compute list-nodes --output json | jq -r '.[].private_ips[0]'
  welkin compute destroy-node web-1 web-2 web-3 --wait

Nodes, sizes, images, locations and networks are named by id or, where only one has it, by name.
To try all this on no cloud, run the embedded one in another terminal:
  welkin sim --port 5000 > openrc        here: . ./openrc; export WELKIN_CLOUD=openstack
With --cloud sim each command has a cloud of its own that ends with it.";

/// What all verbs work with.
struct Desk {
    driver: Driver,
    compute: Compute,
    output: Output,
}

pub(crate) fn run(
    args: &Args,
    selector: Option<&str>,
    output: Output,
) -> Result<ExitCode, Complaint> {
    let cloud = Cloud::open(selector)?;
    let desk = Desk { driver: cloud.driver.clone(), compute: cloud.driver.compute()?, output };
    runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Complaint::because("the runtime cannot be started", &e))?
        .block_on(args.verb.run(&desk))
}

impl Verb {
    async fn run(&self, desk: &Desk) -> Result<ExitCode, Complaint> {
        match self {
            Self::ListNodes(_) => nodes::list(desk).await,
            Self::GetNode(args) => nodes::get(desk, args).await,
            Self::CreateNode(args) => create::run(desk, args).await,
            Self::DestroyNode(args) => act::destroy(desk, args).await,
            Self::RebootNode(args) => act::reboot(desk, args).await,
            Self::StartNode(args) => act::start(desk, args).await,
            Self::StopNode(args) => act::stop(desk, args).await,
            Self::ListSizes(_) => offers::list_sizes(desk).await,
            Self::ListImages(_) => offers::list_images(desk).await,
            Self::GetImage(args) => offers::get_image(desk, args).await,
            Self::ListLocations(_) => offers::list_locations(desk).await,
            Self::ListKeyPairs(_) => key_pairs::list(desk).await,
            Self::GetKeyPair(args) => key_pairs::get(desk, args).await,
            Self::CreateKeyPair(args) => key_pairs::create(desk, args).await,
            Self::ImportKeyPair(args) => key_pairs::import(desk, args).await,
            Self::DeleteKeyPair(args) => key_pairs::delete(desk, args).await,
        }
    }
}
