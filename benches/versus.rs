//! Welkin beside what a user would take instead: each in a process of its own, all asking one
//! server, round by round.
//!
//! `cargo bench --bench versus`, or one part of it by name. The peers are built and installed on the
//! first run (`benches/peers/`); one that cannot be had is named and left out.

mod support;

#[path = "versus/cold.rs"]
mod cold;
#[path = "versus/compare.rs"]
mod compare;
#[path = "versus/many.rs"]
mod many;
#[path = "versus/nodes.rs"]
mod nodes;
#[path = "versus/peers.rs"]
mod peers;
#[path = "versus/real.rs"]
mod real;
#[path = "versus/renewal.rs"]
mod renewal;
#[path = "versus/slow.rs"]
mod slow;
#[path = "versus/tasks.rs"]
mod tasks;
#[path = "versus/threads.rs"]
mod threads;
#[path = "versus/throttle.rs"]
mod throttle;

use std::error::Error;

use self::peers::Peers;
use self::support::args::Args;
use self::support::server::serve_if_asked;

fn main() -> Result<(), Box<dyn Error>> {
    serve_if_asked()?;
    let args = Args::read();
    if let Some(odd) = args.words.iter().find(|word| PARTS.iter().all(|p| p.name != **word)) {
        let names: Vec<_> = PARTS.iter().map(|part| part.name).collect();
        return Err(format!("nothing named {odd:?}; there are {}", names.join(", ")).into());
    }
    let peers = Peers::install(&args)?;
    peers.versions()?.print(&args)?;
    let is_asked = |part: &&Part| match &args.words[..] {
        [] => !part.needs_a_cloud,
        named => named.iter().any(|word| word == part.name),
    };
    for part in PARTS.iter().filter(is_asked) {
        (part.run)(&args, &peers)?;
    }
    Ok(())
}

struct Part {
    name: &'static str,
    run: fn(&Args, &Peers) -> Result<(), Box<dyn Error>>,
    /// Only where it is named.
    needs_a_cloud: bool,
}

const fn part(name: &'static str, run: fn(&Args, &Peers) -> Result<(), Box<dyn Error>>) -> Part {
    Part { name, run, needs_a_cloud: false }
}

const PARTS: &[Part] = &[
    part("threads", threads::run),
    part("tasks", tasks::run),
    part("nodes", nodes::run),
    part("cold", cold::run),
    part("renewal", renewal::run),
    part("throttle", throttle::run),
    part("slow", slow::run),
    part("many", many::run),
    Part { needs_a_cloud: true, ..part("real", real::run) },
];
