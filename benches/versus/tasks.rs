//! 1 KiB in tasks of one thread: CPU in turns, and instructions where valgrind is.

use std::error::Error;

use serde_json::json;

use super::compare::{compare, goal, rival, table};
use super::peers::{Peers, Task, WELKIN};
use crate::support::args::Args;
use crate::support::server::{Manner, Server};
use crate::support::table::{Table, met};
use crate::support::tools::cost_of;

pub(crate) fn run(args: &Args, peers: &Peers) -> Result<(), Box<dyn Error>> {
    let rivals = [rival(WELKIN), rival("hyper-util"), rival("reqwest"), rival("aws")];
    let mut cpu = table("versus: 1 KiB in tasks of one thread");
    for tls in [false, true] {
        for crowd in args.pick(vec![1, 16, 128], vec![16]) {
            let server = Server::start(Manner::default())?;
            let task = Task { at: server.at(), tls, work: "thing", crowd };
            let each = args.pick(6400, 640) / crowd;
            compare(&mut cpu, peers, &task, &rivals, args.pick(9, 2), |_| each)?;
        }
    }
    cpu.print(args)?;
    // Under valgrind each of them takes seconds to begin.
    if args.quick { Ok(()) } else { counts(args, peers) }
}

/// What a busy machine does not change.
fn counts(args: &Args, peers: &Peers) -> Result<(), Box<dyn Error>> {
    let mut table = Table::new(
        "versus: instructions of 1 KiB in tasks of one thread",
        &[
            "crowd",
            "scheme",
            "who",
            "instructions",
            "welkin to it",
            "allocations",
            "system calls",
            "goal",
            "met",
        ],
    );
    let server = Server::start(Manner::default())?;
    let rivals =
        [rival(WELKIN), goal("hyper-util", 0.70), goal("reqwest", 0.30), goal("aws", 0.45)];
    for scheme in ["http", "https"] {
        for crowd in [1, 16] {
            let mut ours = None;
            for rival in rivals {
                let words = ["count", rival.who, scheme, &crowd.to_string()];
                let cost = cost_of(&peers.rust, server.at(), &words, 1000)?;
                let to = ours.zip(cost.instructions).map(|(ours, its): (f64, f64)| ours / its);
                table.row([
                    crowd.into(),
                    scheme.into(),
                    rival.who.into(),
                    json!(cost.instructions.map(f64::round)),
                    json!(to),
                    json!(cost.allocations),
                    json!(cost.calls),
                    json!(rival.goal),
                    json!(to.zip(rival.goal).map(|(to, goal)| met(to <= goal))),
                ]);
                ours = ours.or(cost.instructions);
            }
        }
    }
    table.print(args)
}
