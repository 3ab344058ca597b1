//! A create whose answer is lost is never sent blindly again: what became of it is found out, or is
//! said not to be known. The answers are cut by the sim, and between the driver and real servers.
#![cfg(feature = "sim")]

mod cuts;
#[cfg(feature = "aws")]
mod ec2;
mod nova;
mod race;
mod relay;

use std::time::Duration;

use welkin::sim::{Builder, Sim};
use welkin::{Compute, Driver, NewNode};

const SERVERS: &str = "/compute/v2.1/servers";

/// A cloud that loses no time.
fn fast() -> Builder {
    let no = Duration::ZERO;
    Sim::builder().login_delay(no).read_delay(no).create_delay(no).boot_time(no)
}

fn compute(sim: &Sim) -> Compute {
    Driver::open(sim.config()).unwrap().compute().unwrap()
}

fn order(compute: &Compute, name: &str) -> NewNode {
    let image = compute.find_image("tiny").wait().unwrap();
    NewNode::named(name).size("1").image(&image)
}

/// How often the sim was asked to create a server.
fn orders(sim: &Sim) -> u64 {
    sim.stats().by_path.get("POST /compute/v2.1/servers").copied().unwrap_or_default()
}

/// How often the sim was asked for a list of its servers.
fn looks(sim: &Sim) -> u64 {
    sim.stats().by_path.get("GET /compute/v2.1/servers/detail").copied().unwrap_or_default()
}
