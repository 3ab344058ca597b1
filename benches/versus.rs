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
    if let Some(odd) = args.words.iter().find(|word| PARTS.iter().all(|(name, _)| name != word)) {
        let names: Vec<_> = PARTS.iter().map(|(name, _)| *name).collect();
        return Err(format!("nothing named {odd:?}; there are {}", names.join(", ")).into());
    }
    let peers = Peers::install()?;
    peers.versions()?.print(&args)?;
    for (name, run) in PARTS {
        if args.words.is_empty() || args.words.iter().any(|word| word == name) {
            run(&args, &peers)?;
        }
    }
    Ok(())
}

const PARTS: &[(&str, fn(&Args, &Peers) -> Result<(), Box<dyn Error>>)] = &[
    ("threads", threads::run),
    ("tasks", tasks::run),
    ("nodes", nodes::run),
    ("cold", cold::run),
    ("renewal", renewal::run),
    ("throttle", throttle::run),
    ("slow", slow::run),
    ("many", many::run),
];
